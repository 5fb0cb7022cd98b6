package live

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/sink/topics"
)

// What the reader takes of the topic: a fetch of at most these bytes from each broker, this often, which
// is as often as a page is sent rows. A partition with more records than maxBehind to come goes on at its
// end. This bounds the CPU time that people who look take from a pipeline beside: nearly all of it is for
// unpacking what was fetched, for a few rows.
const (
	fetchBytes     = 256 << 10
	partitionBytes = 32 << 10
	pollEvery      = 500 * time.Millisecond
	maxBehind      = 500
)

// retryAfter is the pause after a failure, lookAgain how long a poll waits for records, and decodeWithin
// bounds the decoding of one outcome, for which a schema registry may be asked.
const (
	retryAfter   = 5 * time.Second
	lookAgain    = 2 * time.Second
	decodeWithin = 5 * time.Second
)

// read reads the topic until ctx ends. It tries again after a failure.
func (h *Hub) read(ctx context.Context) {
	for ctx.Err() == nil {
		if err := h.readOnce(ctx); err != nil {
			h.failed(ctx, err)
		}
		pause(ctx, retryAfter)
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (h *Hub) readOnce(ctx context.Context) error {
	source, err := h.open()
	if err != nil {
		return err
	}
	defer source.Close()
	end, answers := kgo.NewOffset().AtEnd(), new(answers)
	cl, err := source.Connect(ctx,
		kgo.ConsumeTopics(source.Topic), kgo.ConsumeStartOffset(end), kgo.ConsumeResetOffset(end),
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(partitionBytes),
		kgo.MaxConcurrentFetches(1), // nothing is fetched ahead of its time
		kgo.WithHooks(answers))
	if err != nil {
		return err
	}
	defer cl.Close()
	for {
		fetches := poll(ctx, cl)
		if ctx.Err() != nil {
			return nil
		}
		for _, e := range fetches.Errors() {
			return fmt.Errorf("reading %s, partition %d: %w", source.Topic, e.Partition, e.Err)
		}
		if err := h.show(ctx, source.Decode, fetches); err != nil {
			return err
		}
		if answers.any.Load() {
			h.failed(ctx, nil)
		}
		h.catchUp(cl, fetches)
		pause(ctx, pollEvery)
	}
}

// answers is a hook of a client that knows whether a broker has answered a fetch. What an answer refuses
// is an error of the next poll.
type answers struct{ any atomic.Bool }

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (a *answers) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	if key == int16(kmsg.Fetch) && e2e.Err() == nil {
		a.any.Store(true)
	}
}

// poll returns what was fetched: nothing if nothing comes for lookAgain, so that a fault of a topic to
// which nothing is written ends too.
func poll(ctx context.Context, cl *kgo.Client) kgo.Fetches {
	bounded, cancel := context.WithTimeout(ctx, lookAgain)
	defer cancel()
	fetches := cl.PollFetches(bounded)
	if errors.Is(fetches.Err0(), context.DeadlineExceeded) {
		return nil
	}
	return fetches
}

// show hands what was fetched to the viewers. Outcomes that cannot be read are left out.
func (h *Hub) show(ctx context.Context, decode Decode, fetches kgo.Fetches) error {
	viewers := h.watching()
	bounded, cancel := context.WithTimeout(ctx, decodeWithin)
	defer cancel()
	for it := fetches.RecordIter(); !it.Done(); {
		err := h.take(bounded, viewers, decode, it.Next())
		if err != nil && !errors.As(err, new(*topics.UnreadableError)) {
			return fmt.Errorf("reading an outcome: %w", err)
		}
	}
	return nil
}

// catchUp goes on at the end of partitions that are behind. What that skips is counted.
func (h *Hub) catchUp(cl *kgo.Client, fetches kgo.Fetches) {
	jumps := make(map[string]map[int32]kgo.EpochOffset)
	unread := int64(0)
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) == 0 {
			return
		}
		next := p.Records[len(p.Records)-1].Offset + 1
		if behind := p.HighWatermark - next; behind > maxBehind {
			unread += behind
			if jumps[p.Topic] == nil {
				jumps[p.Topic] = make(map[int32]kgo.EpochOffset)
			}
			jumps[p.Topic][p.Partition] = kgo.EpochOffset{Epoch: -1, Offset: p.HighWatermark}
		}
	})
	if len(jumps) == 0 {
		return
	}
	cl.SetOffsets(jumps)
	for _, v := range h.watching() {
		v.skipped(unread)
	}
}
