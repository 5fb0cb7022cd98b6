package live

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/sink/topics"
)

// The newest records of the topic that Newest looks at, of all partitions together, and the least of
// each. More where headers and key decide, which cost less; without a filter the first ones suffice.
const (
	maxGlanced     = 200_000
	maxLooked      = 50_000
	enoughLooked   = 4_000
	leastPartition = 200
)

// List is the newest outcomes that a filter picks.
type List struct {
	Rows []Row // the newest first
	// Looked is how many outcomes were looked at, Whole whether the topic has no more.
	Looked int
	Whole  bool
	// Unreadable counts records with the headers of an outcome and a value that is none.
	Unreadable int
}

// Newest reads the newest n outcomes that a filter picks. The error for a topic that does not exist is
// journal.ErrMissing.
func Newest(ctx context.Context, source Source, f Filter, n int) (List, error) {
	cl, err := source.Connect(ctx)
	if err != nil {
		return List{}, err
	}
	defer cl.Close()
	extent, err := journal.Find(ctx, cl, source.Topic)
	if err != nil {
		return List{}, err
	}
	list := List{Whole: true}
	s, newest := newSieve(f), newestRows{most: n}
	err = journal.Read(ctx, source.Connect, func(rec *kgo.Record) error {
		g, ok := glanceAt(rec)
		if !ok {
			return nil
		}
		list.Looked++
		if !s.mayTake(g) {
			return nil
		}
		row, err := rowOf(ctx, source.Decode, rec)
		if errors.As(err, new(*topics.UnreadableError)) {
			list.Unreadable++
			return nil
		}
		if err == nil && s.takes(&row) {
			newest.add(row)
		}
		return err
	}, list.end(extent, f))
	if err != nil {
		return List{}, err
	}
	list.Rows = newest.list()
	return list, nil
}

// end is the part of a topic that is read.
func (l *List) end(all journal.Extent, f Filter) journal.Extent {
	most := maxLooked
	if f.isEmpty() {
		most = enoughLooked
	} else if f.inHeaders() {
		most = maxGlanced
	}
	each := int64(max(most/max(len(all.Spans), 1), leastPartition))
	from := make(map[int32]int64, len(all.Spans))
	for p, span := range all.Spans {
		from[p] = max(span.From, span.End-each)
		l.Whole = l.Whole && from[p] == span.From
	}
	return all.From(from)
}

func (f *Filter) isEmpty() bool {
	return f.inHeaders() && len(f.Destinations)+len(f.Outcomes)+len(f.Users) == 0
}

// newestRows keeps the newest rows.
type newestRows struct {
	most int
	rows []Row
}

func (n *newestRows) add(row Row) {
	if n.rows = append(n.rows, row); len(n.rows) >= 2*n.most {
		n.cut()
	}
}

func (n *newestRows) cut() {
	slices.SortStableFunc(n.rows, func(a, b Row) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Destination, b.Destination), cmp.Compare(a.ID, b.ID))
	})
	n.rows = n.rows[:min(len(n.rows), n.most)]
}

func (n *newestRows) list() []Row {
	n.cut()
	return n.rows
}
