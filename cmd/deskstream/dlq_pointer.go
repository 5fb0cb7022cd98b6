package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/scan"
)

// pointer is a letter that names its record and does not hold it.
type pointer struct {
	rec    *kgo.Record
	letter *letters.Letter
	// missing says why the record cannot be had, "" once it is in rec.
	missing string
}

// resolve fetches the records that pointers name, as far as their topics still have them.
func (b *letterBox) resolve(ctx context.Context, list []*pointer) error {
	topics := map[string]*scan.Extent{} // nil for one that is not there
	extents := map[string]*scan.Extent{}
	wanted := map[letters.Place][]*pointer{}
	for _, p := range list {
		at := p.letter.Source
		if !at.Known {
			p.missing = "the letter does not say where its record is"
			continue
		}
		if _, known := topics[at.Topic]; !known {
			found, err := b.sourceExtent(ctx, at.Topic)
			if err != nil {
				return err
			}
			topics[at.Topic] = found
		}
		if p.missing = absent(topics[at.Topic], at.Place); p.missing != "" {
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

// sourceExtent is what a topic holds, nil for one that does not exist.
func (b *letterBox) sourceExtent(ctx context.Context, topic string) (*scan.Extent, error) {
	found, err := scan.Find(ctx, b.cl, topic)
	if errors.Is(err, scan.ErrMissing) {
		return nil, nil
	}
	return &found, err
}

// absent says why a topic cannot have a record, "" if it may.
func absent(e *scan.Extent, at letters.Place) string {
	if e == nil {
		return fmt.Sprintf("its record at %s is gone: there is no topic %s on this cluster", at, at.Topic)
	}
	switch span, there := e.Spans[at.Partition]; {
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
// of a topic that was made anew.
func (p *pointer) take(r *kgo.Record) {
	if r.Timestamp.After(p.rec.Timestamp.Add(clockSlack)) {
		p.missing = fmt.Sprintf("the record at %s is younger than the letter: the topic was made anew", p.letter.Source)
		return
	}
	p.missing = ""
	letters.Fill(p.rec, p.letter, cloneRecord(r)) // a pointer takes any
}
