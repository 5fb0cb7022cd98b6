package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/trail"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// candidate is a letter that may be sent again.
type candidate struct {
	rec      *kgo.Record // the letter, a copy of its own
	letter   letters.Letter
	original *kgo.Record
	decoder  mapping.Decoder
	// destination is where it would go, "" for none.
	destination string
	group       string
	lane        string
	round       int
	// missing says why a letter that needs its record has none.
	missing string

	// What the responses topic knows of its event.
	then      *sink.Outcome // what was sent when it died
	delivered bool
	// applied is the outcome of round, if there is one.
	applied    sink.Disposition
	superseded bool
}

// laneKey tells the lanes of candidates apart; ok is false for one that stands alone.
func (c *candidate) laneKey() (key laneKey, ok bool) {
	return laneKey{c.group, c.destination, c.original.Topic, c.original.Partition, c.lane}, c.lane != ""
}

type laneKey struct {
	group, destination, topic string
	partition                 int32
	lane                      string
}

func (c *candidate) event() trail.Event {
	return trail.Event{
		Group: c.group, Destination: c.destination,
		Topic: c.original.Topic, Partition: c.original.Partition, Offset: c.original.Offset,
	}
}

// candidate makes a candidate of a letter and its own copy of the record. to is where
// letters go that name no destination.
func (b *letterBox) candidate(ctx context.Context, rec *kgo.Record, l *letters.Letter, to string) (*candidate, error) {
	c := &candidate{rec: rec, letter: *l, original: letters.Original(rec, l), destination: to, round: l.Round + 1}
	if l.Dialect == letters.Own {
		c.destination = l.Destination
	}
	var err error
	if c.decoder, err = b.book.events.Try(ctx, rec); err != nil {
		return nil, fmt.Errorf("finding the schema of letter %s: %w", l.ID, err)
	}
	c.lane = b.reader.Lane(c.decoder, rec.Value, rec.Key)
	if d, ok := destinationOf(b.cfg, c.destination); ok {
		c.group = b.cfg.Group(d)
	}
	return c, nil
}

// complete fetches the records of letters that lack something of theirs.
func (b *letterBox) complete(ctx context.Context, list []*candidate) error {
	var pointers []*pointer
	var of []*candidate
	for _, c := range list {
		if c.letter.NeedsRecord() {
			of = append(of, c)
			pointers = append(pointers, &pointer{rec: c.rec, letter: &c.letter})
		}
	}
	if err := b.resolve(ctx, pointers); err != nil {
		return err
	}
	for i, c := range of {
		filled, err := b.candidate(ctx, c.rec, &c.letter, c.destination)
		if err != nil {
			return err
		}
		*c = *filled
		c.missing = pointers[i].missing
	}
	return nil
}

func destinationOf(cfg *config.Config, name string) (config.Destination, bool) {
	for _, d := range cfg.Destinations {
		if d.Name == name {
			return d, true
		}
	}
	return config.Destination{}, false
}

// inOrder sorts candidates as their events stood in the source, which is the order of
// each lane.
func inOrder(list []*candidate) {
	slices.SortStableFunc(list, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.original.Topic, b.original.Topic), cmp.Compare(a.original.Partition, b.original.Partition),
			cmp.Compare(a.original.Offset, b.original.Offset), cmp.Compare(a.round, b.round))
	})
}

// survey finds out what the responses topic knows of the candidates' events.
func (b *letterBox) survey(ctx context.Context, list []*candidate) error {
	events, identifies := map[trail.Event][]*candidate{}, map[laneKey][]*candidate{}
	for _, c := range list {
		events[c.event()] = append(events[c.event()], c)
		if key, ok := c.laneKey(); ok && c.isIdentify(b.reader) {
			identifies[key] = append(identifies[key], c)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return b.readResponses(ctx, earliest(list), func(e *topics.LedgerEntry, r *kgo.Record) error {
		for _, c := range events[trail.EventOf(e)] {
			if of, err := c.source().SettledBy(e, r); err != nil {
				return err
			} else if of {
				c.learn(e, r)
			}
		}
		if e.Outcome == sink.Delivered {
			return supersede(identifies[laneKey{e.Group, e.Destination, e.Topic, e.Partition, string(r.Key)}], e, r)
		}
		return nil
	})
}

// source is the event's record as the letter tells of it.
func (c *candidate) source() trail.Record {
	at := c.letter.Source.Record()
	at.Topic, at.Partition, at.Offset = c.original.Topic, c.original.Partition, c.original.Offset
	return trail.Record{Place: at, Timestamp: c.letter.Source.Timestamp}
}

// earliest is the time before which no outcome of the candidates' events was written, zero
// if that is not known of all: a letter may be written long after its event was delivered.
func earliest(list []*candidate) time.Time {
	first := slices.MinFunc(list, func(a, b *candidate) int { return a.letter.Since().Compare(b.letter.Since()) })
	return first.letter.Since()
}

func (c *candidate) learn(e *topics.LedgerEntry, r *kgo.Record) {
	c.delivered = c.delivered || e.Outcome == sink.Delivered
	switch e.Round {
	case c.round:
		c.applied = e.Outcome
	case c.letter.Round:
		if o, err := trail.Outcome(r); err == nil && e.Outcome == sink.Dead {
			c.then = &o
		}
	}
}

// supersede marks the identifies of a lane that stand before a delivered one.
func supersede(list []*candidate, e *topics.LedgerEntry, r *kgo.Record) error {
	for _, c := range list {
		if c.superseded || e.Offset <= c.original.Offset || !c.source().Origin.Matches(e.Origin) {
			continue
		}
		o, err := trail.Outcome(r)
		if err != nil {
			return err
		}
		if c.ofAnotherTopic(e, &o) {
			continue
		}
		if o.Event.Type != nil && *o.Event.Type == typeIdentify {
			c.superseded = true
		}
	}
	return nil
}

// ofAnotherTopic reports whether an outcome of a higher offset is of a topic that was there
// before: its record is older then. It is asked where the ids do not tell.
func (c *candidate) ofAnotherTopic(e *topics.LedgerEntry, o *sink.Outcome) bool {
	source := c.source()
	if o.Source == nil || e.TopicID != (topics.TopicID{}) && source.TopicID != (topics.TopicID{}) {
		return false
	}
	at := sink.KnownTime(o.Source.Timestamp.Time)
	return !at.IsZero() && !source.Timestamp.IsZero() && at.Before(source.Timestamp)
}

// typeIdentify is the one type of event that a later one of its user makes useless.
const typeIdentify = "identify"

// isIdentify reports whether the letter's event is an identify.
func (c *candidate) isIdentify(r *mapping.Reader) bool {
	ev, err := r.Event(c.decoder, c.rec.Value)
	return err == nil && ev.Type == typeIdentify
}
