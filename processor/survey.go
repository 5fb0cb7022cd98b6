package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/deskstream/deskstream/sink/topics"
)

// survey is what a claim finds of the topics.
type survey struct {
	cluster    string
	n, letters int32
	responses  kadm.TopicID
	written    map[string]kadm.TopicID // responses and dead letters
	sources    map[string]kadm.TopicID
	partitions map[string]int32 // of the sources
	start, end map[int32]int64  // of the responses partitions whose leaders answered
	since      map[int32]int64  // the first record that repeats may be of; nil where all repeats pass
	unlisted   error            // why others did not
}

// origin says of which topic the records of a source are.
func (s survey) origin(source string) topics.Origin {
	return topics.Origin{Cluster: s.cluster, TopicID: topics.TopicID(s.sources[source])}
}

// listed are those of the partitions whose responses partition answered.
func (s survey) listed(parts []*partition) []*partition {
	var listed []*partition
	for _, part := range parts {
		_, start := s.start[part.id%s.n]
		_, end := s.end[part.id%s.n]
		_, since := s.since[part.id%s.n]
		if start && end && (since || s.since == nil) {
			listed = append(listed, part)
		}
	}
	return listed
}

func (p *Processor) surveyResponses(ctx context.Context) (survey, error) {
	topic := p.cfg.Writer.Responses
	details, err := p.kafka.describe(ctx, append([]string{topic, p.cfg.Writer.DeadLetters}, p.cfg.Topics...)...)
	if err != nil {
		return survey{}, err
	}
	s := survey{
		cluster: p.cfg.Cluster,
		n:       int32(len(details[topic].Partitions)), letters: int32(len(details[p.cfg.Writer.DeadLetters].Partitions)), responses: details[topic].ID,
		written: make(map[string]kadm.TopicID), sources: make(map[string]kadm.TopicID), partitions: make(map[string]int32), start: make(map[int32]int64), end: make(map[int32]int64),
	}
	for _, name := range []string{topic, p.cfg.Writer.DeadLetters} {
		s.written[name] = details[name].ID
	}
	for _, source := range p.cfg.Topics {
		s.sources[source], s.partitions[source] = details[source].ID, int32(len(details[source].Partitions))
	}
	p.share.found(s.partitions)
	if err := s.list(ctx, topic, p.kafka.admin.ListStartOffsets, s.start); err != nil {
		return survey{}, err
	}
	if p.cfg.Dedup > 0 {
		s.since = make(map[int32]int64)
		from := time.Now().Add(-p.cfg.Dedup).UnixMilli()
		after := func(ctx context.Context, topics ...string) (kadm.ListedOffsets, error) {
			return p.kafka.admin.ListOffsetsAfterMilli(ctx, from, topics...)
		}
		if err := s.list(ctx, topic, after, s.since); err != nil {
			return survey{}, err
		}
	}
	return s, s.list(ctx, topic, p.kafka.admin.ListEndOffsets, s.end)
}

// list asks for offsets of the responses topic. Partitions without a leader that answers are
// left out.
func (s *survey) list(ctx context.Context, topic string, ask func(context.Context, ...string) (kadm.ListedOffsets, error), into map[int32]int64) error {
	listed, err := ask(ctx, topic)
	if _, some := errors.AsType[*kadm.ShardErrors](err); some {
		s.unlisted = errors.Join(s.unlisted, err)
	} else if err != nil {
		return fmt.Errorf("listing offsets of %s: %w", topic, err)
	}
	listed.Each(func(o kadm.ListedOffset) {
		if o.Err == nil {
			into[o.Partition] = o.Offset
		} else {
			s.unlisted = errors.Join(s.unlisted, fmt.Errorf("partition %d: %w", o.Partition, o.Err))
		}
	})
	return nil
}
