package topics

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
)

// headerTrail holds a sink.Trail as JSON.
const headerTrail = "deskstream.trail"

// Trail is what a record of the responses topic says of our own writes.
type Trail struct {
	sink.Trail
	// Next is the write that may have been sent since, nil for none.
	Next *sink.Announcement
	// Event is the digest of the event's id, zero without one.
	Event sink.EventDigest
}

// ParseTrail reads what a record of the responses topic says of our own writes: nothing, mostly.
func ParseTrail(rec *kgo.Record) (t Trail) {
	for _, h := range rec.Headers {
		switch h.Key {
		case headerTrail:
			if json.Unmarshal(h.Value, &t.Trail) != nil {
				t.Trail = sink.Trail{Writes: t.Writes}
			}
		case headerProgress:
			var p struct {
				Writes []sink.Echo        `json:"writes"`
				Next   *sink.Announcement `json:"next"`
			}
			if json.Unmarshal(h.Value, &p) != nil {
				continue
			}
			if t.Next = p.Next; len(p.Writes) > 0 {
				t.Writes = p.Writes
			}
		case headerEvent:
			if len(h.Value) == hex.EncodedLen(len(t.Event)) {
				_, _ = hex.Decode(t.Event[:], h.Value) // what is none is as good as another event's
			}
		}
	}
	return t
}

// EventRef names an event: the same in all records of it.
func EventRef(e *LedgerEntry) string { return fmt.Sprintf("%s/%s/%d", e.Group, e.Place, e.Round) }

// WriteRef names the n-th write of an event that comes back as an Echo: the same in all records of
// the event.
func WriteRef(event string, echo sink.Echo, n int) string {
	return fmt.Sprintf("%s/%s/%s/%d", event, echo.Types[0], echo.ID, n)
}
