package sink

import (
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// Disposition is what became of an event.
type Disposition string

// The dispositions. Planned stands only in the output of plan.
const (
	Delivered Disposition = "delivered"
	Skipped   Disposition = "skipped"
	Dead      Disposition = "dead"
	Planned   Disposition = "planned"
)

// Outcome is what became of one input record at one destination: the object on the
// responses topic and in the output of deliver and plan. CONTRACT: schema 1.
type Outcome struct {
	Event       EventInfo       `json:"event"`
	Destination DestinationInfo `json:"destination"`
	Outcome     Disposition     `json:"outcome"`
	Calls       []CallRecord    `json:"calls"`
	// IDs are the vendor's ids, as text.
	IDs      map[string]string `json:"ids"`
	Warnings []string          `json:"warnings"`
	Error    *ErrorInfo        `json:"error"`
	// Reason says why an event was skipped.
	Reason *mapping.Skip `json:"reason"`
	// DLQID names the dead letter; nil when none was written.
	DLQID *string `json:"dlq_id"`
	// Round is 0 for a live delivery and counts reprocessing.
	Round  int     `json:"round"`
	Source *Source `json:"source"`
	At     Time    `json:"at"`
	Schema int     `json:"schema"`
}

// EventInfo names the event. Texts are cut at MaxText.
type EventInfo struct {
	ID   *string `json:"id"`
	Type *string `json:"type"`
	Name *string `json:"name"`
	Lane *string `json:"lane"`
}

// DestinationInfo names the destination.
type DestinationInfo struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// ErrorInfo is what a dead event died of.
type ErrorInfo struct {
	Stage      Stage        `json:"stage"`
	Class      Class        `json:"class"`
	Code       mapping.Code `json:"code"`
	HTTPStatus *int         `json:"http_status"`
	Message    string       `json:"message"`
}

// Source is where the record was read.
type Source struct {
	Group     string `json:"group"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	// Timestamp is the record's or, where that is unknown, the event's own. The zero time, for
	// neither, is written as the beginning of 1970.
	Timestamp Time `json:"timestamp"`
}

// CallRecord is one call as an outcome lists it: repeats of the same call are one
// record that counts its attempts.
type CallRecord struct {
	Method     string   `json:"method"`
	URL        string   `json:"url"`
	Status     *int     `json:"status,omitempty"`
	Attempts   int      `json:"attempts,omitempty"`
	DurationMS *float64 `json:"duration_ms,omitempty"`
	Lookup     bool     `json:"lookup,omitempty"`
	Request    RawJSON  `json:"request,omitzero"`
	Response   RawJSON  `json:"response,omitzero"`
	Truncated  bool     `json:"truncated,omitempty"`
}

// Time is a moment that is written in UTC with milliseconds.
type Time struct{ time.Time }

// TimeFormat is how moments are written in outcomes and dead letters.
const TimeFormat = "2006-01-02T15:04:05.000Z"

// MarshalText writes the moment by TimeFormat.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// MarshalJSON writes the moment by TimeFormat, and the beginning of 1970 for the zero time.
func (t Time) MarshalJSON() ([]byte, error) { return t.appendJSON(nil), nil }

// String is the moment by TimeFormat.
func (t Time) String() string { return t.UTC().Format(TimeFormat) }

// Limits of the texts in an outcome, in bytes.
const (
	MaxText   = 1 << 10  // each text taken from the event
	MaxRecord = 16 << 10 // each request and response body
)
