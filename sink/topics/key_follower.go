package topics

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink/keys"
)

// KeyFollower reads the keys of one group into a keys.Store: all that are on the topic, then what
// is written, in the order of each partition. It may be used by many goroutines.
type KeyFollower struct {
	topic, group string
	store        *keys.Store
	opts         []kgo.Opt
	log          *slog.Logger
	// refused is called with each key that a record of an earlier event was written for, and with
	// what counts; nil for nobody. It must not block.
	refused func(keys.Named)

	mu     sync.Mutex
	client *kgo.Client     // nil while there is none
	next   map[int32]int64 // one past the newest record of each partition that was read
	lives  int             // how often reading has begun
	moved  chan struct{}   // closed when one of these changes
}

// KeysOf says whose keys a KeyFollower reads, and from where.
type KeysOf struct {
	Topic, Group string
	Options      []kgo.Opt // of the connection
	// Refused, if set, is called with each key that a record of an earlier event was written for,
	// and with what counts. It must not block.
	Refused func(keys.Named)
}

// FollowKeys makes a KeyFollower, which reads while Run does.
func FollowKeys(of KeysOf, store *keys.Store, log *slog.Logger) *KeyFollower {
	return &KeyFollower{
		topic: of.Topic, group: of.Group, opts: of.Options, refused: of.Refused, store: store, log: log.With("topic", of.Topic),
		next: make(map[int32]int64), moved: make(chan struct{}),
	}
}

// followAgain is the pause before a topic is read from its beginning again.
const followAgain = time.Second

// Run reads until ctx ends. After an error that the client does not get over it begins again: the
// topic may have been recreated.
func (f *KeyFollower) Run(ctx context.Context) error {
	for {
		err := f.follow(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		f.log.Warn("reading the keys failed, beginning again", "err", err)
		timer := time.NewTimer(followAgain)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// What one fetch may return, in bytes: the topic is read whole at each start.
const (
	keyFetchBytes     = 8 << 20
	keyPartitionBytes = 1 << 20
)

func (f *KeyFollower) follow(ctx context.Context) error {
	opts := append(append([]kgo.Opt{}, f.opts...), kgo.ConsumeTopics(f.topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxBytes(keyFetchBytes), kgo.FetchMaxPartitionBytes(keyPartitionBytes))
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer client.Close()
	f.begin(client)
	defer f.begin(nil)
	var reader KeyReader
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, e := range fetches.Errors() {
			return fmt.Errorf("partition %d: %w", e.Partition, e.Err)
		}
		fetches.EachRecord(func(r *kgo.Record) { f.take(&reader, r) })
		f.advance(fetches)
	}
}

// begin notes that reading begins with a client, or that it has ended.
func (f *KeyFollower) begin(client *kgo.Client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.client = client
	clear(f.next)
	f.lives++
	f.move()
}

func (f *KeyFollower) advance(fetches kgo.Fetches) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if n := len(p.Records); n > 0 {
			f.next[p.Partition] = p.Records[n-1].Offset + 1
		}
	})
	f.move()
}

// move wakes those who wait. f.mu is held.
func (f *KeyFollower) move() {
	close(f.moved)
	f.moved = make(chan struct{})
}

func (f *KeyFollower) take(reader *KeyReader, r *kgo.Record) {
	k, ok := reader.Parse(r)
	if !ok || k.Group != f.group {
		return
	}
	var present keys.Entry
	counts := true
	switch {
	case k.Forced:
		f.store.Drop(k.Name)
	case k.Removed:
		present, counts = f.store.Remove(k.Name, k.Entry)
	default:
		present, counts = f.store.Put(k.Name, k.Entry)
	}
	if !counts && f.refused != nil {
		f.refused(keys.Named{Name: k.Name, Entry: present})
	}
}

// Sync returns when the store has all that is on the topic at this moment. The error is the cause
// of ctx's end.
func (f *KeyFollower) Sync(ctx context.Context) error {
	for {
		client, life, err := f.reading(ctx)
		if err != nil {
			return err
		}
		ends, err := kadm.NewClient(client).ListEndOffsets(ctx, f.topic)
		if err == nil {
			err = ends.Error()
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			f.log.Warn("listing the ends of the keys failed, trying again", "err", err)
			f.pause(ctx)
			continue
		}
		if _, known := f.at(ends); !known {
			client.ForceMetadataRefresh() // a partition was added
		}
		again, err := f.wait(ctx, life, func() bool { done, _ := f.at(ends); return done })
		if !again {
			return err
		}
	}
}

// reading waits for a client, and returns it with the number of its life.
func (f *KeyFollower) reading(ctx context.Context) (*kgo.Client, int, error) {
	for {
		f.mu.Lock()
		client, life, moved := f.client, f.lives, f.moved
		f.mu.Unlock()
		if client != nil {
			return client, life, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		}
	}
}

// pause waits a while, or for the end of ctx.
func (f *KeyFollower) pause(ctx context.Context) {
	timer := time.NewTimer(followAgain)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// at reports whether all up to the ends was read, and whether all partitions have been read from.
func (f *KeyFollower) at(ends kadm.ListedOffsets) (done, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	done, known = true, true
	ends.Each(func(o kadm.ListedOffset) {
		at, ok := f.next[o.Partition]
		done, known = done && at >= o.Offset, known && (ok || o.Offset == 0)
	})
	return done, known
}

// wait waits until something is so. again reports that reading has begun again meanwhile.
func (f *KeyFollower) wait(ctx context.Context, life int, so func() bool) (again bool, err error) {
	for {
		f.mu.Lock()
		lives, moved := f.lives, f.moved
		f.mu.Unlock()
		switch {
		case lives != life:
			return true, nil
		case so():
			return false, nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// Read returns when the store has the record of a partition at an offset. If reading has begun
// again since, the record may be gone with its topic: then Read is Sync.
func (f *KeyFollower) Read(ctx context.Context, partition int32, offset int64) error {
	f.mu.Lock()
	life := f.lives
	f.mu.Unlock()
	again, err := f.wait(ctx, life, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.next[partition] > offset
	})
	if !again {
		return err
	}
	return f.Sync(ctx)
}
