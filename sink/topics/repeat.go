package topics

import (
	"encoding/hex"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// isDuplicate reports whether an outcome is of an event that was skipped as a repeat. Such an
// outcome says so in a header, since those who look for repeats read no values.
func isDuplicate(out *sink.Outcome) bool {
	return out.Reason != nil && *out.Reason == mapping.Duplicate
}

// HasRepeats reports whether other records with the message id of an event are repeats of it,
// once it has this outcome: it was delivered, or skipped and no repeat itself.
func HasRepeats(out *sink.Outcome) bool {
	return out.Outcome == sink.Delivered || out.Outcome == sink.Skipped && !isDuplicate(out)
}

// RepeatsOf is the digest of the message id of which other records are repeats, since there is
// this record of the responses topic. ok is false if it is not one of which HasRepeats is true, or
// its event has no message id. The value is not looked at.
func RepeatsOf(rec *kgo.Record) (id sink.EventDigest, ok bool) {
	settled := false
	for _, h := range rec.Headers {
		switch h.Key {
		case headerOutcome:
			settled = string(h.Value) == string(sink.Delivered) || string(h.Value) == string(sink.Skipped)
		case headerReason:
			if string(h.Value) == string(mapping.Duplicate) {
				return sink.EventDigest{}, false
			}
		case headerEvent:
			if len(h.Value) != hex.EncodedLen(len(id)) {
				return sink.EventDigest{}, false
			}
			if _, err := hex.Decode(id[:], h.Value); err != nil {
				return sink.EventDigest{}, false
			}
		}
	}
	return id, settled && id != sink.EventDigest{}
}
