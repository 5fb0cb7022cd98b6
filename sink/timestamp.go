package sink

import (
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// KnownTime is a record's Kafka timestamp, the zero time for one that is unknown. A record
// without a timestamp has -1, and what cannot set one often sends 0. What is later than RFC 3339
// can write is no time either.
func KnownTime(at time.Time) time.Time {
	if ms := at.UnixMilli(); ms <= 0 || ms > maxMillis {
		return time.Time{}
	}
	return at
}

// maxMillis is the end of the year 9999.
const maxMillis = 253_402_300_799_999

// EventTime is when the event itself says that it happened: its timestamp, or
// originalTimestamp. It is zero for an event that does not say it.
func EventTime(ev mapping.Event) time.Time {
	for _, field := range []string{"timestamp", "originalTimestamp"} {
		if at, err := time.Parse(time.RFC3339, ev.Body.Get(field).Str()); err == nil {
			return at
		}
	}
	return time.Time{}
}
