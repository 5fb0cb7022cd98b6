package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// errNotListed is a broker's answer that leaves a partition out.
var errNotListed = errors.New("the broker did not list its offsets")

// errNotDecided says that the owner of partition 0 has not committed yet where the group
// begins.
var errNotDecided = errors.New("the instance that has partition 0 has not committed yet where the group begins")

// startOffsets resolves where partitions without offsets begin, so that it is an
// offset that can be committed, and starts the claims. It tries until that works out or the
// group goes on: with an error the client would lose all that it holds.
func (p *Processor) startOffsets(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	parts := p.unclaimed(offsets)
	for err := p.resolveStart(ctx, parts); err != nil; err = p.resolveStart(ctx, parts) {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("resolving where to start: %w", context.Cause(ctx))
		}
		if !errors.Is(err, errNotDecided) {
			p.claimTrouble.met(err, "partitions", len(parts))
		}
		pause(ctx, claimBackoff)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range parts {
		if part.placed {
			offsets[part.topic][part.id] = kgo.NewOffset().At(part.next)
		}
		part.claimed = true
	}
	if len(parts) > 0 {
		p.claims.Go(func() { p.claim(parts) })
	}
	return offsets, nil
}

func (p *Processor) unclaimed(offsets map[string]map[int32]kgo.Offset) []*partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	var parts []*partition
	for topic, ids := range offsets {
		for id := range ids {
			if part := p.parts[topicPartition{topic, id}]; part != nil && !part.claimed {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// resolveStart finds the first offset of the partitions that have none committed, or one
// of an earlier topic.
func (p *Processor) resolveStart(ctx context.Context, parts []*partition) error {
	if err := p.dropStale(ctx, parts); err != nil {
		return err
	}
	open := make(map[string][]*partition)
	for _, part := range parts {
		if part.committed < 0 && !part.placed {
			open[part.topic] = append(open[part.topic], part)
		}
	}
	for topic, parts := range open {
		if err := p.beginTopic(ctx, topic, parts); err != nil {
			return err
		}
	}
	return nil
}

// dropStale forgets offsets that are of an earlier topic of the name. Brokers up to 4.1 keep
// a group's offsets by the topic's name, and take commits by it: so a topic that is deleted
// and created again can have its predecessor's. They say nothing of the new topic's records.
func (p *Processor) dropStale(ctx context.Context, parts []*partition) error {
	found := make(map[*partition]checkpoint)
	for _, part := range parts {
		if c, err := parseCheckpoint(part.metadata); err == nil && part.committed >= 0 && !part.placed {
			found[part] = c
		}
	}
	if len(found) == 0 {
		return nil
	}
	details, err := p.admin.ListTopics(ctx, append([]string{p.cfg.Writer.Responses}, p.cfg.Topics...)...)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return fmt.Errorf("listing topics: %w", err)
	}
	for part, c := range found {
		now := checkpoint{Cluster: p.cfg.Cluster, Source: details[part.topic].ID, Responses: details[p.cfg.Writer.Responses].ID}
		if !c.isOfEarlierTopic(now) {
			continue
		}
		p.log.Error("committed offset is of an earlier topic of this name: the new topic is delivered from its beginning",
			"topic", part.topic, "partition", part.id, "committed", part.committed, "start", p.laterStart().String())
		p.mu.Lock()
		part.committed, part.metadata, part.recreated = -1, "", true
		p.mu.Unlock()
	}
	return nil
}

// laterStart is where what the group sees later begins, after it has seen the topic: a
// partition that was added, or a topic that was recreated. None of it is a backlog.
func (p *Processor) laterStart() Start { return Start{At: p.cfg.Start.At} }

// beginTopic finds where the partitions of a topic begin that have no offset. Where the
// whole topic is new to the group, the owner of its partition 0 decides, for all partitions
// and in one commit: so instances that start together have the same moment for the latest
// offset, and what has no offset afterwards was added since.
func (p *Processor) beginTopic(ctx context.Context, topic string, parts []*partition) error {
	have, err := p.groupOffsets(ctx, topic)
	if err != nil {
		return err
	}
	if _, decided := have[0]; !decided && !allRecreated(parts) {
		if !p.owns(topicPartition{topic, 0}) {
			return errNotDecided
		}
		if err := p.decideStart(ctx, topic, have); err != nil {
			return err
		}
		if have, err = p.groupOffsets(ctx, topic); err != nil {
			return err
		}
	}
	var later []*partition
	p.mu.Lock()
	for _, part := range parts {
		if at, ok := have[part.id]; ok && !part.recreated {
			part.committed, part.next, part.metadata, part.placed = at.At, at.At, at.Metadata, true
		} else {
			later = append(later, part)
		}
	}
	p.mu.Unlock()
	return p.beginLater(ctx, topic, later)
}

func allRecreated(parts []*partition) bool {
	for _, part := range parts {
		if !part.recreated {
			return false
		}
	}
	return true
}

// beginLater places partitions that the group did not see when it began with the topic.
func (p *Processor) beginLater(ctx context.Context, topic string, parts []*partition) error {
	if len(parts) == 0 {
		return nil
	}
	start := p.laterStart()
	begin, end, err := p.listStart(ctx, topic, start)
	if err != nil {
		return err
	}
	for _, part := range parts {
		from, records, err := startOf(begin, end, topic, part.id)
		if err != nil {
			return err
		}
		p.mu.Lock()
		part.next, part.placed = from, true
		p.mu.Unlock()
		if !part.recreated {
			p.log.Info("partition has no offset, its start was resolved",
				"topic", topic, "partition", part.id, "start", start.String(), "records_to_deliver", records)
		}
	}
	return nil
}

func (p *Processor) owns(tp topicPartition) bool {
	member := p.memberID()
	p.mu.Lock()
	defer p.mu.Unlock()
	part := p.parts[tp]
	return part != nil && part.holder == member && part.phase < draining
}

// groupOffsets are the offsets that the group has for the topic, by partition.
func (p *Processor) groupOffsets(ctx context.Context, topic string) (map[int32]kadm.Offset, error) {
	found, err := p.admin.FetchOffsets(ctx, p.cfg.Group)
	if err != nil {
		return nil, fmt.Errorf("asking for the offsets of group %s: %w", p.cfg.Group, err)
	}
	have := make(map[int32]kadm.Offset)
	for id, at := range found[topic] {
		if at.Err != nil {
			return nil, fmt.Errorf("asking for the offset of partition %d of topic %s: %w", id, topic, at.Err)
		}
		if at.At >= 0 {
			have[id] = at.Offset
		}
	}
	return have, nil
}

// decideStart commits where the group begins for all partitions of a topic that have no
// offset. have are those that have one.
func (p *Processor) decideStart(ctx context.Context, topic string, have map[int32]kadm.Offset) error {
	start := p.cfg.Start
	if len(have) > 0 {
		start = p.laterStart() // the topic is not new: only partition 0 has lost its offset
	}
	found, err := p.surveyResponses(ctx)
	if err != nil {
		return err
	}
	id, n := found.sources[topic], found.partitions[topic]
	if known := p.knownID(topic); !sameID(known, id) {
		start = p.laterStart()
		p.log.Error("topic was recreated: the new topic is delivered from its beginning", "topic", topic, "start", start.String())
	}
	begin, end, err := p.listStart(ctx, topic, start)
	if err != nil {
		return err
	}
	offsets, records := make(map[int32]int64), int64(0)
	for part := range n {
		if _, there := have[part]; there {
			continue
		}
		from, count, err := startOf(begin, end, topic, part)
		if err != nil && (start.Latest || part == 0) {
			return err
		}
		if err == nil { // what is left out begins where a partition does that is added later: at the same place
			offsets[part] = from
			records += count
		}
	}
	if err := p.commitStart(ctx, topic, id, offsets, found); err != nil {
		return fmt.Errorf("committing where the group begins: %w", err)
	}
	p.log.Info("group has no offsets, its start was resolved",
		"group", p.cfg.Group, "topic", topic, "start", start.String(), "partitions", len(offsets), "records_to_deliver", records)
	return nil
}

// commitStart commits offsets with their checkpoints, also of partitions that other members
// have: the client refuses that, so the request is made by hand.
func (p *Processor) commitStart(ctx context.Context, topic string, id kadm.TopicID, offsets map[int32]int64, found survey) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group = p.cfg.Group
	req.MemberID, req.Generation = p.client.GroupMetadata()
	if p.cfg.InstanceID != "" {
		req.InstanceID = &p.cfg.InstanceID
	}
	t := kmsg.NewOffsetCommitRequestTopic()
	t.Topic, t.TopicID = topic, id
	for part, at := range offsets {
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
	resp, err := req.RequestWith(ctx, p.client)
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

// listStart lists where the partitions of a topic begin, and where they end.
func (p *Processor) listStart(ctx context.Context, topic string, start Start) (begin, end kadm.ListedOffsets, err error) {
	if p.cfg.ReadUncommitted {
		end, err = p.admin.ListEndOffsets(ctx, topic)
	} else {
		// A transaction that is open now is committed after this moment.
		end, err = p.admin.ListCommittedOffsets(ctx, topic)
	}
	if err != nil {
		return nil, nil, err
	}
	switch {
	case start.Latest:
		return end, end, nil
	case start.At.IsZero():
		begin, err = p.admin.ListStartOffsets(ctx, topic)
		return begin, end, err
	}
	begin, err = p.admin.ListOffsetsAfterMilli(ctx, start.At.UnixMilli(), topic)
	for id, at := range begin[topic] {
		// Where no record is as young as that, the list has the end. It was made after the
		// other one: what came in between may be that young.
		if to, ok := end.Lookup(topic, id); ok && at.Timestamp < 0 && to.Err == nil {
			at.Offset = min(at.Offset, to.Offset)
			begin[topic][id] = at
		}
	}
	return begin, end, err
}

// startOf finds in the lists where a partition begins, and how many records follow.
func startOf(begin, end kadm.ListedOffsets, topic string, id int32) (from, records int64, err error) {
	at, ok := begin.Lookup(topic, id)
	to, okEnd := end.Lookup(topic, id)
	if !ok || !okEnd || at.Err != nil || to.Err != nil {
		return 0, 0, fmt.Errorf("partition %d of topic %s: %w", id, topic, cmp.Or(errors.Join(at.Err, to.Err), errNotListed))
	}
	return at.Offset, max(0, to.Offset-at.Offset), nil
}
