package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// knownTopic is a topic that outcomes or letters go to, as it was last found, or a source.
type knownTopic struct {
	id kadm.TopicID
	// renewed is when the client was last told to forget what it knows of the topic.
	renewed time.Time
}

// doubt is a reason to ask the cluster whether a topic is still the one that it was.
type doubt struct {
	refused bool // the client or a broker does not know its id any more
	behind  bool // it gave an offset below one that it had given already
}

// errNotUsable ends the pipeline: a topic was recreated such that nothing may be
// written to it.
var errNotUsable = errors.New("the topic cannot be used")

// errSourceAnew ends the pipeline: the client holds on to the id of the source that it
// knows, so it never reads the new one, and is refused what it asks the group of it. Only a
// new client does better.
var errSourceAnew = errors.New("a restart reads the new one")

// refusal is a time in which brokers did not know the id under which the client asks for a
// source.
type refusal struct{ first, last time.Time }

// A broker that has just started may not know the id of a topic for a moment. When none knows
// it for longer, it is not the id of the topic that a claim found: the topic was recreated
// before this process had asked for it, and after the client had.
const (
	refusedFor = time.Minute
	refusedGap = 30 * time.Second // between two of one time
)

func (p *Processor) refusedLocked(topic string) {
	now, r := time.Now(), p.refused[topic]
	if now.Sub(r.last) > refusedGap {
		r.first = now
	}
	r.last = now
	p.refused[topic] = r
}

// refusedForLong reports whether no broker has known the source's id for long.
func (p *Processor) refusedForLong(topic string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.refused[topic]
	return r.last.Sub(r.first) >= refusedFor
}

// unknownToTheBroker notes that a topic refused a record, handed over at sent, since
// it has another id than the client knows. It means nothing if the client has been told
// to forget that id since.
func (p *Processor) unknownToTheBroker(topic string, sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if sent.After(p.known[topic].renewed) {
		p.doubtLocked(topic, doubt{refused: true})
	}
}

func (p *Processor) doubtLocked(topic string, why doubt) {
	was := p.doubted[topic]
	p.doubted[topic] = doubt{refused: was.refused || why.refused, behind: was.behind || why.behind}
	signal(p.doubts)
}

func (p *Processor) takeDoubts() map[string]doubt {
	p.mu.Lock()
	defer p.mu.Unlock()
	doubted := p.doubted
	p.doubted = make(map[string]doubt)
	return doubted
}

