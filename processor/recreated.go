package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
)

// ErrSourceRecreated is the error of Run after a source was recreated. The client keeps the id of the source that it
// knows, so it never reads the new one, and is refused what it asks the group of it. Only a
// new client can.
var ErrSourceRecreated = errors.New("restart deskstream to read the new topic")

// watchTopics finds out whether a topic was deleted and recreated.
// The client keeps the id that it knows and writes nothing to another topic of
// the same name, so it has to forget that id; and the checkpoints are of the old topic.
func (p *Processor) watchTopics(ctx context.Context) error {
	logged := make(map[string]string)
	for {
		select {
		case <-p.topics.suspected:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for topic, why := range p.topics.takeSuspects() {
			err := p.lookAgain(ctx, topic, why)
			switch {
			case errors.Is(err, errNotUsable), errors.Is(err, ErrSourceRecreated):
				p.log.Error("recreated topic cannot be used, the pipeline ends", "topic", topic, "err", err) // before it drains
				return err
			case err == nil || ctx.Err() != nil:
				delete(logged, topic)
				continue
			case logged[topic] != err.Error():
				logged[topic] = err.Error()
				p.log.Warn("checking whether a topic was recreated failed, trying again", "topic", topic, "err", err)
			}
			p.topics.suspect(topic, why)
		}
		pause(ctx, claimBackoff)
	}
}

// lookAgain asks for a topic and takes it over if it was recreated.
func (p *Processor) lookAgain(ctx context.Context, topic string, why suspicion) error {
	bounded, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	details, err := p.kafka.describe(bounded, topic)
	if err != nil {
		return err
	}
	found, known := details[topic], p.topics.id(topic)
	if p.keys != nil && topic == p.cfg.Writer.Keys {
		if p.topics.mustForget(topic, why) {
			p.kafka.forgetTopic(topic)
			p.topics.changed(topic, found.ID, true)
			p.keys.recreated()
		}
		return nil
	}
	if known == (kadm.TopicID{}) {
		return nil // nothing was claimed yet
	}
	if slices.Contains(p.cfg.Topics, topic) {
		return p.lookAtSource(bounded, found, known)
	}
	if found.ID != known {
		if err := p.adopt(bounded, found); err != nil {
			return err
		}
		p.log.Error("topic was recreated while the pipeline wrote to it, the records it held are gone", "topic", topic, "partitions", len(found.Partitions))
	} else if why.behind {
		if err := p.rebase(bounded, found, kadm.TopicID{}); err != nil {
			return err
		}
		p.log.Error("responses topic lost records at its end", "topic", topic)
	}
	forget := p.topics.mustForget(topic, why)
	if forget {
		p.kafka.forgetTopic(topic) // after the checkpoints: no outcome lies in the new topic before they say so
	}
	p.topics.changed(topic, found.ID, forget)
	return p.reclaim(bounded)
}

// lookAtSource returns ErrSourceRecreated if the source is not the topic that is read.
func (p *Processor) lookAtSource(ctx context.Context, found kadm.TopicDetail, known kadm.TopicID) error {
	refused := p.topics.refusedForLong(found.Topic)
	if found.ID == known && !refused {
		return nil
	}
	if err := p.beginRecreated(ctx, found.Topic); err != nil && !refused {
		return err
	}
	return fmt.Errorf("source topic %s was deleted and recreated: %w", found.Topic, ErrSourceRecreated)
}

// beginRecreated commits that the group begins with a recreated source at its beginning. Its
// offsets went with the old topic, so the next start would take the new one for a topic
// that the group has never seen, and with start: latest leave out what it holds by then.
func (p *Processor) beginRecreated(ctx context.Context, topic string) error {
	if !p.cfg.Start.Latest {
		return nil // as it would begin anyway
	}
	return p.decideStart(ctx, topic, p.laterStart())
}

// adopt makes a recreated topic the one that is written to.
func (p *Processor) adopt(ctx context.Context, found kadm.TopicDetail) error {
	if err := p.readSettings(ctx, found.Topic); err != nil {
		return err
	}
	p.topics.change(found.Topic)
	if found.Topic == p.cfg.Writer.Responses {
		return p.rebase(ctx, found, found.ID)
	}
	p.book.setDeadLetterPartitions(int32(len(found.Partitions)))
	return nil
}

// readSettings reads the settings of a recreated topic. Without the right to read them they
// stay as they were.
func (p *Processor) readSettings(ctx context.Context, topic string) error {
	configs, err := p.kafka.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil //nolint:nilerr // as at the start, where it is logged
	}
	config, err := configs.On(topic, nil)
	if err != nil || config.Err != nil {
		return nil //nolint:nilerr // the same
	}
	return p.topics.takeSettings(topic, config.Configs)
}

// rebase moves all partitions to the beginning of the responses topic as it is now,
// since no position in it that they know holds any more, and commits checkpoints
// that say so. What is open keeps its place; what is settled stays so for this process.
// recreated is the topic's new id, zero if it has the old one.
func (p *Processor) rebase(ctx context.Context, found kadm.TopicDetail, recreated kadm.TopicID) error {
	start, err := p.kafka.admin.ListStartOffsets(ctx, found.Topic)
	if err == nil {
		err = start.Error()
	}
	if err != nil {
		return fmt.Errorf("listing offsets of %s: %w", found.Topic, err)
	}
	p.book.rebase(start[found.Topic], recreated)
	if err := p.commitSafely(ctx, func() []*partition { return p.book.live(p.book.all()) }); err != nil {
		return fmt.Errorf("committing checkpoints for %s: %w", found.Topic, err)
	}
	return nil
}
