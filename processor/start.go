package processor

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// errNotDecided says that the owner of partition 0 has not committed yet where the group
// begins.
var errNotDecided = errors.New("the instance that has partition 0 has not committed yet where the group begins")

// startOffsets resolves where partitions without offsets begin, so that it is an
// offset that can be committed, and starts the claims. It tries until that succeeds or the
// group goes on: with an error the client would lose all that it holds.
func (p *Processor) startOffsets(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	parts := p.book.unclaimed(offsets)
	for err := p.resolveStart(ctx, parts); err != nil; err = p.resolveStart(ctx, parts) {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("resolving where to start: %w", context.Cause(ctx))
		}
		switch {
		case errors.Is(err, errRedelivery):
			<-ctx.Done() // which comes when Run leaves the group
		case !errors.Is(err, errNotDecided):
			p.troubles.claim.met(err, "partitions", len(parts))
		}
		pause(ctx, claimBackoff)
	}
	p.book.beginClaim(parts, offsets)
	if len(parts) > 0 {
		p.claims.Go(func() { p.claim(parts) })
	}
	return offsets, nil
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
	details, err := p.kafka.describe(ctx, append([]string{p.cfg.Writer.Responses}, p.cfg.Topics...)...)
	if err != nil {
		return err
	}
	for part, c := range found {
		now := checkpoint{Cluster: p.cfg.Cluster, Source: details[part.topic].ID, Responses: details[p.cfg.Writer.Responses].ID}
		if !c.isOfEarlierTopic(now) {
			continue
		}
		p.log.Error("committed offset is of an earlier topic of this name, delivering the new topic from its beginning",
			"topic", part.topic, "partition", part.id, "committed", part.committed, "start", p.laterStart().String())
		p.book.forgetOffset(part)
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
		if !p.book.owns(topicPartition{topic, 0}, p.memberID()) {
			return errNotDecided
		}
		start := p.cfg.Start
		if len(have) > 0 {
			start = p.laterStart() // the topic is not new: only partition 0 has lost its offset
		}
		if err := p.decideStart(ctx, topic, start); err != nil {
			return err
		}
		if have, err = p.groupOffsets(ctx, topic); err != nil {
			return err
		}
	}
	return p.beginLater(ctx, topic, p.book.place(parts, have))
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
	begins, unseen := make(map[int32]beginning), make(map[int32]beginning)
	for _, part := range parts {
		b, err := startOf(begin, end, topic, part.id)
		if err != nil {
			return err
		}
		begins[part.id] = b
		if !part.recreated && b.records() > 0 {
			unseen[part.id] = b
		}
	}
	if err := p.refuseLater(ctx, topic, unseen); err != nil {
		return err
	}
	for _, part := range parts {
		b := begins[part.id]
		p.book.placeAt(part, b.from)
		if !part.recreated {
			p.log.Info("partition has no offset, its start was resolved",
				"topic", topic, "partition", part.id, "start", start.String(), "records_to_deliver", b.records())
		}
	}
	return nil
}

// groupOffsets are the offsets that the group has for the topic, by partition.
func (p *Processor) groupOffsets(ctx context.Context, topic string) (map[int32]kadm.Offset, error) {
	found, err := p.kafka.admin.FetchOffsets(ctx, p.cfg.Group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // a group that nobody has joined yet has none
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

// decideStart commits start's position for all partitions of a topic that have no offset.
func (p *Processor) decideStart(ctx context.Context, topic string, start Start) error {
	found, err := p.surveyResponses(ctx)
	if err != nil {
		return err
	}
	id, n := found.sources[topic], found.partitions[topic]
	recreated := !sameID(p.topics.id(topic), id)
	if recreated {
		start = p.laterStart()
		p.log.Error("topic was recreated, delivering the new topic from its beginning", "topic", topic, "start", start.String())
	}
	have, err := p.groupOffsets(ctx, topic)
	if err != nil {
		return err
	}
	begins, err := p.beginnings(ctx, topic, start, n, have)
	if err != nil {
		return err
	}
	if !recreated {
		if err := p.refuseRedelivery(ctx, topic, begins, found, len(have) == 0); err != nil {
			return err
		}
	}
	// Both may take long, and others commit meanwhile.
	if have, err = p.groupOffsets(ctx, topic); err != nil {
		return err
	}
	maps.DeleteFunc(begins, func(part int32, _ beginning) bool { _, there := have[part]; return there })
	if len(begins) == 0 {
		return nil
	}
	if err := p.commitStart(ctx, topic, id, begins, found); err != nil {
		return fmt.Errorf("committing where the group begins: %w", err)
	}
	p.log.Info("group has no offsets, its start was resolved",
		"group", p.cfg.Group, "topic", topic, "start", start.String(), "partitions", len(begins), "records_to_deliver", recordsOf(begins))
	return nil
}
