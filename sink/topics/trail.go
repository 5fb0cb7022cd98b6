package topics

import (
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
)

// headerTrail holds a sink.Trail as JSON.
const headerTrail = "deskstream.trail"

// ParseTrail reads what a record of the responses topic says of our own writes. ok is false when it says
// nothing.
func ParseTrail(rec *kgo.Record) (t sink.Trail, ok bool) {
	for _, h := range rec.Headers {
		switch h.Key {
		case headerTrail:
			ok = json.Unmarshal(h.Value, &t) == nil || ok
		case headerProgress:
			var p struct {
				Writes []sink.Echo `json:"writes"`
			}
			if json.Unmarshal(h.Value, &p) == nil && len(p.Writes) > 0 {
				t.Writes, ok = p.Writes, true
			}
		}
	}
	return t, ok
}

// WriteRef names the n-th write of an event that comes back as an Echo: the same in all records of
// the event.
func WriteRef(e *LedgerEntry, echo sink.Echo, n int) string {
	return fmt.Sprintf("%s/%s/%d/%s/%s/%d", e.Group, e.Place, e.Round, echo.Types[0], echo.ID, n)
}
