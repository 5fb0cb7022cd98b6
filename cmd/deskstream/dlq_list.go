package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
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
	asJSON := cmd.Flags().Bool("json", false, "print one JSON object per group")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		l := &listing{groups: letters.NewGroups(), all: *all}
		if l.picker, err = filter.read(); err != nil {
			return err
		}
		if l.wanted, err = journal.WantedBy(cfg, &filter.filter); err != nil {
			return err
		}
		if err := l.read(cmd.Context(), a, cfg, *topic); err != nil {
			return err
		}
		return l.print(a.stdout, *asJSON)
	}
	return cmd
}

// listing is one run of dlq list.
type listing struct {
	wanted  []*journal.Wanted
	picker  letters.Picker
	all     bool
	groups  *letters.Groups
	records atomic.Int64 // read so far

	closed, unknown, damaged int
}

func (l *listing) read(ctx context.Context, a *app, cfg *config.Config, topic string) error {
	box, err := journal.Open(ctx, a.journalOptions(cfg, topic))
	if err != nil {
		return err
	}
	defer box.Close()
	box.Wanted = l.wanted
	if err := l.readAll(ctx, box); err != nil {
		return err
	}
	box.NoteUnknown(l.unknown, l.damaged)
	if l.closed > 0 {
		box.Note("%s closed, delivered or discarded: --all shows them", output.Count(l.closed, "letter"))
	}
	return nil
}

func (l *listing) readAll(ctx context.Context, box *journal.Journal) error {
	total := box.Extent.Len()
	defer output.Progress(box.Notes, func() string { return fmt.Sprintf("%d of %d records", l.records.Load(), total) })()
	box.Looked = func() { l.records.Add(1) }
	return box.Pick(ctx, l.picker, func(_ *kgo.Record, letter *letters.Letter, status letters.Status) error {
		l.take(letter, status)
		return nil
	})
}

func (l *listing) take(letter *letters.Letter, status letters.Status) {
	if status.Closed() && !l.all {
		l.closed++
		return
	}
	switch {
	case letter.Dialect == letters.Unknown:
		l.unknown++
	case letter.Fault != "":
		l.damaged++
	}
	l.groups.Add(letter, status)
}

func (l *listing) print(w io.Writer, asJSON bool) error {
	list := l.groups.List()
	if asJSON {
		out := output.NewEncoder(w)
		for _, g := range list {
			if err := out.Encode(g); err != nil {
				return fmt.Errorf("writing a group: %w", err)
			}
		}
		return nil
	}
	total := 0
	var b strings.Builder
	for _, g := range list {
		total += g.Count
		printGroup(&b, g)
	}
	fmt.Fprintf(&b, "%s, %s\n", output.Count(total, "letter"), output.Count(len(list), "cause"))
	_, err := io.WriteString(w, b.String())
	return err
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
