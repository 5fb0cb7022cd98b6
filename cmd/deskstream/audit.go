package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/audit"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/letters"
)

func newAuditCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit -c FILE",
		Short: "Checks from the topics that every event has its outcome",
		Long: `audit checks, up to what each destination's group has committed, that every record of
the source topics has an outcome of round 0, every dead one its letter, and every letter
that was applied the outcome of its round. It begins where the group's outcomes begin,
and where all topics still keep what is needed, and says where that is. It works while
pipelines run.`,
		Example: `  deskstream audit -c deskstream.yaml
  deskstream audit -c deskstream.yaml --since 24h --until 1h
  deskstream audit --quiet || deskstream audit --json | jq .data.findings`,
		Args: cobra.NoArgs,
	}
	path, as := configFlag(cmd), a.formatFlags(cmd, "audit")
	quiet := cmd.Flags().BoolP("quiet", "q", false, "print what is wrong and the sums, not each partition")
	since := cmd.Flags().String("since", "", "audit events with a timestamp from this `time` on: 2h ago, or RFC 3339")
	until := cmd.Flags().String("until", "", "audit events with a timestamp before this `time`: 2h ago, or RFC 3339")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		o := audit.Options{Options: a.journalOptions(cfg, "")}
		if o.Since, err = letters.ParseTime(*since, time.Now()); err != nil {
			return &config.FlagError{Err: fmt.Errorf("--since: %w", err)}
		}
		if o.Until, err = letters.ParseTime(*until, time.Now()); err != nil {
			return &config.FlagError{Err: fmt.Errorf("--until: %w", err)}
		}
		found, err := audit.Run(cmd.Context(), o)
		if err != nil {
			return err
		}
		if err := as.print(found.Document(), func() string { return found.Text(*quiet) }); err != nil {
			return err
		}
		if !found.OK() {
			return &exitError{Code: exitMissing}
		}
		return nil
	}
	return cmd
}