// watchTopics finds out whether a topic was deleted and recreated.
// The client holds on to the id that it knows and writes nothing to another topic of
// the same name, so it has to be told; and what the checkpoints say is of the old one.
func (p *Processor) watchTopics(ctx context.Context) error {
	told := make(map[string]string)
	for {
		select {
		case <-p.doubts:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for topic, why := range p.takeDoubts() {
			err := p.lookAgain(ctx, topic, why)
			switch {
			case errors.Is(err, errNotUsable), errors.Is(err, errSourceAnew):
				p.log.Error("topic made anew cannot be used, pipeline ends", "topic", topic, "err", err) // before it drains
				return err
			case err == nil || ctx.Err() != nil:
				delete(told, topic)
				continue
			case told[topic] != err.Error():
				told[topic] = err.Error()
				p.log.Warn("topic not taken over yet", "topic", topic, "err", err)
			}
			p.mu.Lock()
			p.doubtLocked(topic, why)
			p.mu.Unlock()
		}
		pause(ctx, claimBackoff)
	}
}

// lookAgain asks for a topic and takes it over if it is another one than before.
func (p *Processor) lookAgain(ctx context.Context, topic string, why doubt) error {
	bounded, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	details, err := p.admin.ListTopics(bounded, topic)
	if err == nil {
		err = details[topic].Err
	}
	if err != nil {
		return fmt.Errorf("asking for topic %s: %w", topic, err)
	}
	found, known := details[topic], p.knownID(topic)
	if known == (kadm.TopicID{}) {
		return nil // nothing was claimed yet
	}
	if slices.Contains(p.cfg.Topics, topic) {
		if found.ID == known && !p.refusedForLong(topic) {
			return nil
		}
		return fmt.Errorf("topic %s was made anew while it was read: %w", topic, errSourceAnew)
	}
	if anew := found.ID != known; anew {
		if err := p.takeOver(bounded, found); err != nil {
			return err
		}
		p.log.Error("topic was made anew while it was written to: what it held is gone", "topic", topic, "partitions", len(found.Partitions))
	} else if why.behind {
		if err := p.rebase(bounded, found, false); err != nil {
			return err
		}
		p.log.Error("responses topic lost records at its end", "topic", topic)
	}
	if why.refused {
		// After the checkpoints: no outcome lies in the new topic before they say so.
		p.client.PurgeTopicsFromProducing(topic)
		p.large.PurgeTopicsFromProducing(topic)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	renewed := p.known[topic].renewed
	if why.refused {
		renewed = time.Now()
	}
	p.known[topic] = knownTopic{id: found.ID, renewed: renewed}
	return nil
}

func (p *Processor) knownID(topic string) kadm.TopicID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[topic].id
}

// takeOver makes a new topic of an old name the one that is written to.
func (p *Processor) takeOver(ctx context.Context, found kadm.TopicDetail) error {
	if err := p.readSettings(ctx, found.Topic); err != nil {
		return err
	}
	if found.Topic == p.cfg.Writer.Responses {
		return p.rebase(ctx, found, true)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range p.parts {
		part.letters = int32(len(found.Partitions))
	}
	return nil
}

// readSettings takes in how large a batch the topic takes, and refuses a topic that
// would lose records. Without the right to read them the settings stay as they were.
func (p *Processor) readSettings(ctx context.Context, topic string) error {
	configs, err := p.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil //nolint:nilerr // as at the start, where it is told
	}
	config, err := configs.On(topic, nil)
	if err != nil || config.Err != nil {
		return nil //nolint:nilerr // the same
	}
	for _, c := range config.Configs {
		switch c.Key {
		case "cleanup.policy":
			if value := c.MaybeValue(); value != "delete" {
				return fmt.Errorf("topic %s was made anew with cleanup.policy=%s, set it to delete: %w", topic, value, errNotUsable)
			}
		case "max.message.bytes":
			if n, err := strconv.ParseInt(c.MaybeValue(), 10, 32); err == nil {
				p.mu.Lock()
				p.maxBytes[topic] = int32(n)
				p.mu.Unlock()
			}
		}
	}
	return nil
}

// rebase moves all partitions to the beginning of the responses topic as it is now,
// since nothing that they know of positions in it holds any more, and commits checkpoints
// that say so. What is open keeps its place; what was done stays so for this process.
func (p *Processor) rebase(ctx context.Context, found kadm.TopicDetail, anew bool) error {
	start, err := p.admin.ListStartOffsets(ctx, found.Topic)
	if err == nil {
		err = start.Error()
	}
	if err != nil {
		return fmt.Errorf("listing offsets of %s: %w", found.Topic, err)
	}
	p.mu.Lock()
	for _, part := range p.parts {
		if !part.live {
			continue // its claim looks for itself
		}
		if anew {
			part.responses, part.n = found.ID, int32(len(found.Partitions))
		}
		at, _ := start.Lookup(found.Topic, part.id%part.n)
		part.position, part.from = at.Offset, at.Offset
		for r := part.oldest; r != nil; r = r.next {
			r.position = at.Offset
		}
	}
	p.mu.Unlock()
	if err := p.commitSafely(ctx, func() []*partition { return p.alive(p.all()) }); err != nil {
		return fmt.Errorf("committing checkpoints for %s: %w", found.Topic, err)
	}
	return nil
}

// meet remembers the topics that a claim found. If one is not the topic that was known,
// the claim has to wait until it is taken over.
func (p *Processor) meet(found survey) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, topics := range []map[string]kadm.TopicID{found.written, found.sources} {
		for topic, id := range topics {
			known, ok := p.known[topic]
			if !ok {
				p.known[topic] = knownTopic{id: id}
			} else if known.id != id {
				p.doubtLocked(topic, doubt{})
				return fmt.Errorf("topic %s was made anew", topic)
			}
		}
	}
	return nil
}

// readsLocked remembers the id under which the client asks for a source's offsets: it is
// that of the topic that it reads, whatever a claim finds later. Older brokers name none.
func (p *Processor) readsLocked(topic string, id kadm.TopicID) {
	if _, ok := p.known[topic]; !ok && id != (kadm.TopicID{}) {
		p.known[topic] = knownTopic{id: id}
	}
}

// stillWrittenTo reports whether the topics are those that the claim found.
func (p *Processor) stillWrittenTo(found survey) bool {
	return slices.Equal([]kadm.TopicID{found.written[p.cfg.Writer.Responses], found.written[p.cfg.Writer.DeadLetters]},
		[]kadm.TopicID{p.known[p.cfg.Writer.Responses].id, p.known[p.cfg.Writer.DeadLetters].id})
}
