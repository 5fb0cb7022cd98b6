package redrive

import (
	"maps"
	"slices"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
)

// firstLetters are the letters that are sent, by their event. A record can have several
// letters: from two consumers, from the hops of a retry topic, from two errors of one
// delivery. The event is sent to a destination once.
type firstLetters map[journal.Event][]*candidate

// of returns the letter that is sent for the record of c, nil for none.
func (f firstLetters) of(c *candidate) *candidate {
	for _, first := range f[c.event()] {
		if first.source().Is(c.source()) {
			return first
		}
	}
	return nil
}

func (f firstLetters) add(c *candidate) { f[c.event()] = append(f[c.event()], c) }

// uncertainty says why an earlier delivery of a letter's event may not be recognised, "" if
// it would be.
func (b *redriver) uncertainty(c *candidate) string {
	source := &c.letter.Source
	switch {
	case c.letter.Own() && c.moved():
		return "moved from " + c.letter.Destination + ", which the configuration does not have"
	case c.letter.Own():
	case !source.Known:
		return "it does not name its record: whether that was delivered before is not known"
	case !slices.Contains(b.Config.Source.Topics, source.Topic):
		return "its topic " + source.Topic + " is not among source.topics: whether the event was delivered from there is not known"
	}
	return ""
}

// noteUncertainties notes what is not known of other programs' letters that would be sent.
func (b *redriver) noteUncertainties(list []*candidate) {
	places, times, topics := 0, 0, map[string]int{}
	for _, c := range list {
		source := &c.letter.Source
		switch {
		case c.letter.Own() || c.letter.Dialect == letters.Unknown || c.letter.Pointer || c.destination == "":
			continue
		case !source.Known:
			places++
			continue
		case !slices.Contains(b.Config.Source.Topics, source.Topic):
			topics[source.Topic]++
		}
		if source.Timestamp.IsZero() && !c.letter.KeptTime {
			times++
		}
	}
	if places > 0 {
		b.Note("%s without the place of the record: whether its event was delivered before is not known", output.Count(places, "letter"))
	}
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		b.Note("%s of topic %s, which is not among source.topics: whether the event was delivered from there is not known", output.Count(topics[topic], "letter"), topic)
	}
	if times > 0 {
		b.Note("%s without the time of the event, and the record is not there: delivery.max_age counts from when the letter was written", output.Count(times, "letter"))
	}
}
