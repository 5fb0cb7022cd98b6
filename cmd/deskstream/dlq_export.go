package main

import "github.com/spf13/cobra"

func newDLQExportCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export -c FILE [FILTERS]",
		Short: "Prints the events of dead letters, to fix and produce again",
		Long: `export prints the events of the open letters that the filters pick, one JSON object on a
line, as they were when they were read: Avro as JSON. What is no JSON object is left out
and counted.

Fix them, then load them with produce: they are new events then, behind what their users
have sent since. The letters stay open until dlq discard, which takes the same filters. What
was only refused for now is better sent again by dlq plan and apply.`,
		Example: `  deskstream dlq export -c deskstream.yaml --code missing_identifier > events.ndjson
  jq -c '.userId = .properties.user' events.ndjson | deskstream produce -c deskstream.yaml
  deskstream dlq discard -c deskstream.yaml --code missing_identifier --yes --reason "fixed and produced again"`,
		Args: cobra.NoArgs,
	}
	path, topic, filter := configFlag(cmd), topicFlag(cmd), addFilterFlags(cmd).orEvery()
	all := cmd.Flags().Bool("all", false, "letters that are closed too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		box, picker, err := a.openLetters(cmd.Context(), *path, *topic, filter)
		if err != nil {
			return err
		}
		defer box.Close()
		return box.Export(cmd.Context(), picker, *all, a.stdout)
	}
	return cmd
}
