package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
)

func newCheckCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check -c FILE",
		Short: "Checks the configuration file",
		Long: `check reads the configuration file and shows every problem at once, with its
place. It opens no connection.`,
		Example: `  deskstream check -c deskstream.yaml
  deskstream check --schema > deskstream.schema.json`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	schema := cmd.Flags().Bool("schema", false, "print the JSON Schema of the file and check nothing")
	cmd.RunE = func(*cobra.Command, []string) error {
		if *schema {
			_, err := a.stdout.Write(config.Schema())
			return err
		}
		c, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		if _, err := kafkaOpts(c); err != nil {
			return &exitError{Code: exitUsage, Err: err}
		}
		return summarise(a.stdout, *path, c)
	}
	return cmd
}

// summarise says what the file sets up.
func summarise(w io.Writer, path string, c *config.Config) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "ok: %s\n", path)
	for _, topic := range c.Source.Topics {
		fmt.Fprintf(table, "source\t%s\tfrom %s\n", topic, c.Source.Start)
	}
	fmt.Fprintf(table, "responses\t%s\n", c.Responses.Topic)
	fmt.Fprintf(table, "dead letters\t%s\n", c.DeadLetters.Topic)
	for _, d := range c.Destinations {
		fmt.Fprintf(table, "destination\t%s\t%s at %s, group %s\n", d.Name, d.Type, d.BaseURL(), c.Group(d))
	}
	return table.Flush()
}
