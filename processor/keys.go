package processor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/topics"
)

// keyring knows the keys of the pipeline's group, and writes those of its own events. It has its
// own lock, which may be taken under the book's.
type keyring struct {
	p        *Processor
	store    *keys.Store
	follower *topics.KeyFollower
	// conflicts counts the records of earlier events, of zombies mostly, that were ignored.
	conflicts atomic.Int64

	mu sync.Mutex
	// acked is the highest offset that each partition of the topic has acknowledged.
	acked map[int32]int64
	// disputed are keys for which a record of an earlier event was written last. Compaction would
	// leave that one, so what counts is written again.
	disputed map[keys.Name]bool
}

// newKeyring makes the keyring of a pipeline, nil where no rule has a key.
func newKeyring(p *Processor) *keyring {
	if p.cfg.Writer.Keys == "" {
		return nil
	}
	k := &keyring{p: p, store: new(keys.Store), acked: make(map[int32]int64), disputed: make(map[keys.Name]bool)}
	k.follower = topics.FollowKeys(topics.KeysOf{
		Topic: p.cfg.Writer.Keys, Group: p.cfg.Group, Options: p.kafka.opts, Refused: k.refused,
	}, k.store, p.log)
	return k
}

// begin reads the keys until the pipeline's life ends.
func (k *keyring) begin() {
	k.p.claims.Go(func() { _ = k.follower.Run(k.p.life) }) // it ends with its context only
}

// sync returns when all keys that are on record are known.
func (k *keyring) sync(ctx context.Context) error {
	if k == nil {
		return nil
	}
	return k.follower.Sync(ctx)
}

// of are the keys of a lane's first record, nil where there are none.
func (k *keyring) of(l *lane, r *record) *keys.OfEvent {
	if k == nil || l.key.value == "" {
		return nil
	}
	return &keys.OfEvent{
		Store: k.store, Topic: r.Topic, Lane: l.key.value,
		By:    keys.Event{TopicID: keys.ID(l.part.origin.TopicID), Partition: r.Partition, Offset: r.Offset, Epoch: r.LeaderEpoch, At: r.Timestamp},
		Sync:  k.follower.Sync,
		Claim: func(ctx context.Context) (keys.Claim, error) { return k.p.book.keyClaim(ctx, l.part) },
		Write: func(ctx context.Context, n keys.Named) error { return k.write(ctx, r.Record, n) },
	}
}

// keyClaim is the claim of a partition under which its keys are written, once there is one.
func (b *book) keyClaim(ctx context.Context, part *partition) (keys.Claim, error) {
	claim := b.claimOf(part)
	select {
	case <-claim.ready:
	case <-ctx.Done():
		return keys.Claim{}, context.Cause(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return keys.Claim{TopicID: keys.ID(part.responses), Partition: part.id % part.n, Number: part.claim.number}, nil
}

// write puts a key on record for the event of a source record, and returns when it is read back:
// so what events find is what all other processes find.
func (k *keyring) write(ctx context.Context, source *kgo.Record, n keys.Named) error {
	for tries := 0; ; tries++ {
		partition, offset, behind, err := k.acknowledged(ctx, source, topics.KeyRecord{Name: n.Name, Entry: n.Entry})
		switch {
		case err != nil:
			return err
		case behind && tries < maxRewrites: // see errNotWritten
		case offset < 0:
			return k.follower.Sync(ctx)
		default:
			return k.follower.Read(ctx, partition, offset)
		}
	}
}

// acknowledged writes a record and waits for its acknowledgement. behind says that the partition
// had given a later offset before.
func (k *keyring) acknowledged(ctx context.Context, source *kgo.Record, rec topics.KeyRecord) (partition int32, offset int64, behind bool, err error) {
	done := make(chan struct{})
	k.send(ctx, source, rec, func(p int32, o int64, late bool, e error) {
		partition, offset, behind, err = p, o, late, e
		close(done)
	})
	select { // the client may keep a record for long after the end of its context
	case <-done:
		return partition, offset, behind, err
	case <-ctx.Done():
		return 0, 0, false, context.Cause(ctx)
	}
}

// send writes a record. It does not block.
func (k *keyring) send(ctx context.Context, source *kgo.Record, rec topics.KeyRecord, done func(partition int32, offset int64, behind bool, err error)) {
	k.p.kafka.writer.WriteKey(ctx, source, rec, func(partition int32, offset int64, err error) {
		k.mu.Lock()
		behind := err == nil && offset >= 0 && offset <= k.acked[partition] && k.acked[partition] > 0
		if err == nil && !behind {
			k.acked[partition] = offset
		}
		k.mu.Unlock()
		done(partition, offset, behind, err)
	})
}

// settled removes the keys that an event has closed, since its outcome is on record. If that is
// lost a later claim does it.
func (k *keyring) settled(s *settling) {
	for _, n := range s.named.Closed() {
		k.remove(s.part.stop.Hard, s.rec.Record, n)
	}
}

// remove takes a key off the record as long as nothing later has been put there. It does not block.
func (k *keyring) remove(ctx context.Context, source *kgo.Record, n keys.Named) {
	if present, ok := k.store.Get(n.Name); ok && present.By.Is(n.By) {
		k.send(ctx, source, topics.KeyRecord{Name: n.Name, Entry: n.Entry, Removed: true}, func(int32, int64, bool, error) {})
	}
}

// tidy takes care of the keys of partitions that were just claimed: it removes those that their
// earlier owner has closed and could not remove, and writes again what a zombie has written over.
func (k *keyring) tidy(parts []*partition) {
	if k == nil {
		return
	}
	for _, part := range parts {
		for _, n := range k.store.ClosedBy(part.topic, keys.ID(part.origin.TopicID), part.id) {
			if k.p.book.hasSettled(part, n.By) {
				k.remove(part.stop.Hard, sourceOf(part, n.By.Offset), n)
			}
		}
	}
	for name := range k.takeDisputed() {
		k.settleDispute(name)
	}
}

// sourceOf stands for a record of a partition in the log.
func sourceOf(part *partition, offset int64) *kgo.Record {
	return &kgo.Record{Topic: part.topic, Partition: part.id, Offset: offset, LeaderEpoch: -1}
}

// hasSettled reports whether an event of a partition that was claimed has an outcome.
func (b *book) hasSettled(part *partition, of keys.Event) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return of.Offset < part.committed || part.settled != nil && part.settled.has(of.Offset, of.Epoch)
}

// refused takes in that a record of an earlier event was written for a key. The follower calls it.
func (k *keyring) refused(n keys.Named) {
	k.conflicts.Add(1)
	k.mu.Lock()
	k.disputed[n.Name] = true
	k.mu.Unlock()
	if k.p.book.activeAt(topicPartition{n.Topic, n.By.Partition}) != nil {
		k.p.claims.Go(func() { k.settleDispute(n.Name) })
	}
}

func (k *keyring) takeDisputed() map[keys.Name]bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	disputed := k.disputed
	k.disputed = make(map[keys.Name]bool)
	return disputed
}

