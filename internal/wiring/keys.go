package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/topics"
)

// Keys are the keys of rules, as a command reads them beside the instances that run. The nil
// Keys has none.
type Keys struct {
	of      map[string]followedKeys // by destination
	end     context.CancelFunc
	running sync.WaitGroup
}

type followedKeys struct {
	store    *keys.Store
	follower *topics.KeyFollower
}

// OpenKeys reads the keys of the destinations that have some, and follows them until Close. It
// returns nil where none has. Where their topic does not exist it logs a warning, and there are none.
func OpenKeys(ctx context.Context, c *config.Config, destinations []config.Destination, log *slog.Logger) (*Keys, error) {
	topic := c.KeysTopic(destinations...)
	if topic == "" {
		return nil, nil
	}
	exists, err := topicToRead(ctx, c, topic, log)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of rules: %w", err)
	}
	if !exists {
		log.Warn("topic of keys does not exist, so no key names a ticket", "topic", topic)
		return nil, nil
	}
	base, err := cluster.Options(c)
	if err != nil {
		return nil, &config.UsageError{Err: err}
	}
	k := &Keys{of: make(map[string]followedKeys)}
	var running context.Context
	running, k.end = context.WithCancel(context.WithoutCancel(ctx))
	for _, d := range destinations {
		if !d.HasKeys() {
			continue
		}
		f := followedKeys{store: new(keys.Store)}
		f.follower = topics.FollowKeys(topics.KeysOf{Topic: topic, Group: c.Group(d), Options: append([]kgo.Opt{}, base...)}, f.store, log)
		k.of[d.Name] = f
		k.running.Go(func() { _ = f.follower.Run(running) }) // it ends with its context only
	}
	for _, f := range k.of {
		if err := f.follower.Sync(ctx); err != nil {
			k.Close()
			return nil, fmt.Errorf("reading the keys of rules: %w", err)
		}
	}
	return k, nil
}

// topicToRead reports whether a topic exists, and returns an error when it may not be read.
func topicToRead(ctx context.Context, c *config.Config, topic string, log *slog.Logger) (bool, error) {
	client, err := cluster.Connect(ctx, c, log)
	if err != nil {
		return false, err
	}
	defer client.Close()
	found, err := cluster.Find(ctx, client, []string{topic})
	_, exists := found.Topics[topic]
	return exists, errors.Join(err, found.Need(topic, kmsg.ACLOperationRead))
}

// Of completes what the keys of an event at a destination are, nil where there are none.
func (k *Keys) Of(destination string, e keys.OfEvent) *keys.OfEvent {
	if k == nil || k.of[destination].store == nil || e.Lane == "" {
		return nil
	}
	e.Store, e.Sync = k.of[destination].store, k.of[destination].follower.Sync
	return &e
}

// Read returns when a key that was written for a destination is known.
func (k *Keys) Read(ctx context.Context, destination string, partition int32, offset int64) error {
	if offset < 0 {
		return k.of[destination].follower.Sync(ctx)
	}
	return k.of[destination].follower.Read(ctx, partition, offset)
}

// Close ends the reading.
func (k *Keys) Close() {
	if k != nil {
		k.end()
		k.running.Wait()
	}
}
