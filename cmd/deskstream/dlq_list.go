package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/letters"
)

func newDLQListCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list -c FILE",
		Short: "Lists dead letters by their cause",
		Long: `list groups the dead letters that are open by their cause, and says of each group how
many there are, since when, what one of them is, and what can be done about it.
Letters that were brought back or discarded are left out unless --all.`,
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
		if l.filter, err = filter.read(); err != nil {
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
	filter  letters.Filter
	all     bool
	groups  *letters.Groups
	records atomic.Int64 // read so far

	closed, unknown, damaged int
}

func (l *listing) read(ctx context.Context, a *app, cfg *config.Config, topic string) error {
	box, err := a.openLetterBox(ctx, cfg, topic)
	if err != nil {
		return err
	}
	defer box.close()
	if err := box.narrow(ctx, l.filter); err != nil {
		return err
	}
	if err := l.readAll(ctx, box); err != nil {
		return err
	}
	box.noteStrangers(l.unknown, l.damaged)
	if l.closed > 0 {
		box.note("%s closed, brought back or discarded: see them with --all", count(l.closed, "letter"))
	}
	if l.groups.Twice > 0 {
		box.note("%s there twice, which at-least-once writing allows: counted once", count(l.groups.Twice, "letter"))
	}
	return nil
}

func (l *listing) readAll(ctx context.Context, box *letterBox) error {
	total := box.extent.Len()
	defer startProgress(box.app.stderr, func() string { return fmt.Sprintf("%d of %d records", l.records.Load(), total) })()
	if err := box.readStates(ctx); err != nil {
		return err
	}
	return box.read(ctx, func(_ *kgo.Record, letter *letters.Letter) error {
		l.records.Add(1)
		l.take(box, letter)
		return nil
	})
}

func (l *listing) take(box *letterBox, letter *letters.Letter) {
	if !l.filter.Match(letter) || l.groups.Seen(letter) {
		return
	}
	status := box.states.Status(letter.ID)
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
		out := outcomeEncoder(w)
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
	fmt.Fprintf(&b, "%s, %s\n", count(total, "letter"), count(len(list), "cause"))
	_, err := io.WriteString(w, b.String())
	return err
}

func printGroup(b *strings.Builder, g *letters.Group) {
	what := []string{g.Destination, g.Class, g.Code}
	if g.Dialect != letters.Own {
		what = append([]string{string(g.Dialect)}, what...)
	}
	fmt.Fprintf(b, "%s  %s  %s\n", g.Fingerprint, count(g.Count, "letter"), oneLine(strings.Join(compact(what), " ")))
	fmt.Fprintf(b, "  from    %s to %s\n", when(g.First), when(g.Last))
	if len(g.Statuses) > 1 || g.Statuses[letters.Open] == 0 {
		fmt.Fprintf(b, "  of them %s\n", statuses(g.Statuses))
	}
	if g.Sample.Message != "" {
		fmt.Fprintf(b, "  error   %s\n", oneLine(g.Sample.Message))
	}
	event := compact([]string{g.Sample.EventType, g.Sample.EventID, g.Sample.User, orElse(g.Sample.Source, "letter "+g.Sample.Letter)})
	fmt.Fprintf(b, "  sample  %s  %s\n", g.Sample.ID, oneLine(strings.Join(event, " ")))
	fmt.Fprintf(b, "  to do   %s\n\n", g.Advice)
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

// compact leaves out empty texts.
func compact(texts []string) []string {
	var list []string
	for _, t := range texts {
		if t != "" {
			list = append(list, t)
		}
	}
	return list
}

func when(at time.Time) string { return at.UTC().Format(time.RFC3339) }