// settleDispute writes what counts of a key again, if it is of a partition that is ours.
func (k *keyring) settleDispute(name keys.Name) {
	present, ok := k.store.Get(name)
	if !ok {
		return
	}
	part := k.p.book.activeAt(topicPartition{name.Topic, present.By.Partition})
	k.mu.Lock()
	if k.disputed[name] = part == nil; part != nil {
		delete(k.disputed, name)
	}
	k.mu.Unlock()
	if part != nil {
		k.send(part.stop.Hard, sourceOf(part, present.By.Offset), topics.KeyRecord{Name: name, Entry: present}, func(int32, int64, bool, error) {})
	}
}

// activeAt is the partition that is delivered under a name, nil for none.
func (b *book) activeAt(tp topicPartition) *partition {
	b.mu.Lock()
	defer b.mu.Unlock()
	if part := b.parts[tp]; part != nil && part.phase == active {
		return part
	}
	return nil
}

// figures puts in what the keyring knows.
func (k *keyring) figures(f *Figures) {
	if k != nil {
		f.Keys, f.KeyConflicts = k.store.Len(), k.conflicts.Load()
	}
}

// writeAll writes records of keys for a partition's owner, many at a time. It returns how many the
// topic has acknowledged.
func (k *keyring) writeAll(ctx context.Context, list []keys.Named, removed bool) (n int64) {
	var done atomic.Int64
	var group errgroup.Group
	group.SetLimit(writtenAtOnce)
	for _, named := range list {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			source := &kgo.Record{Topic: named.Topic, Partition: named.By.Partition, Offset: named.By.Offset, LeaderEpoch: -1}
			if _, _, _, err := k.acknowledged(ctx, source, topics.KeyRecord{Name: named.Name, Entry: named.Entry, Removed: removed}); err == nil {
				done.Add(1)
			}
			return nil
		})
	}
	_ = group.Wait() // its functions return no error
	return done.Load()
}

// writtenAtOnce is how many records of keys are on their way at once, besides those of events.
const writtenAtOnce = 256

// keysExpire is the time between two looks for keys that have expired.
const keysExpire = 10 * time.Minute

// expire removes the keys that were not used for their time: those of the topics whose partition 0
// is ours.
func (k *keyring) expire(ctx context.Context) error {
	for {
		pause(ctx, keysExpire)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, topic := range k.p.cfg.Topics {
			part := k.p.book.activeAt(topicPartition{topic, 0})
			if part == nil {
				continue
			}
			if n := k.writeAll(part.stop.Hard, k.store.Expired(topic, time.Now()), true); n > 0 {
				k.p.log.Info("keys that were not used were removed", "topic", topic, "keys", n)
			}
		}
	}
}

// recreated has the keys that are known written to their topic, which was deleted and recreated
// while the pipeline wrote to it.
func (k *keyring) recreated() {
	k.mu.Lock()
	clear(k.acked)
	k.mu.Unlock()
	var list []keys.Named
	for _, topic := range k.p.cfg.Topics {
		list = append(list, k.store.All(topic)...)
	}
	k.p.log.Error("topic of keys was recreated, writing the keys that are known to it", "topic", k.p.cfg.Writer.Keys, "keys", len(list))
	k.p.claims.Go(func() { k.writeAll(k.p.life, list, false) })
}
