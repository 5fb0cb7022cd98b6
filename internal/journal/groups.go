package journal

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
)

// Groups returns the letters that the picker takes by their cause, the largest group first; with all
// those that are closed too. It notes how many it left out, and what on the topic is no letter, or one
// with headers that cannot be used.
func (j *Journal) Groups(ctx context.Context, picker letters.Picker, all bool) ([]*letters.Group, error) {
	g := grouping{groups: letters.NewGroups(), all: all}
	if err := j.group(ctx, picker, &g); err != nil {
		return nil, err
	}
	if g.unknown > 0 {
		j.Note("%s of %s without a dead-letter header that is known here: written by another program?", output.Count(g.unknown, "record"), j.Topic)
	}
	if g.damaged > 0 {
		j.Note("%s of %s with headers of ours that cannot be used", output.Count(g.damaged, "letter"), j.Topic)
	}
	if g.closed > 0 {
		j.Note("%s closed, delivered or discarded: --all shows them", output.Count(g.closed, "letter"))
	}
	return g.groups.List(), nil
}

// grouping is letters by their cause, and how many are left out or no letters that can be used.
type grouping struct {
	groups                   *letters.Groups
	all                      bool
	closed, unknown, damaged int
}

func (j *Journal) group(ctx context.Context, picker letters.Picker, g *grouping) error {
	var looked atomic.Int64
	total := j.Extent.Len()
	defer output.Progress(j.Notes, func() string { return fmt.Sprintf("%d of %d records", looked.Load(), total) })()
	j.Looked = func() { looked.Add(1) }
	return j.Pick(ctx, picker, func(_ *kgo.Record, l *letters.Letter, status letters.Status) error {
		g.take(l, status)
		return nil
	})
}

func (g *grouping) take(l *letters.Letter, status letters.Status) {
	if status.Closed() && !g.all {
		g.closed++
		return
	}
	switch {
	case l.Dialect == letters.Unknown:
		g.unknown++
	case l.Fault != "":
		g.damaged++
	}
	g.groups.Add(l, status)
}
