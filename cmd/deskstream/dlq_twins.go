package main

import (
	"maps"
	"slices"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/trail"
)

// firstLetters are the letters that are sent, by their event. A record can have several
// letters: of two consumers, of the hops of a retry topic, of two errors of one delivery.
// The event is sent once to a destination.
type firstLetters map[trail.Event][]*candidate

// of is the letter that is sent for the record of c, nil for none.
func (f firstLetters) of(c *candidate) *candidate {
	for _, first := range f[c.event()] {
		if first.sameRecord(c) {
			return first
		}
	}
	return nil
}

func (f firstLetters) add(c *candidate) { f[c.event()] = append(f[c.event()], c) }

// sameRecord reports whether two letters of one place are of one record. Where the ids or
// the times that they tell differ, the topic was recreated in between.
func (c *candidate) sameRecord(other *candidate) bool {
	a, b := c.letter.Source, other.letter.Source
	return c.source().Origin.Matches(other.source().Origin) && (a.Timestamp.IsZero() || b.Timestamp.IsZero() || a.Timestamp.Equal(b.Timestamp))
}

// doubt says why an earlier delivery of a letter's event may not be recognised, "" if it is.
func (b *letterBox) doubt(c *candidate) string {
	source := &c.letter.Source
	switch {
	case c.letter.Own():
	case !source.Known:
		return "it does not name its record: whether that was delivered before is not known"
	case !slices.Contains(b.cfg.Source.Topics, source.Topic):
		return "its topic " + source.Topic + " is not among source.topics: whether the event was delivered from there is not known"
	}
	return ""
}

// noteDoubts says what is not known of other programs' letters that would be sent.
func (b *letterBox) noteDoubts(list []*candidate) {
	places, times, topics := 0, 0, map[string]int{}
	for _, c := range list {
		source := &c.letter.Source
		switch {
		case c.letter.Own() || c.letter.Dialect == letters.Unknown || c.letter.Pointer || c.destination == "":
			continue
		case !source.Known:
			places++
			continue
		case !slices.Contains(b.cfg.Source.Topics, source.Topic):
			topics[source.Topic]++
		}
		if source.Timestamp.IsZero() && !c.letter.KeptTime {
			times++
		}
	}
	if places > 0 {
		b.note("%s without the place of the record: whether its event was delivered before is not known", count(places, "letter"))
	}
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		b.note("%s of topic %s, which is not among source.topics: whether the event was delivered from there is not known", count(topics[topic], "letter"), oneLine(topic))
	}
	if times > 0 {
		b.note("%s without the time of the event, and the record is not there: delivery.max_age counts from when the letter was written", count(times, "letter"))
	}
}
