package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// errNotListed is a broker's answer that leaves a partition out.
var errNotListed = errors.New("the broker did not list its offsets")

// beginning is where a group begins in a partition, and the partition's end at that moment.
type beginning struct{ from, end int64 }

// records is how many the group begins with.
func (b beginning) records() int64 { return max(0, b.end-b.from) }

func recordsOf(begins map[int32]beginning) (n int64) {
	for _, b := range begins {
		n += b.records()
	}
	return n
}

// beginnings are those of the n partitions of a topic that are not among have. One that does
// not answer may be left out: it begins where a partition does that is added later, which is at
// the same place unless that is the latest.
func (p *Processor) beginnings(ctx context.Context, topic string, start Start, n int32, have map[int32]kadm.Offset) (map[int32]beginning, error) {
	begin, end, err := p.listStart(ctx, topic, start)
	if err != nil {
		return nil, err
	}
	begins := make(map[int32]beginning)
	for part := range n {
		if _, there := have[part]; there {
			continue
		}
		b, err := startOf(begin, end, topic, part)
		if err != nil && (start.Latest || part == 0) {
			return nil, err
		}
		if err == nil {
			begins[part] = b
		}
	}
	return begins, nil
}

// listStart lists where the partitions of a topic begin, and where they end.
func (p *Processor) listStart(ctx context.Context, topic string, start Start) (begin, end kadm.ListedOffsets, err error) {
	if p.cfg.ReadUncommitted {
		end, err = p.kafka.admin.ListEndOffsets(ctx, topic)
	} else {
		// A transaction that is open now is committed after this moment.
		end, err = p.kafka.admin.ListCommittedOffsets(ctx, topic)
	}
	if err != nil {
		return nil, nil, err
	}
	switch {
	case start.Latest:
		return end, end, nil
	case start.At.UnixMilli() <= 0: // brokers take timestamps below 0 for something else, -1 for the end
		begin, err = p.kafka.admin.ListStartOffsets(ctx, topic)
		return begin, end, err
	}
	begin, err = p.kafka.admin.ListOffsetsAfterMilli(ctx, start.At.UnixMilli(), topic)
	for id, at := range begin[topic] {
		// Where no record is as young as that, the list has the end. It was made after the
		// other one: what was written in between may be that young.
		if to, ok := end.Lookup(topic, id); ok && at.Timestamp < 0 && to.Err == nil {
			at.Offset = min(at.Offset, to.Offset)
			begin[topic][id] = at
		}
	}
	return begin, end, err
}

// startOf finds in the lists where a partition begins and ends.
func startOf(begin, end kadm.ListedOffsets, topic string, id int32) (beginning, error) {
	at, ok := begin.Lookup(topic, id)
	to, okEnd := end.Lookup(topic, id)
	if !ok || !okEnd || at.Err != nil || to.Err != nil {
		return beginning{}, fmt.Errorf("partition %d of topic %s: %w", id, topic, cmp.Or(errors.Join(at.Err, to.Err), errNotListed))
	}
	return beginning{at.Offset, to.Offset}, nil
}

// commitStart commits offsets with their checkpoints, also of partitions that other members
// have: the client refuses that, so the request is made by hand.
func (p *Processor) commitStart(ctx context.Context, topic string, id kadm.TopicID, begins map[int32]beginning, found survey) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group = p.cfg.Group
	req.MemberID, req.Generation = p.kafka.group.GroupMetadata()
	if p.cfg.InstanceID != "" {
		req.InstanceID = &p.cfg.InstanceID
	}
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.TopicID = topic, id
	for part, b := range begins {
		at := b.from
		commit := kmsg.NewOffsetCommitRequestTopicPartition()
		commit.Partition, commit.Offset = part, at
		if end, listed := found.end[part%found.n]; listed {
			text := checkpoint{
				Cluster: p.cfg.Cluster, Source: id, Responses: found.responses, Partitions: found.n, Committed: at, From: end,
			}.String()
			commit.Metadata = &text
		}
		t.Partitions = append(t.Partitions, commit)
	}
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, p.kafka.group)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, at := range t.Partitions {
			if err := kerr.ErrorForCode(at.ErrorCode); err != nil {
				return fmt.Errorf("partition %d of topic %s: %w", at.Partition, topic, err)
			}
		}
	}
	return nil
}
