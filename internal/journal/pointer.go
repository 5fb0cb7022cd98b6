package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink/topics"
)

// Pointer is a letter that names its source record and lacks a part of it.
type Pointer struct {
	Record *kgo.Record
	Letter *letters.Letter
	// Missing says why the source record cannot be read, "" when it was read.
	Missing string
	// further marks a letter whose source record is a letter that names another record.
	further bool
}

// Describe says for people whether the record was found. needed is the letter as it was
// before.
func (p *Pointer) Describe(needed letters.Letter) string {
	at := p.Letter.Source.String()
	switch {
	case p.Missing != "" && needed.Pointer:
		return p.Missing
	case needed.Pointer:
		return "the letter only names it: fetched from " + at
	case p.Missing != "" && needed.Bare:
		return "the letter has it and not its time and headers: " + p.Missing
	case p.Missing != "":
		return "the letter has it and not its time: " + p.Missing
	case needed.Bare:
		return "the letter has it: time and headers are fetched from " + at
	}
	return "the letter has it: the time is fetched from " + at
}

// maxHops limits how many letters are followed from one that names another one. Letters can
// name each other.
const maxHops = 5

// Resolve reads the records that pointers name, as far as their topics still have them.
func (j *Journal) Resolve(ctx context.Context, list []*Pointer) error {
	for range maxHops {
		for _, p := range list {
			p.further = false
		}
		if err := j.fetch(ctx, list); err != nil {
			return err
		}
		list = slices.DeleteFunc(slices.Clone(list), func(p *Pointer) bool { return !p.further || !p.Letter.NeedsRecord() })
	}
	for _, p := range list {
		p.Missing = fmt.Sprintf("the letter names %s, which is a letter that names another one, and so on", p.Letter.Source)
	}
	return nil
}

// fetch follows each pointer to one record.
func (j *Journal) fetch(ctx context.Context, list []*Pointer) error {
	topics := map[string]sourceTopic{}
	extents := map[string]*Extent{}
	wanted := map[letters.Place][]*Pointer{}
	for _, p := range list {
		at := p.Letter.Source
		if !at.Known {
			p.Missing = "the letter does not say where its record is"
			continue
		}
		topic, known := topics[at.Topic]
		if !known {
			var err error
			if topic, err = j.sourceTopic(ctx, at.Topic); err != nil {
				return err
			}
			topics[at.Topic] = topic
		}
		if topic.denied != nil && p.Letter.Pointer {
			return topic.denied
		}
		if p.Missing = topic.lacks(at.Place); p.Missing != "" {
			continue
		}
		p.Missing = fmt.Sprintf("its record at %s is not there any more: it was compacted or aborted", at)
		place := PlaceOf(at.Topic, at.Partition, at.Offset)
		wanted[place] = append(wanted[place], p)
		Widen(extents, at.Place)
	}
	spans := make([]Extent, 0, len(extents))
	for _, e := range extents {
		spans = append(spans, *e)
	}
	return Read(ctx, j.Connect, func(r *kgo.Record) error {
		for _, p := range wanted[PlaceOf(r.Topic, r.Partition, r.Offset)] {
			p.take(r)
		}
		return nil
	}, spans...)
}

// PlaceOf returns a place without a time, so that places can be compared.
func PlaceOf(topic string, partition int32, offset int64) letters.Place {
	return letters.Place{Topic: topic, Partition: partition, Offset: offset}
}

// sourceTopic describes a topic that letters name.
type sourceTopic struct {
	extent *Extent // nil for one that is not there
	denied error   // the right that is missing
}

func (j *Journal) sourceTopic(ctx context.Context, topic string) (sourceTopic, error) {
	asked, err := cluster.Find(ctx, j.Client, []string{topic})
	switch {
	case errors.Is(err, kerr.InvalidTopicException):
		return sourceTopic{}, nil
	case err != nil:
		return sourceTopic{}, err
	}
	t := sourceTopic{denied: asked.Need(topic, kmsg.ACLOperationRead)}
	if asked.Topics[topic].Denied {
		t.denied = cluster.MissingRight(kmsg.ACLOperationRead, "topic", topic)
	}
	if t.denied == nil {
		t.extent, err = j.sourceExtent(ctx, topic)
	}
	return t, err
}

// sourceExtent returns what a topic holds, nil for a topic that does not exist.
func (j *Journal) sourceExtent(ctx context.Context, topic string) (*Extent, error) {
	found, err := Find(ctx, j.Client, topic)
	if errors.Is(err, ErrMissing) {
		return nil, nil
	}
	return &found, err
}

// lacks says why a topic cannot have a record, "" if it can.
func (t *sourceTopic) lacks(at letters.Place) string {
	if t.denied != nil {
		return fmt.Sprintf("its record at %s cannot be read: %s", at, t.denied)
	}
	if t.extent == nil {
		return fmt.Sprintf("its record at %s is gone: there is no topic %s on this cluster", at, at.Topic)
	}
	switch span, there := t.extent.Spans[at.Partition]; {
	case !there || at.Offset >= span.End:
		return fmt.Sprintf("its record at %s does not exist: the topic ends before it, and may have been recreated", at)
	case at.Offset < span.From:
		return fmt.Sprintf("its record at %s has expired: the partition begins at offset %d", at, span.From)
	}
	return ""
}

// Widen extends the extent of a place's topic so that it includes the place.
func Widen(extents map[string]*Extent, at letters.Place) {
	e := extents[at.Topic]
	if e == nil {
		e = &Extent{Topic: at.Topic, Spans: map[int32]Span{}}
		extents[at.Topic] = e
	}
	span, there := e.Spans[at.Partition]
	if !there {
		span = Span{From: at.Offset}
	}
	e.Spans[at.Partition] = Span{From: min(span.From, at.Offset), End: max(span.End, at.Offset+1)}
}

// take adds the source record to the letter. A record that is younger than the letter is a
// different one, because the topic was recreated.
func (p *Pointer) take(r *kgo.Record) {
	if r.Timestamp.After(p.Record.Timestamp.Add(ClockSlack)) {
		p.Missing = fmt.Sprintf("the record at %s is younger than the letter: the topic was recreated", p.Letter.Source)
		return
	}
	p.Missing = ""
	before := p.Letter.Source.String()
	if !letters.Fill(p.Record, p.Letter, topics.CloneRecord(r)) {
		p.Missing = fmt.Sprintf("the record at %s differs from the letter: the topic was recreated", p.Letter.Source)
	}
	p.further = p.Letter.Pointer || p.Letter.Source.String() != before
}
