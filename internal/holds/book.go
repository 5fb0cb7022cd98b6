package holds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/sink/topics"
)

// Config says whose holds a Book keeps.
type Config struct {
	// Topic is the topic of states.
	Topic string
	// Groups are the consumer groups of the destinations that run here.
	Groups []string
	// Connection are the options of a client.
	Connection []kgo.Opt
	Log        *slog.Logger
	// Changed is called when a group is held or no longer held by a record, never twice at once. at
	// is when the hold began.
	Changed func(group string, held bool, at time.Time)
}

// Book is what one process knows of the holds on record. It may be used by many goroutines.
type Book struct {
	Config

	begun chan struct{} // closed when Begin has ended

	mu     sync.Mutex
	client *kgo.Client // nil while nothing is kept
	why    error       // why nothing is kept
	held   map[string]time.Time
	// writing are the groups whose record is being written, with what was read of them meanwhile.
	writing map[string][]entry
	// topic is the id of the topic that was read, and lost are groups whose records went with an
	// earlier topic of the name.
	topic kadm.TopicID
	lost  []string
}

// entry is a record of a hold.
type entry struct {
	offset int64
	held   bool
	at     time.Time
}

// value is the value of a record.
type value struct {
	Group  string    `json:"group"`
	At     time.Time `json:"at"`
	Schema int       `json:"schema"`
}

const schema = 1

// New makes a Book that has read nothing.
func New(c Config) *Book {
	return &Book{Config: c, begun: make(chan struct{}), held: map[string]time.Time{}, writing: map[string][]entry{}, why: errors.New("the topic of states was not read yet")}
}

var errMissing = errors.New("it does not exist: create it with cleanup.policy=compact, or run once with --create-topics")

// Timing of the readings.
const (
	again     = time.Second // after one that failed
	lookAgain = time.Minute // whether a topic that cannot be used can be used by now
)

// Begin reads the holds on record. It waits for Kafka as long as ctx lasts; where the topic does not
// exist or may not be used it logs that, and returns nil.
func (b *Book) Begin(ctx context.Context) error {
	defer close(b.begun)
	for warned := false; ; warned = true {
		err := b.open(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("reading the holds of operators from %s: %w", b.Topic, errors.Join(context.Cause(ctx), err))
		case errors.Is(err, errMissing): // run has said it
			return nil
		case isLasting(err):
			b.Log.Warn("holds of operators are kept in this process only, until it ends", "topic", b.Topic, "err", err)
			return nil
		case !warned:
			b.Log.Warn("reading the holds of operators failed, trying again", "topic", b.Topic, "err", err)
		}
		pause(ctx, again)
	}
}

// Await waits until Begin has ended: before that nobody knows what is on record.
func (b *Book) Await(ctx context.Context) error {
	select {
	case <-b.begun:
		return nil
	case <-ctx.Done():
		return errors.New("the holds on record are not read yet")
	}
}

// lastingError is an error that waiting a moment does not end.
type lastingError struct{ error }

func (e lastingError) Unwrap() error { return e.error }

func isLasting(err error) bool {
	_, ok := errors.AsType[lastingError](err)
	return ok
}

// open reads what is on record, and connects what follows it.
func (b *Book) open(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.why = err
		}
	}()
	client, err := kgo.NewClient(b.Connection...)
	if err != nil {
		return err
	}
	defer client.Close()
	found, err := cluster.Find(ctx, client, []string{b.Topic})
	if err != nil {
		return err
	}
	topic, exists := found.Topics[b.Topic]
	if !exists {
		return lastingError{errMissing}
	}
	if err := errors.Join(found.Need(b.Topic, kmsg.ACLOperationRead), found.Need(b.Topic, kmsg.ACLOperationWrite)); err != nil {
		return lastingError{err}
	}
	extent, err := journal.Find(ctx, client, b.Topic)
	if err != nil {
		return err
	}
	span := extent.Spans[topics.HoldPartition]
	extent.Spans = map[int32]journal.Span{topics.HoldPartition: span}
	latest := map[string]entry{}
	connect := func(_ context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
		return kgo.NewClient(append(append([]kgo.Opt{}, b.Connection...), opts...)...)
	}
	if err := journal.Read(ctx, connect, func(r *kgo.Record) error {
		if group := topics.HoldGroup(r.Key); group != "" {
			latest[group] = read(r)
		}
		return nil
	}, extent); err != nil {
		return err
	}
	following, err := connect(ctx,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{b.Topic: {topics.HoldPartition: kgo.NewOffset().At(span.End)}}),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	b.begin(following, latest, topic.ID)
	return nil
}

