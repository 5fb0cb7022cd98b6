package tally

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink/topics"
)

// Topics are those that a Tail reads.
type Topics struct {
	Source      []string
	Responses   string
	DeadLetters string
}

func (t Topics) all() []string {
	return append(append([]string{}, t.Source...), t.Responses, t.DeadLetters)
}

// Tail reads topics from their beginning into a Book and goes on as they grow.
type Tail struct {
	book   *Book
	topics Topics
	client *kgo.Client
	// earlier is where the responses topic ended when the Tail was made.
	earlier kadm.ListedOffsets

	mu   sync.Mutex
	next map[string]map[int32]int64
}

// NewTail makes a Tail over topics that exist. Outcomes that stand there already are
// of an earlier run.
func NewTail(ctx context.Context, book *Book, from Topics, opts ...kgo.Opt) (*Tail, error) {
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, opts...),
		kgo.ConsumeTopics(from.all()...),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
	)...)
	if err != nil {
		return nil, fmt.Errorf("setting up the client that reads the topics back: %w", err)
	}
	t := &Tail{book: book, topics: from, client: client, next: make(map[string]map[int32]int64)}
	if book.Origins, err = origins(ctx, client, from.Source); err == nil {
		t.earlier, err = t.ends(ctx, from.Responses)
	}
	if err != nil {
		client.Close()
		return nil, err
	}
	return t, nil
}

// origins are the ids by which the records of topics are known.
func origins(ctx context.Context, client *kgo.Client, names []string) (map[string]topics.Origin, error) {
	found, err := kadm.NewClient(client).Metadata(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("asking for the ids of the source topics: %w", err)
	}
	all := make(map[string]topics.Origin, len(names))
	for name, topic := range found.Topics {
		all[name] = topics.Origin{Cluster: found.Cluster, TopicID: topics.TopicID(topic.ID)}
	}
	return all, nil
}

// Close ends the Tail's client.
func (t *Tail) Close() { t.client.Close() }

// Run reads until ctx ends, which is no error.
func (t *Tail) Run(ctx context.Context) error {
	for {
		fetches := t.client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of ctx is how reading ends
		}
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("reading the topics back: %w", err)
		}
		fetches.EachRecord(t.take)
	}
}

func (t *Tail) take(r *kgo.Record) {
	switch r.Topic {
	case t.topics.DeadLetters:
		t.book.Letter(r)
	case t.topics.Responses:
		if before, ok := t.earlier.Lookup(r.Topic, r.Partition); ok && r.Offset < before.Offset {
			t.book.EarlierOutcome(r)
		} else {
			t.book.Outcome(r)
		}
	default:
		t.book.Event(r)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next[r.Topic] == nil {
		t.next[r.Topic] = make(map[int32]int64)
	}
	t.next[r.Topic][r.Partition] = r.Offset + 1
}

// CaughtUp reports whether everything on the topics was read.
func (t *Tail) CaughtUp(ctx context.Context) (bool, error) {
	ends, err := t.ends(ctx, t.topics.all()...)
	if err != nil {
		return false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	caughtUp := true
	ends.Each(func(end kadm.ListedOffset) {
		caughtUp = caughtUp && t.next[end.Topic][end.Partition] >= end.Offset
	})
	return caughtUp, nil
}

func (t *Tail) ends(ctx context.Context, names ...string) (kadm.ListedOffsets, error) {
	ends, err := kadm.NewClient(t.client).ListEndOffsets(ctx, names...)
	if err = errors.Join(err, ends.Error()); err != nil {
		return nil, fmt.Errorf("finding the ends of the topics: %w", err)
	}
	return ends, nil
}
