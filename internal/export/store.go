package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/mapping/unified"
)

// StateTopic returns the name of the topic that walks are recorded on. prefix is inbound.topic.
func StateTopic(prefix string) string { return prefix + ".exports" }

// Topic returns the name of the topic of a destination's objects of one kind.
func Topic(prefix, destination string, e unified.Entity) string {
	return prefix + "." + destination + "." + string(e)
}

// store is the topics of one destination.
type store struct {
	prefix, destination string

	client, large *kgo.Client // large takes what does not fit into a usual batch
	connect       journal.Connect
	log           *slog.Logger
}

// largeFrom is the size of a value, in bytes, from which on it is sent alone: the broker refuses a
// batch as a whole.
const largeFrom = 700_000

// largestBatch is the client's bound of what is sent alone; the topic's is the one that counts.
const largestBatch = 64 << 20

// readAll calls take with each record of a topic.
func (s *store) readAll(ctx context.Context, topic string, take func(*kgo.Record)) error {
	extent, err := journal.Find(ctx, s.client, topic)
	if err != nil {
		return fmt.Errorf("reading topic %s: %w", topic, err)
	}
	return journal.Read(ctx, s.connect, func(r *kgo.Record) error {
		take(r)
		return nil
	}, extent)
}

func (s *store) known(ctx context.Context, e unified.Entity) (known, error) {
	k := make(known)
	return k, s.readAll(ctx, Topic(s.prefix, s.destination, e), k.take)
}

func (s *store) places(ctx context.Context) (*places, error) {
	p := newPlaces()
	return p, s.readAll(ctx, StateTopic(s.prefix), func(r *kgo.Record) { p.take(s.destination, r.Key, r.Value) })
}

// write returns when all replicas have the records. Its error is the first one.
func (s *store) write(ctx context.Context, records ...*kgo.Record) error {
	if err := s.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("writing to topic %s: %w", records[0].Topic, err)
	}
	return nil
}

// objects writes objects. One that its topic does not take goes without the desk's original, or not
// at all: then it is logged, since the rest of the list must not wait for it.
func (s *store) objects(ctx context.Context, e unified.Entity, list []object) error {
	var small []*kgo.Record
	of := make(map[*kgo.Record]object, len(list)) // results come in the order of their ends
	for _, o := range list {
		if len(o.value) >= largeFrom {
			if err := s.single(ctx, e, o); err != nil {
				return err
			}
			continue
		}
		r := s.record(e, o)
		small, of[r] = append(small, r), o
	}
	for _, result := range s.client.ProduceSync(ctx, small...) {
		switch err := result.Err; {
		case err == nil:
		case errors.Is(err, kerr.MessageTooLarge):
			if err := s.single(ctx, e, of[result.Record]); err != nil {
				return err
			}
		default:
			return fmt.Errorf("writing to topic %s: %w", result.Record.Topic, err)
		}
	}
	return nil
}

// single writes an object in a batch of its own.
func (s *store) single(ctx context.Context, e unified.Entity, o object) error {
	r := s.record(e, o)
	err := s.large.ProduceSync(ctx, r).FirstErr()
	if errors.Is(err, kerr.MessageTooLarge) {
		raw := o.Head().Raw
		o.Head().Raw = nil
		shorter, encodeErr := unified.Encode(o.Object)
		o.Head().Raw = raw
		if encodeErr != nil {
			return encodeErr
		}
		r.Value = shorter
		err = s.large.ProduceSync(ctx, r).FirstErr()
		s.log.Warn("object is larger than its topic takes: raise max.message.bytes", "topic", r.Topic, "id", o.id,
			"bytes", len(o.value), "written_without_original", err == nil)
	}
	if err != nil && !errors.Is(err, kerr.MessageTooLarge) {
		return fmt.Errorf("writing to topic %s: %w", r.Topic, err)
	}
	return nil
}

func (s *store) record(e unified.Entity, o object) *kgo.Record {
	return &kgo.Record{Topic: Topic(s.prefix, s.destination, e), Key: []byte(o.id), Value: o.value, Headers: o.headers()}
}

// tombstones deletes objects from their topic.
func (s *store) tombstones(ctx context.Context, e unified.Entity, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	records := make([]*kgo.Record, len(ids))
	for i, id := range ids {
		records[i] = &kgo.Record{Topic: Topic(s.prefix, s.destination, e), Key: []byte(id)}
	}
	return s.write(ctx, records...)
}

// stateRecord is a record of state; a nil value deletes it.
func (s *store) stateRecord(k stateKey, value any) (*kgo.Record, error) {
	k.Destination = s.destination
	key, err := json.Marshal(k)
	r := &kgo.Record{Topic: StateTopic(s.prefix), Key: key}
	if err == nil && value != nil {
		r.Value, err = json.Marshal(value)
	}
	return r, err
}