// begin takes over what was read. A hold whose record went with its topic stays: only a person ends it.
func (b *Book) begin(client *kgo.Client, latest map[string]entry, topic kadm.TopicID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	recreated := b.topic != topic && b.topic != kadm.TopicID{}
	b.client, b.why, b.topic = client, nil, topic
	for _, group := range b.Groups {
		e, there := latest[group]
		_, held := b.held[group]
		switch {
		case there, held && !recreated:
			b.take(group, e)
		case held:
			b.lost = append(b.lost, group)
		}
	}
}

// writeLost puts on record again what went with an earlier topic.
func (b *Book) writeLost(ctx context.Context) {
	b.mu.Lock()
	lost := b.lost
	b.lost = nil
	b.mu.Unlock()
	for _, group := range lost {
		b.mu.Lock()
		at, held := b.held[group]
		b.mu.Unlock()
		if !held {
			continue
		}
		if err := b.Hold(ctx, group, at); err != nil {
			b.Log.Warn("hold of an operator not put on record again", "group", group, "err", err)
		}
	}
}

// read reads the record of a hold. One of a newer version holds too.
func read(r *kgo.Record) entry {
	e := entry{offset: r.Offset, held: r.Value != nil, at: r.Timestamp}
	var v value
	if json.Unmarshal(r.Value, &v) == nil && !v.At.IsZero() {
		e.at = v.At
	}
	return e
}

// take makes an entry the one that counts. b.mu is held.
func (b *Book) take(group string, e entry) {
	_, was := b.held[group]
	if e.held {
		b.held[group] = e.at
	} else {
		delete(b.held, group)
	}
	if was != e.held {
		b.Changed(group, e.held, e.at)
	}
}

// Run follows the records until ctx ends.
func (b *Book) Run(ctx context.Context) error {
	defer b.close(nil)
	for ctx.Err() == nil {
		if err := b.follow(ctx); err != nil && ctx.Err() == nil {
			b.Log.Warn("reading the holds of operators failed, beginning again", "topic", b.Topic, "err", err)
			b.close(err)
		}
		wait := again
		if err := b.open(ctx); isLasting(err) {
			wait = lookAgain
		} else if err == nil {
			b.writeLost(ctx)
			continue
		}
		pause(ctx, wait)
	}
	return nil
}

// close ends the present reading.
func (b *Book) close(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.client != nil {
		b.client.Close()
		b.client, b.why = nil, why
	}
}

// follow takes what is written. Without a client it returns nil.
func (b *Book) follow(ctx context.Context) error {
	b.mu.Lock()
	client := b.client
	b.mu.Unlock()
	if client == nil {
		return nil
	}
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, e := range fetches.Errors() {
			return e.Err
		}
		b.mu.Lock()
		fetches.EachRecord(func(r *kgo.Record) {
			group := topics.HoldGroup(r.Key)
			if _, busy := b.writing[group]; busy {
				b.writing[group] = append(b.writing[group], read(r))
			} else if b.has(group) {
				b.take(group, read(r))
			}
		})
		b.mu.Unlock()
	}
}

func (b *Book) has(group string) bool { return slices.Contains(b.Groups, group) }

func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
