package mapping

import (
	"errors"
	"strings"
)

// Layout says where a record has its event, and under which names the event has its
// fields. The zero Layout is that of RudderStack's and Segment's Kafka destinations.
type Layout struct {
	// Unwrap is the Pointer to the event, as text.
	Unwrap string
	// Fields gives event fields other names: userId: customer_id reads the event's userId
	// from its member customer_id, traits.email: contact.mail its e-mail address from the
	// member mail of contact. An event without that keeps its own.
	Fields map[string]string
	// NoIDs are the words that are no ids; nil means DefaultNoIDs.
	NoIDs NoIDs
	// Lane are the fields that order events, see Reader.Lane.
	Lane []string
	// ID is the member that an event without a messageId is known by; it stays where it is too.
	// "" is none.
	ID string
}

// Reader reads records as events. It is safe for concurrent use.
type Reader struct {
	at     Pointer
	fields []renamed
	noIDs  NoIDs
	known  string // Layout.ID

	lane, id, repeat, typ *Query
}

// NewReader makes a Reader. Its error joins those of ParsePointer and CheckFields.
func NewReader(l Layout) (*Reader, error) {
	at, err := ParsePointer(l.Unwrap)
	if err := errors.Join(append(CheckFields(l.Fields), err)...); err != nil {
		return nil, err
	}
	r := &Reader{at: at, fields: renames(l.Fields), noIDs: l.NoIDs, known: l.ID}
	ids := []string{fieldMessageID}
	if l.ID != "" {
		ids = append(ids, l.ID)
	}
	r.lane, r.id, r.repeat = r.query(r.laneText, l.Lane...), r.query(messageID, ids...), r.query(r.repeatText, ids...)
	r.typ = r.query(typeText, "type")
	return r, nil
}

// PlainReader reads records with the zero Layout.
var PlainReader = func() *Reader {
	r, err := NewReader(Layout{})
	if err != nil {
		panic(err) // no layout is simpler
	}
	return r
}()

// Event reads a record's value, which d decodes, as an event: its fields in their places,
// containers of the wrong type left out. Errors mean that it is no event at all; what an
// event lacks, its type included, is found by Check.
func (r *Reader) Event(d Decoder, value []byte) (Event, error) {
	body, err := d.Decode(value, r.at)
	if err != nil {
		return Event{}, err
	}
	e := Event{Body: body, NoIDs: r.noIDs}
	e.rename(r.fields)
	if id := e.Body.Get(r.known); r.known != "" && isUsable(id) && !isUsable(e.Body.Get(fieldMessageID)) {
		e.Body = e.Body.withPath([]string{fieldMessageID}, id)
	}
	e.Type = typeText(e.Body.Get("type"))
	e.check()
	return e, nil
}

// Wrap returns a record that has an event in JSON in its place: within objects if the layout
// unwraps it. What is no JSON is put there as text.
func (r *Reader) Wrap(event []byte) []byte {
	if len(r.at.tokens) == 0 || event == nil {
		return event
	}
	v, err := ParseJSON(event)
	if err != nil {
		v = Str(string(event))
	}
	return Value{}.withPath(r.at.tokens, v).AppendJSON(nil)
}

// Lane returns the value that orders a record: the text form of the first of the layout's
// lane fields that is present, where KeyField is the record's key and any other name a
// field of the event. Absent are an empty value, one that is no scalar, a word that is no
// id, the number 0 and a number that is not whole. "" is no lane: the record is on its own.
// A record without an event has only its key.
func (r *Reader) Lane(d Decoder, value, key []byte) string { return d.Peek(value, key, r.lane) }

// ID returns what Event.ID does of the event in a record, "" for none.
func (r *Reader) ID(d Decoder, value []byte) string { return d.Peek(value, nil, r.id) }

// RepeatID returns Event.ID of the event in a record, by which its repeats are known. It is ""
// where that cannot tell events apart: for an id that is true or false, a word that is no id, the
// number 0 or a number that is not whole. So a sender without ids has no repeats.
func (r *Reader) RepeatID(d Decoder, value []byte) string { return d.Peek(value, nil, r.repeat) }

// Type returns the Type of the event in a record, "" for none.
func (r *Reader) Type(d Decoder, value []byte) string { return d.Peek(value, nil, r.typ) }

// typeText is the type of an event that a value is, "" for none.
func typeText(v Value) string { return strings.ToLower(strings.TrimSpace(v.Str())) }

// isUsable reports whether v is there: neither absent, null nor an empty text.
func isUsable(v Value) bool { return v.Exists() && (v.kind != String || v.text != "") }

// laneText is the lane that a value makes, "" for none.
func (r *Reader) laneText(v Value) string {
	if v.kind == Bool {
		return v.text
	}
	text, ok := v.ID()
	if !ok || r.noIDs.isNoID(v) {
		return ""
	}
	return text
}

// repeatText is the message id that a value is, "" for none that tells events apart.
func (r *Reader) repeatText(v Value) string {
	if !isIDKind(v.kind) || r.noIDs.refuse(v) {
		return ""
	}
	return messageID(v)
}
