package forget

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/journal"
)

// place is a key in a partition.
type place struct {
	partition int32
	key       string
}

// records are the person's on one topic. One that has its tombstone already is false.
type records map[place]bool

// note takes in a record, in the order of its partition: the last one of a key decides whose it is.
func (r records) note(record *kgo.Record, theirs, removed bool) {
	at := place{record.Partition, string(record.Key)}
	switch _, known := r[at]; {
	case removed && known:
		r[at] = false
	case removed:
	case theirs:
		r[at] = true
	default:
		delete(r, at)
	}
}

// read calls take with each record of a topic.
func (f *forgetting) read(ctx context.Context, topic string, take func(*kgo.Record)) error {
	extent, err := journal.Find(ctx, f.client, topic)
	if err != nil {
		return fmt.Errorf("reading topic %s: %w", topic, err)
	}
	connect := func(ctx context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
		return cluster.Connect(ctx, f.Config, f.Log, opts...)
	}
	return journal.Read(ctx, connect, func(r *kgo.Record) error {
		take(r)
		return nil
	}, extent)
}

// remove writes a tombstone for each record that has none, in its partition, and returns how many.
func (f *forgetting) remove(ctx context.Context, topic string, found records) (int, error) {
	var tombstones []*kgo.Record
	for at, there := range found {
		if there {
			tombstones = append(tombstones, &kgo.Record{Topic: topic, Partition: at.partition, Key: []byte(at.key)})
		}
	}
	if err := f.client.ProduceSync(ctx, tombstones...).FirstErr(); err != nil {
		return 0, fmt.Errorf("removing records from %s: %w", topic, err)
	}
	return len(tombstones), nil
}
