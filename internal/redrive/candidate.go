package redrive

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/topics"
)

// Deployment is what a redrive works on: the topics and help desks of one configuration.
type Deployment struct {
	journal.Options

	// Out gets what was planned and done. Notes of the Options get why letters were left
	// open.
	Out io.Writer
}

// redriver is a Deployment whose dead-letter topic is open.
type redriver struct {
	*journal.Journal

	out io.Writer
}

// open opens a dead-letter topic, the configuration's if topic is empty.
func (d Deployment) open(ctx context.Context, topic string) (*redriver, error) {
	d.Topic = topic
	box, err := journal.Open(ctx, d.Options)
	if err != nil {
		return nil, err
	}
	return &redriver{box, d.Out}, nil
}

// candidate is a letter that can be sent again.
type candidate struct {
	rec      *kgo.Record // the letter, a copy of its own
	letter   letters.Letter
	original *kgo.Record
	reader   *mapping.Reader
	decoder  mapping.Decoder
	call     bool // it is a call over Kafka
	// destination is where it would go, "" for none.
	destination string
	group       string
	lane        string
	round       int
	// planned is the plan's entry of the letter, nil before there is one.
	planned *letters.Planned
	// missing says why the source record of a letter that needs it cannot be read.
	missing string

	// What the responses topic knows of its event.
	then      *sink.Outcome // what was sent when it died
	delivered bool
	// applied is the outcome of round, if there is one, and appliedAt its destination.
	applied    sink.Disposition
	appliedAt  string
	superseded bool
	// interrupted is what an apply of round has done that did not come to its outcome.
	interrupted *sink.Progress
	// named are the keys of its event, as it looked them up last; nil where there are none.
	named *keys.OfEvent
	// unwritten says that what an interrupted apply has put on record of keys does not count.
	unwritten bool
}

// laneKey identifies the lane of a candidate. ok is false for one without a lane.
func (c *candidate) laneKey() (key laneKey, ok bool) {
	return laneKey{c.group, c.destination, c.original.Topic, c.original.Partition, c.lane}, c.lane != ""
}

type laneKey struct {
	group, destination, topic string
	partition                 int32
	lane                      string
}

func (c *candidate) event() journal.Event {
	return journal.Event{
		Group: c.group, Destination: c.destination,
		Topic: c.original.Topic, Partition: c.original.Partition, Offset: c.original.Offset,
	}
}

// destinationFor returns where a letter goes: to its own destination if the configuration has
// that, else to the given one. Letters of other programs name no destination of this program.
func (b *redriver) destinationFor(l *letters.Letter, to string) string {
	if l.Dialect != letters.Own {
		return to
	}
	if _, known := b.Config.Destination(l.Destination); known || to == "" || l.Fault != "" {
		return l.Destination
	}
	return to
}

// moved reports whether the letter goes to another destination than its own.
func (c *candidate) moved() bool { return c.letter.Own() && c.destination != c.letter.Destination }

// formerEvent returns the event at the letter's own destination.
func (c *candidate) formerEvent() journal.Event {
	e := c.event()
	e.Group, e.Destination = c.letter.Source.Group, c.letter.Destination
	return e
}

// candidate makes a candidate for a destination. It keeps rec, which must be a copy.
func (b *redriver) candidate(ctx context.Context, rec *kgo.Record, l *letters.Letter, destination string) (*candidate, error) {
	c := &candidate{rec: rec, letter: *l, original: letters.Original(rec, l), destination: destination, round: l.Round + 1}
	reader, decoder, err := b.ReaderOf(ctx, c.original.Topic, rec)
	if err != nil {
		return nil, fmt.Errorf("finding the schema of letter %s: %w", l.ID, err)
	}
	c.reader, c.decoder, c.call = reader, decoder, b.IsCalls(c.original.Topic)
	c.lane = reader.Lane(c.decoder, rec.Value, rec.Key)
	if d, ok := b.Config.Destination(c.destination); ok {
		c.group = b.Config.Group(d)
	}
	return c, nil
}

// complete reads the source records of letters that lack a part of them.
func (b *redriver) complete(ctx context.Context, list []*candidate) error {
	var pointers []*journal.Pointer
	var of []*candidate
	for _, c := range list {
		if c.letter.NeedsRecord() {
			of = append(of, c)
			pointers = append(pointers, &journal.Pointer{Record: c.rec, Letter: &c.letter})
		}
	}
	if err := b.Resolve(ctx, pointers); err != nil {
		return err
	}
	for i, c := range of {
		filled, err := b.candidate(ctx, c.rec, &c.letter, c.destination)
		if err != nil {
			return err
		}
		filled.planned, filled.missing = c.planned, pointers[i].Missing
		*c = *filled
	}
	return nil
}

