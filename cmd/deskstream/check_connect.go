package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/export"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/service"
	"github.com/deskstream/deskstream/internal/wiring"
)

// checkConnections tries everything that the file names and prints a table of it.
func (a *app) checkConnections(ctx context.Context, cfg *config.Config, book *codec.Codec, as *format) error {
	findings := cluster.Check(ctx, cfg, a.log)
	if countFailed(findings) == 0 {
		findings = append(findings, service.CheckStarts(ctx, cfg, a.log)...)
	}
	findings = append(findings, book.Check(ctx))
	for _, d := range cfg.Destinations {
		api := wiring.CheckAPI(ctx, d)
		if findings = append(findings, api); !api.Failed {
			findings = append(findings, wiring.CheckNames(ctx, cfg, d, a.log)...)
		}
	}
	if countFailed(findings) == 0 {
		findings = append(findings, export.Check(ctx, cfg, a.log)...)
	}
	if err := as.print(map[string]any{"findings": findings}, func() string { return findingsText(findings) }); err != nil {
		return err
	}
	if failed := countFailed(findings); failed > 0 {
		return fmt.Errorf("%s failed", output.Count(failed, "check"))
	}
	return nil
}

func countFailed(findings []cluster.Finding) int {
	failed := 0
	for _, f := range findings {
		if f.Failed {
			failed++
		}
	}
	return failed
}

func findingsText(findings []cluster.Finding) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHAT\tNAME\tSTATE\tDETAIL")
	for _, f := range findings {
		state := "ok"
		switch {
		case f.Failed:
			state = "failed"
		case f.Warning:
			state = "warning"
		}
		// An error can have several lines; a row cannot.
		output.Printf(table, "%s\t%s\t%s\t%s\n", f.What, f.Name, state, output.Shown(output.LineOf(strings.ReplaceAll(f.Text, "\n", "; "), output.MaxBody)))
	}
	_ = table.Flush() // a strings.Builder takes everything
	return b.String()
}
