package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
)

func newCheckCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Checks the configuration file",
		Long: `check reads the configuration file and shows every problem at once, with its
place. What is accepted but should be changed is a warning, on stderr. It opens no
connection unless --connect asks for it: then it tries brokers, topics, the schema
registry and each API's credential, and prints a table.`,
		Example: `  deskstream check deskstream.yaml
  deskstream check -c deskstream.yaml --connect
  deskstream check --schema > deskstream.schema.json`,
		Args: cobra.MaximumNArgs(1),
	}
	path := configFlag(cmd)
	schema := cmd.Flags().Bool("schema", false, "print the JSON Schema of the file and check nothing")
	connect := cmd.Flags().Bool("connect", false, "try the brokers, topics and APIs that the file names")
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
		if *connect {
			return a.checkConnections(cmd.Context(), c, book)
		}
		return summarise(a.stdout, file, c)
	}
	return cmd
}

// summarise says what the file sets up.
func summarise(w io.Writer, path string, c *config.Config) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	output.Printf(table, "ok: %s\n", path)
	for _, topic := range c.Source.Topics {
		output.Printf(table, "source\t%s\tfrom %s\n", topic, c.Source.Start)
	}
	output.Printf(table, "responses\t%s\n", c.Responses.Topic)
	output.Printf(table, "dead letters\t%s\n", c.DeadLetters.Topic)
	for _, d := range c.Destinations {
		output.Printf(table, "destination\t%s\t%s at %s, group %s\n", d.Name, d.Type, d.BaseURL(), c.Group(d))
	}
	return table.Flush()
}