// inOrder sorts candidates as their events were in the source, which is the order of each
// lane. Events of an earlier topic of the same name come first: it has its own offsets.
func inOrder(list []*candidate) {
	began := map[topics.TopicID]time.Time{} // the first event of each topic that is known
	for _, c := range list {
		source := c.source()
		if at, there := began[source.TopicID]; !there || source.Timestamp.Before(at) {
			began[source.TopicID] = source.Timestamp
		}
	}
	slices.SortStableFunc(list, func(a, b *candidate) int {
		x, y := a.source().TopicID, b.source().TopicID
		return cmp.Or(cmp.Compare(a.original.Topic, b.original.Topic), cmp.Compare(a.original.Partition, b.original.Partition),
			began[x].Compare(began[y]), bytes.Compare(x[:], y[:]),
			cmp.Compare(a.original.Offset, b.original.Offset), cmp.Compare(a.round, b.round))
	})
}

// findOutcomes adds what the responses topic knows of the candidates' events.
func (b *redriver) findOutcomes(ctx context.Context, list []*candidate) error {
	events, identifies := map[journal.Event][]*candidate{}, map[laneKey][]*candidate{}
	for _, c := range list {
		events[c.event()] = append(events[c.event()], c)
		if c.moved() {
			events[c.formerEvent()] = append(events[c.formerEvent()], c)
		}
		if key, ok := c.laneKey(); ok && c.isIdentify(b.Reader) {
			identifies[key] = append(identifies[key], c)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return b.ReadEntries(ctx, earliest(list), func(e *topics.LedgerEntry, r *kgo.Record) error {
		for _, c := range events[journal.EventOf(e)] {
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

// source returns the event's record as the letter describes it.
func (c *candidate) source() journal.Record {
	at := c.letter.Source.Record()
	at.Topic, at.Partition, at.Offset = c.original.Topic, c.original.Partition, c.original.Offset
	return journal.Record{Place: at, Timestamp: c.letter.Source.Timestamp}
}

// identity names the event's record at its destination, as run does.
func (c *candidate) identity() string { return c.source().Identity(c.group) }

// recordTime is the timestamp of the event's record, zero where the letter does not have it: then
// the time of the letter stands in for it when the event is sent, which differs from that of
// another letter of the record.
func (c *candidate) recordTime() time.Time {
	if c.letter.KeptTime {
		return c.original.Timestamp
	}
	return c.letter.Source.Timestamp
}

// earliest returns the time before which no outcome of the candidates' events was written,
// zero if that is not known of all: a letter may be written long after its event was
// delivered.
func earliest(list []*candidate) time.Time {
	first := slices.MinFunc(list, func(a, b *candidate) int { return a.letter.Since().Compare(b.letter.Since()) })
	return first.letter.Since()
}

func (c *candidate) learn(e *topics.LedgerEntry, r *kgo.Record) {
	if e.Outcome == topics.InProgress {
		c.learnProgress(e, r)
		return
	}
	c.delivered = c.delivered || e.Outcome == sink.Delivered
	switch {
	case e.Round == c.round:
		c.applied, c.appliedAt = e.Outcome, e.Destination
	case e.Round == c.letter.Round && (!c.moved() || e.Destination == c.letter.Destination):
		if o, err := journal.Outcome(r); err == nil && e.Outcome == sink.Dead {
			c.then = &o
		}
	}
}

// supersede marks the identifies of a lane that come before a delivered one.
func supersede(list []*candidate, e *topics.LedgerEntry, r *kgo.Record) error {
	for _, c := range list {
		if c.superseded || e.Offset <= c.original.Offset || !c.source().Origin.Matches(e.Origin) {
			continue
		}
		o, err := journal.Outcome(r)
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

// ofAnotherTopic reports whether an outcome with a higher offset belongs to an earlier topic
// of the same name. The timestamps decide where the ids do not.
func (c *candidate) ofAnotherTopic(e *topics.LedgerEntry, o *sink.Outcome) bool {
	source := c.source()
	if o.Source == nil || e.TopicID != (topics.TopicID{}) && source.TopicID != (topics.TopicID{}) {
		return false
	}
	at := sink.KnownTime(o.Source.Timestamp.Time)
	return !at.IsZero() && !source.Timestamp.IsZero() && at.Before(source.Timestamp)
}

// typeIdentify is the only type of event that a later event of its user replaces.
const typeIdentify = "identify"

// isIdentify reports whether the letter's event is an identify.
func (c *candidate) isIdentify(r *mapping.Reader) bool {
	ev, err := r.Event(c.decoder, c.rec.Value)
	return err == nil && ev.Type == typeIdentify
}
