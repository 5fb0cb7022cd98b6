package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
)

func newDLQListCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list -c FILE",
		Short: "Lists dead letters by their cause",
		Long: `list groups the dead letters that are open by their cause, and says of each group how
many there are, since when, what one of them is, and what can be done about it.
Letters that were delivered or discarded since are left out unless --all.`,
		Example: `  deskstream dlq list -c deskstream.yaml --since 2h
  deskstream dlq list -c deskstream.yaml --destination crm --class rejected --json`,
		Args: cobra.NoArgs,
	}
	path, topic, filter := configFlag(cmd), topicFlag(cmd), addFilterFlags(cmd)
	all := cmd.Flags().Bool("all", false, "letters that are closed too")
	as := a.formatFlags(cmd, "dlq.list")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		box, picker, err := a.openLetters(cmd.Context(), *path, *topic, filter)
		if err != nil {
			return err
		}
		defer box.Close()
		groups, err := box.Groups(cmd.Context(), picker, *all)
		if err != nil {
			return err
		}
		if groups == nil {
			groups = []*letters.Group{}
		}
		return as.print(map[string]any{"groups": groups}, func() string { return groupsText(groups) })
	}
	return cmd
}

func groupsText(list []*letters.Group) string {
	total := 0
	var b strings.Builder
	for _, g := range list {
		total += g.Count
		printGroup(&b, g)
	}
	fmt.Fprintf(&b, "%s, %s\n", output.Count(total, "letter"), output.Count(len(list), "cause"))
	return b.String()
}

func printGroup(b *strings.Builder, g *letters.Group) {
	what := []string{g.Destination, g.Class, g.Code}
	if g.Dialect != letters.Own {
		what = append([]string{string(g.Dialect)}, what...)
	}
	output.Printf(b, "%s  %s  %s\n", g.Fingerprint, output.Count(g.Count, "letter"), output.Words(what...))
	output.Printf(b, "  from    %s to %s\n", output.Time(g.First), output.Time(g.Last))
	if len(g.Statuses) > 1 || g.Statuses[letters.Open] == 0 {
		output.Printf(b, "  of them %s\n", statuses(g.Statuses))
	}
	if g.Sample.Message != "" {
		output.Printf(b, "  error   %s\n", g.Sample.Message)
	}
	event := output.Words(g.Sample.EventType, g.Sample.EventID, g.Sample.User, cmp.Or(g.Sample.Source, "letter "+g.Sample.Letter))
	output.Printf(b, "  sample  %s  %s\n", g.Sample.ID, event)
	output.Printf(b, "  to do   %s\n\n", g.Advice)
}

// statuses is "2 open, 1 discarded".
func statuses(counts map[letters.Status]int) string {
	var list []string
	for _, s := range []letters.Status{letters.Open, letters.Sending, letters.Delivered, letters.Skipped, letters.Died, letters.Discarded} {
		if n := counts[s]; n > 0 {
			list = append(list, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(list, ", ")
}
