package sink

import (
	"slices"

	"github.com/mailru/easyjson/jwriter"

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
//
//easyjson:json
type Outcome struct {
	Event       EventInfo       `json:"event"`
	Destination DestinationInfo `json:"destination"`
	Outcome     Disposition     `json:"outcome"`
	// MergedInto names the newer event whose calls were made for this one too, nil for none.
	MergedInto *MergedInto  `json:"merged_into,omitempty"`
	Calls      []CallRecord `json:"calls"`
	// IDs are the vendor's ids, as text.
	IDs VendorIDs `json:"ids"`
	// Rule is the name of the rule that the event matched, "" for none.
	Rule string `json:"rule,omitempty"`
	// Steps are those that an event is made of, where they are told apart.
	Steps []StepInfo `json:"steps,omitempty"`
	// CorrelationID is that of a call over Kafka, nil for none.
	CorrelationID *string `json:"correlationId,omitempty"`
	// Status, Result and Truncated are the answer to a call over Kafka: of Result at most MaxResult.
	Status    *int    `json:"status,omitempty"`
	Result    RawJSON `json:"result,omitzero"`
	Truncated bool    `json:"truncated,omitempty"`
	// Cursor is the query of the next page, when the answer is a list that goes on.
	Cursor   RawJSON    `json:"cursor,omitzero"`
	Warnings []string   `json:"warnings"`
	Error    *ErrorInfo `json:"error"`
	// Trail stands in a header, not in the object; nil for nothing.
	Trail *Trail `json:"-"`
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
	// Digest is that of the whole message id. It stands in a header, not in the object.
	Digest EventDigest `json:"-"`
	// To is the destination that a call names, where the outcome is of a different one. It is not in
	// the object.
	To string `json:"-"`

	ID   *string `json:"id"`
	Type *string `json:"type"`
	Name *string `json:"name"`
	Lane *string `json:"lane"`
}

// InfoOf names an event of a lane, "" for one that stands alone.
func InfoOf(ev mapping.Event, lane string) EventInfo {
	info := EventInfo{Lane: text(lane)}
	info.name(ev)
	return info
}

// name takes an event's texts, with one allocation for all, and the digest of its id.
func (e *EventInfo) name(ev mapping.Event) {
	texts := &[...]string{ev.ID(), ev.Type, ev.Name()}
	e.Digest = DigestOf(texts[0]) // of the whole
	for i, field := range [len(texts)]**string{&e.ID, &e.Type, &e.Name} {
		if texts[i] != "" {
			texts[i] = cut(texts[i], MaxText)
			*field = &texts[i]
		}
	}
}

// AppendJSON appends the outcome on one line, as encoding/json writes it but for the escapes
// that only HTML needs. There is one for every event, so the encoder is made from the tags
// beforehand: reflection takes three to four times as long.
func (o *Outcome) AppendJSON(dst []byte) []byte {
	w := jwriter.Writer{NoEscapeHTML: true}
	w.Buffer.Buf = slices.Grow(dst, o.room())
	o.MarshalEasyJSON(&w)
	return w.Buffer.BuildBytes()
}

//go:generate go tool easyjson -no_std_marshalers -output_filename outcome_easyjson.go outcome.go

// room is about what the text takes.
func (o *Outcome) room() int {
	n := 768 + len(o.Result.text)
	for i := range o.Calls {
		call := &o.Calls[i]
		n += 128 + len(call.URL) + len(call.Request.text) + len(call.Response.text)
	}
	return n
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
	Method     string        `json:"method"`
	URL        string        `json:"url"`
	Status     *int          `json:"status,omitzero"`
	Attempts   int           `json:"attempts,omitzero"`
	DurationMS *Milliseconds `json:"duration_ms,omitzero"`
	Lookup     bool          `json:"lookup,omitzero"`
	Request    RawJSON       `json:"request,omitzero"`
	Response   RawJSON       `json:"response,omitzero"`
	Truncated  bool          `json:"truncated,omitzero"`
}

// Limits of the texts in an outcome, in bytes.
const (
	MaxText   = 1 << 10   // each text taken from the event
	MaxRecord = 16 << 10  // each request and response body
	MaxResult = 512 << 10 // the answer to a call over Kafka
	MaxID     = 1 << 10   // each id of the vendor's; what is longer is none
)
