package audit

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink/topics"
)

// epochEnds holds where leader epochs end in the source's partitions. After an unclean
// election the offsets from there on are those of other records with a higher epoch
// (KIP-101).
type epochEnds struct {
	admin *kadm.Client
	known map[epochKey]int64
}

type epochKey struct {
	topic            string
	partition, epoch int32
}

func newEpochEnds(cl *kgo.Client) *epochEnds {
	return &epochEnds{admin: kadm.NewClient(cl), known: make(map[epochKey]int64)}
}

// lost reports whether the record at a place is gone, because the partition was truncated
// below it.
func (e *epochEnds) lost(ctx context.Context, at topics.Place) (bool, error) {
	if at.Epoch < 0 {
		return false, nil
	}
	key := epochKey{at.Topic, at.Partition, at.Epoch}
	end, known := e.known[key]
	if !known {
		var err error
		if end, err = e.ask(ctx, key); err != nil {
			return false, fmt.Errorf("asking where leader epoch %d of topic %s, partition %d, ends: %w", key.epoch, key.topic, key.partition, err)
		}
		e.known[key] = end
	}
	return at.Offset >= end, nil
}

// ask returns where an epoch ends, the largest offset for an epoch that the leader does not
// know.
func (e *epochEnds) ask(ctx context.Context, key epochKey) (int64, error) {
	var req kadm.OffsetForLeaderEpochRequest
	req.Add(key.topic, key.partition, key.epoch)
	found, err := e.admin.OffsetForLeaderEpoch(ctx, req)
	if err != nil {
		return 0, err
	}
	at := found[key.topic][key.partition]
	if errors.Is(at.Err, kerr.UnknownLeaderEpoch) || at.Err == nil && at.EndOffset < 0 {
		return math.MaxInt64, nil
	}
	return at.EndOffset, at.Err
}
