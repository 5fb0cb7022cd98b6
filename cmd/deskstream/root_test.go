package main

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// walk calls fn for every command of the program that a user sees.
func walk(cmd *cobra.Command, fn func(*cobra.Command)) {
	if cmd.Hidden {
		return
	}
	fn(cmd)
	for _, child := range cmd.Commands() {
		walk(child, fn)
	}
}

func TestCommands_everyOneHasHelpWithAnExample(t *testing.T) {
	var started bool
	root := newRootCommand(&app{log: slog.New(slog.DiscardHandler)}, &started)
	seen := 0
	walk(root, func(cmd *cobra.Command) {
		seen++
		if cmd.Short == "" || !strings.Contains(cmd.Example, "deskstream") {
			t.Errorf("%s: short text %q, example %q", cmd.CommandPath(), cmd.Short, cmd.Example)
		}
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		got := runCommand(t, "", args...)
		got.want(t, exitOK, "Examples:", "")
	})
	if seen < 5 {
		t.Errorf("walked %d commands", seen)
	}
}

func TestRun_wrongUsageExitsWith2(t *testing.T) {
	for _, c := range []struct{ args, stderr string }{
		{"nonsense", `unknown command "nonsense"`},
		{"check --nonsense", "unknown flag: --nonsense"},
		{"check extra", "unknown command"},
		{"check", "the flag -c FILE is needed"},
		{"version --log-format yaml", "--log-format must be text or json"},
		{"version --log-level loud", "--log-level must be debug, info, warn or error"},
		{"check -c /does/not/exist", "reading the configuration"},
	} {
		runCommand(t, "", strings.Fields(c.args)...).want(t, exitUsage, "", c.stderr)
	}
}

func TestVersion_namesProgramAndPlatform(t *testing.T) {
	runCommand(t, "", "version").want(t, exitOK, "deskstream dev", "")
}

func TestCompletion_isAScript(t *testing.T) {
	runCommand(t, "", "completion", "bash").want(t, exitOK, "bash completion", "")
}
