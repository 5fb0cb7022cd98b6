package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/scan"
	"github.com/deskstream/deskstream/sink/topics"
)

// clockSlack is by how much clocks of producers and of this program may differ before
// an outcome is looked for in the wrong place.
const clockSlack = time.Hour

// readResponses calls fn with each outcome that was written since a time. Records that
// are no outcomes are passed over. Without a responses topic there are none.
func (b *letterBox) readResponses(ctx context.Context, since time.Time, fn func(*topics.LedgerEntry, *kgo.Record) error) error {
	topic := b.cfg.Responses.Topic
	extent, err := scan.Find(ctx, b.cl, topic)
	if errors.Is(err, scan.ErrMissing) {
		b.note("topic %s does not exist on this cluster: what was sent and answered is not known", topic)
		return nil
	}
	if err != nil {
		return err
	}
	if !since.IsZero() {
		from, err := scan.After(ctx, b.cl, topic, since.Add(-clockSlack))
		if err != nil {
			return err
		}
		extent = extent.From(from)
	}
	return scan.Read(ctx, b.connect, func(r *kgo.Record) error {
		entry, ok := topics.ParseEntry(r)
		if !ok {
			return nil
		}
		if r.Value, err = asJSON(ctx, b.book.outcomes, r); err != nil {
			return fmt.Errorf("reading an outcome in Avro: %w", err)
		}
		return fn(&entry, r)
	}, extent)
}
