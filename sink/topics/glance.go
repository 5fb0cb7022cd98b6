package topics

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
)

// GlanceAt returns the destination and the disposition that the headers of an outcome name. The
// destination is part of the record, the value is not looked at. ok is false for a record that is no
// outcome. It is for readers who look at many outcomes and read few: it checks less than ParseEntry.
func GlanceAt(rec *kgo.Record) (destination []byte, outcome sink.Disposition, ok bool) {
	h, ok := entryHeadersOf(rec)
	if !ok {
		return nil, "", false
	}
	outcome, ok = disposition(h.outcome)
	if !ok || outcome == InProgress || outcome == Claimed {
		return nil, "", false
	}
	return h.destination, outcome, true
}
