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
	var entries topics.EntryReader
	return scan.Read(ctx, b.connect, func(r *kgo.Record) error {
		entry, ok := entries.Parse(r)
		if !ok {
			return nil
		}
		if err := b.toJSON(ctx, r); err != nil {
			return err
		}
		return fn(&entry, r)
	}, extent)
}

// toJSON makes JSON of an outcome in Avro.
func (b *letterBox) toJSON(ctx context.Context, r *kgo.Record) (err error) {
	if r.Value, err = asJSON(ctx, b.book.outcomes, r); err != nil {
		return fmt.Errorf("reading an outcome in Avro: %w", err)
	}
	return nil
}

// origins are the source topics as they are now. A topic that is not there has none.
func (b *letterBox) origins(ctx context.Context) (map[string]topics.Origin, error) {
	found, err := askForTopics(ctx, b.cl, b.cfg.Source.Topics)
	if err != nil {
		return nil, err
	}
	origins := make(map[string]topics.Origin)
	for name, info := range found.topics {
		origins[name] = topics.Origin{Cluster: found.cluster, TopicID: topics.TopicID(info.id)}
	}
	return origins, nil
}
