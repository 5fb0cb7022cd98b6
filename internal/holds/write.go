package holds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/sink/topics"
)

// Held reports whether a group is held by a record.
func (b *Book) Held(group string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, held := b.held[group]
	return held
}

// OnRecord reports whether a group is held by a record that is still there, as far as that is known: a topic
// that was deleted, or may no longer be used, has none.
func (b *Book) OnRecord(group string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, held := b.held[group]
	return held && (b.client != nil || !isLasting(b.why))
}

// Hold puts the hold of a group on record. The caller has stopped the calls before. Its error says
// why the hold is not on record, which a restart would end then.
func (b *Book) Hold(ctx context.Context, group string, at time.Time) error {
	text, err := json.Marshal(value{Group: group, At: at.UTC(), Schema: schema})
	if err != nil {
		return err
	}
	return b.write(ctx, group, text, at)
}

// Resume removes the record of a group's hold. After an error it may still be there. Where the topic was
// deleted there is no record to remove: the hold ends in this process, and the log says so.
func (b *Book) Resume(ctx context.Context, group string) error {
	err := b.write(ctx, group, nil, time.Time{})
	if err == nil || !b.gone(ctx) {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lost = slices.DeleteFunc(b.lost, func(lost string) bool { return lost == group })
	b.take(group, entry{})
	b.Log.Warn("the topic of the hold does not exist any more: resumed in this process only, resume the others too", "topic", b.Topic, "group", group)
	return nil
}

// lookTimeout limits the look for the topic, after a write that may have used up its own time.
const lookTimeout = 5 * time.Second

// gone reports whether the topic does not exist. It is false when Kafka does not answer.
func (b *Book) gone(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
	defer cancel()
	client, err := kgo.NewClient(b.Connection...)
	if err != nil {
		return false
	}
	defer client.Close()
	found, err := cluster.Find(ctx, client, []string{b.Topic})
	if err != nil {
		return false
	}
	_, exists := found.Topics[b.Topic]
	return !exists
}

// write writes a record and takes it. What other instances write at the same time counts as the
// topic has it: after what was written before, and before what comes later.
func (b *Book) write(ctx context.Context, group string, text []byte, at time.Time) error {
	b.mu.Lock()
	client, why := b.client, b.why
	if client == nil {
		b.mu.Unlock()
		return fmt.Errorf("topic %s: %w", b.Topic, why)
	}
	if _, busy := b.writing[group]; busy {
		b.mu.Unlock()
		return fmt.Errorf("topic %s: a hold of this destination is being written: try again", b.Topic)
	}
	b.writing[group] = nil
	b.mu.Unlock()

	r := &kgo.Record{Topic: b.Topic, Partition: topics.HoldPartition, Key: topics.HoldKey(group), Value: text}
	err := client.ProduceSync(ctx, r).FirstErr()

	b.mu.Lock()
	defer b.mu.Unlock()
	read := b.writing[group]
	delete(b.writing, group)
	if err == nil {
		b.take(group, entry{offset: r.Offset, held: text != nil, at: at})
	}
	for _, e := range read {
		if err != nil || e.offset > r.Offset {
			b.take(group, e)
		}
	}
	if errors.Is(err, kgo.ErrClientClosed) { // the reading has begun again meanwhile
		return fmt.Errorf("topic %s is read again since it has changed: try again", b.Topic)
	}
	if err != nil {
		return fmt.Errorf("writing to topic %s: %w", b.Topic, err)
	}
	return nil
}
