package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/tracing"
	"github.com/deskstream/deskstream/internal/wiring"
)

func newCheckCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Checks the configuration file",
		Long: `check reads the configuration file and shows every problem at once, with its
place. What is accepted but should be changed is a warning, on stderr. It opens no
connection unless --connect asks for it: then it tries brokers, topics, the schema
registry and each API's credential, looks the names in rules up in each desk's lists, and
prints a table.

With --diff OLD it shows which settings differ from those of another file, and whether a
running process takes them when it reloads its file, or has to be restarted.`,
		Example: `  deskstream check deskstream.yaml
  deskstream check -c deskstream.yaml --connect
  deskstream check -c new.yaml --diff deskstream.yaml
  deskstream check --schema > deskstream.schema.json`,
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(cmd)
	schema := cmd.Flags().Bool("schema", false, "print the JSON Schema of the file and check nothing")
	connect := cmd.Flags().Bool("connect", false, "try the brokers, topics and APIs that the file names")
	diff := cmd.Flags().String("diff", "", "show what differs from this `file`, and whether a reload takes it")
	as := a.formatFlags(cmd, "check")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *schema {
			_, err := a.stdout.Write(config.Schema())
			return err
		}
		if len(args) > 0 {
			if *path != "" {
				return &config.FlagError{Err: errors.New("the configuration is named twice: as an argument and with -c")}
			}
			*path = args[0]
		}
		file, err := a.configPath(*path)
		if err != nil {
			return err
		}
		c, err := a.loadConfig(file)
		if err != nil {
			return err
		}
		if _, err := cluster.Options(c); err != nil {
			return &config.UsageError{Err: err}
		}
		book, err := codec.Open(c, a.log)
		if err != nil {
			return &config.UsageError{Err: err}
		}
		defer book.Close()
		if w := c.Warnings(); len(w.List) > 0 {
			fmt.Fprintln(a.stderr, output.Lines(w.Error(), "\n"))
		}
		traces := tracing.FromEnvironment()
		for _, w := range traces.Warnings {
			fmt.Fprintln(a.stderr, w)
		}
		if *diff != "" {
			return a.checkDiff(*diff, c, as)
		}
		if *connect {
			return a.checkConnections(cmd.Context(), c, book, as)
		}
		return as.print(map[string]any{"file": file, "warnings": slices.Clone(c.Warnings().List), "traces": traces}, func() string { return summary(file, c, traces) })
	}
	return cmd
}

// checkDiff shows what differs from an older configuration.
func (a *app) checkDiff(old string, c *config.Config, as *format) error {
	was, err := a.readConfig(old, a.getenv)
	if err != nil {
		return &config.UsageError{Err: fmt.Errorf("--diff: %w", err)}
	}
	changes := wiring.Diff(was, c)
	if err := as.print(map[string]any{"changes": changes}, func() string { return config.DiffText(changes) }); err != nil {
		return err
	}
	if config.NeedsRestart(changes) {
		return &exitError{Code: exitRestart}
	}
	return nil
}

// summary says what the file sets up.
func summary(path string, c *config.Config, traces tracing.Setting) string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	output.Printf(table, "ok: %s\n", path)
	for _, topic := range c.Source.Topics {
		output.Printf(table, "source\t%s\tfrom %s\n", topic, c.Source.Start)
	}
	for _, topic := range c.CallsTopics() {
		output.Printf(table, "calls\t%s\tfrom %s\n", topic, c.Source.Start)
	}
	output.Printf(table, "responses\t%s\n", c.Responses.Topic)
	output.Printf(table, "dead letters\t%s\n", c.DeadLetters.Topic)
	for _, d := range c.Destinations {
		output.Printf(table, "destination\t%s\t%s at %s, group %s\n", d.Name, d.Type, d.BaseURL(), c.Group(d))
		if reach := c.Reach(d); reach != "" {
			what := "priorities"
			if !d.HasPriorities() {
				what = "coalescing"
			}
			output.Printf(table, "%s\t%s\t%s\n", what, d.Name, reach)
		}
		if len(d.Export.Entities) > 0 {
			output.Printf(table, "export\t%s\t%s to %s.%s.*; --connect says how long a walk takes\n", d.Name, strings.Join(d.Export.Entities, ", "), c.Inbound.Topic, d.Name)
		}
	}
	output.Printf(table, "traces\t%s\n", traces)
	_ = table.Flush() // a strings.Builder takes everything
	return b.String()
}
