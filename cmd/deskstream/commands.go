package main

import "github.com/spf13/cobra"

// commands lists every command of the program.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newRunCommand(a),
		newReceiveCommand(a),
		newWebhooksCommand(a),
		newCheckCommand(a),
		newConfigCommand(a),
		newDeliverCommand(a),
		newPlanCommand(a),
		newTestCommand(a),
		newHoldCommand(a),
		newResumeCommand(a),
		newStatusCommand(a),
		newConsoleCommand(a),
		newDLQCommand(a),
		newExplainCommand(a),
		newAuditCommand(a),
		newProduceCommand(a),
		newForgetCommand(a),
		newExportCommand(a),
		newDemoCommand(a),
		newStubCommand(a),
		newVersionCommand(a),
		newHealthCommand(a),
	}
}
