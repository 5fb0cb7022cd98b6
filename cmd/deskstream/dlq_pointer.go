package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/scan"
)

// pointer is a letter that names its record and lacks something of it.
type pointer struct {
	rec    *kgo.Record
	letter *letters.Letter
	// missing says why the record cannot be had, "" once it is in rec.
	missing string
	// further marks a letter whose record is a letter, which names another record.
	further bool
}

// found says what became of a letter that needed its record, for people.
func (p *pointer) found(needed letters.Letter) string {
	at := p.letter.Source.String()
	switch {
	case p.missing != "" && needed.Pointer:
		return p.missing
	case needed.Pointer:
		return "the letter only names it: fetched from " + at
	case p.missing != "" && needed.Bare:
		return "the letter has it and not its time and headers: " + p.missing
	case p.missing != "":
		return "the letter has it and not its time: " + p.missing
	case needed.Bare:
		return "the letter has it: time and headers are fetched from " + at
	}
	return "the letter has it: the time is fetched from " + at
}

// maxHops is how many letters are followed from one that names another one: some may name
// each other.
const maxHops = 5

// resolve fetches the records that pointers name, as far as their topics still have them.
func (b *letterBox) resolve(ctx context.Context, list []*pointer) error {
	for range maxHops {
		for _, p := range list {
			p.further = false
		}
		if err := b.fetch(ctx, list); err != nil {
			return err
		}
		list = slices.DeleteFunc(slices.Clone(list), func(p *pointer) bool { return !p.further || !p.letter.NeedsRecord() })
	}
	for _, p := range list {
		p.missing = fmt.Sprintf("the letter names %s, which is a letter that names another one, and so on", p.letter.Source)
	}
	return nil
}

// fetch is one hop of resolve.
func (b *letterBox) fetch(ctx context.Context, list []*pointer) error {
	topics := map[string]sourceTopic{}
	extents := map[string]*scan.Extent{}
	wanted := map[letters.Place][]*pointer{}
	for _, p := range list {
		at := p.letter.Source
		if !at.Known {
			p.missing = "the letter does not say where its record is"
			continue
		}
		topic, known := topics[at.Topic]
		if !known {
			var err error
			if topic, err = b.sourceTopic(ctx, at.Topic); err != nil {
				return err
			}
			topics[at.Topic] = topic
		}
		if topic.denied != nil && p.letter.Pointer {
			return topic.denied
		}
		if p.missing = topic.lacks(at.Place); p.missing != "" {
			continue
		}
		p.missing = fmt.Sprintf("its record at %s is not there any more: it was compacted or aborted", at)
		place := placeOf(at.Topic, at.Partition, at.Offset)
		wanted[place] = append(wanted[place], p)
		widen(extents, at.Place)
	}
	spans := make([]scan.Extent, 0, len(extents))
	for _, e := range extents {
		spans = append(spans, *e)
	}
	return scan.Read(ctx, b.connect, func(r *kgo.Record) error {
		for _, p := range wanted[placeOf(r.Topic, r.Partition, r.Offset)] {
			p.take(r)
		}
		return nil
	}, spans...)
}

// placeOf is the place of a record without its time, by which places are compared.
func placeOf(topic string, partition int32, offset int64) letters.Place {
	return letters.Place{Topic: topic, Partition: partition, Offset: offset}
}

// sourceTopic is what is known of a topic that letters name.
type sourceTopic struct {
	extent *scan.Extent // nil for one that is not there
	denied error        // the right that is missing
}

func (b *letterBox) sourceTopic(ctx context.Context, topic string) (sourceTopic, error) {
	asked, err := askForTopics(ctx, b.cl, []string{topic})
	switch {
	case errors.Is(err, kerr.InvalidTopicException):
		return sourceTopic{}, nil
	case err != nil:
		return sourceTopic{}, err
	}
	t := sourceTopic{denied: asked.need(topic, kmsg.ACLOperationRead)}
	if asked.topics[topic].denied {
		t.denied = rightError(kmsg.ACLOperationRead, "topic", topic)
	}
	if t.denied == nil {
		t.extent, err = b.sourceExtent(ctx, topic)
	}
	return t, err
}

// sourceExtent is what a topic holds, nil for one that does not exist.
func (b *letterBox) sourceExtent(ctx context.Context, topic string) (*scan.Extent, error) {
	found, err := scan.Find(ctx, b.cl, topic)
	if errors.Is(err, scan.ErrMissing) {
		return nil, nil
	}
	return &found, err
}

// lacks says why a topic cannot have a record, "" if it may.
func (t *sourceTopic) lacks(at letters.Place) string {
	if t.denied != nil {
		return fmt.Sprintf("its record at %s cannot be read: %s", at, t.denied)
	}
	if t.extent == nil {
		return fmt.Sprintf("its record at %s is gone: there is no topic %s on this cluster", at, at.Topic)
	}
	switch span, there := t.extent.Spans[at.Partition]; {
	case !there || at.Offset >= span.End:
		return fmt.Sprintf("its record at %s is not there: the topic ends before, was it made anew?", at)
	case at.Offset < span.From:
		return fmt.Sprintf("its record at %s has expired: the partition begins at offset %d", at, span.From)
	}
	return ""
}

// widen makes the extent of a place's topic hold it.
func widen(extents map[string]*scan.Extent, at letters.Place) {
	e := extents[at.Topic]
	if e == nil {
		e = &scan.Extent{Topic: at.Topic, Spans: map[int32]scan.Span{}}
		extents[at.Topic] = e
	}
	span, there := e.Spans[at.Partition]
	if !there {
		span = scan.Span{From: at.Offset}
	}
	e.Spans[at.Partition] = scan.Span{From: min(span.From, at.Offset), End: max(span.End, at.Offset+1)}
}

// take gives the letter its record. One that is younger than the letter is another one,
// of a topic that was recreated.
func (p *pointer) take(r *kgo.Record) {
	if r.Timestamp.After(p.rec.Timestamp.Add(clockSlack)) {
		p.missing = fmt.Sprintf("the record at %s is younger than the letter: the topic was made anew", p.letter.Source)
		return
	}
	p.missing = ""
	before := p.letter.Source.String()
	if !letters.Fill(p.rec, p.letter, cloneRecord(r)) {
		p.missing = fmt.Sprintf("the record at %s is another one than the letter has: the topic was recreated", p.letter.Source)
	}
	p.further = p.letter.Pointer || p.letter.Source.String() != before
}
