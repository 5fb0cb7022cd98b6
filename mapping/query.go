package mapping

import "slices"

// Query asks for the first usable one of some fields of an event, as text: for its lane,
// or for its id. A record that waits needs no more of its event, so a Decoder answers
// without building the event where it can. It is made by a Reader, and answers what the
// event would that the Reader reads.
type Query struct {
	reader *Reader
	fields []askedField
	// slots are the places to look at, those of each field in a row.
	slots []slot
	// lengths has a bit for each length of the slots' first names: most members of an event
	// have another one.
	lengths uint64
	// names are the slots' names if they are the event's own members, nil otherwise.
	names []string
	// built says that the fields have to be read from the event as it is in the end.
	built bool
	// text is the text of a value, "" for one that does not count.
	text func(Value) string
}

// askedField is a field that a Query asks for.
type askedField struct {
	name     string // KeyField is the record's key
	from, to int    // its slots
}

// slot is a place of an event.
type slot struct {
	path []string
	// isID says that a value which is no id does not count here, and the next slot does.
	isID bool
}

// maxSlots is how many places one reading of an event looks for.
const maxSlots = 64

// query makes the Query for fields. text is the text of a value, "" for one that does not count.
func (r *Reader) query(text func(Value) string, fields ...string) *Query {
	q := &Query{reader: r, text: text}
	q.built = slices.ContainsFunc(fields, func(field string) bool { return field != KeyField && r.isTangled(field) })
	q.fill(fields)
	if len(q.slots) > maxSlots && !q.built {
		q.built = true
		q.fill(fields)
	}
	return q
}

func (q *Query) fill(fields []string) {
	q.fields, q.slots, q.lengths = nil, nil, 0
	for _, field := range fields {
		f := askedField{name: field, from: len(q.slots)}
		if field != KeyField {
			for _, path := range q.places(field) {
				q.slots = append(q.slots, slot{path: path, isID: isPersonID(field)})
			}
		}
		f.to = len(q.slots)
		q.fields = append(q.fields, f)
	}
	names := make([]string, len(q.slots))
	deep := q.built
	for i, s := range q.slots {
		names[i] = s.path[0]
		q.lengths |= lengthBit(len(s.path[0]))
		deep = deep || len(s.path) > 1
	}
	if q.names = names; deep {
		q.names = nil
	}
}

func lengthBit(n int) uint64 { return 1 << (n & 63) }

// places are where a field may be, in the order in which they count: in the event as
// it is in the end, or as it is before fields are renamed.
func (q *Query) places(field string) [][]string {
	own := newFieldPath(field).places()
	if q.built {
		return own
	}
	var places [][]string
	for _, f := range q.reader.fields {
		switch field {
		case f.target.name:
			places = append(places, f.source.places()...)
		case f.source.name:
			own = nil // what is there moves away
		}
	}
	return append(places, own...)
}

// At is where the event is in the record.
func (q *Query) At() Pointer { return q.reader.at }

// Names are the members of the event that decide, by slot. It reports false when the
// event's own members are not enough: then Of has the answer.
func (q *Query) Names() ([]string, bool) { return q.names, q.names != nil }

// Of answers for an event with the given body, as Decoder.Decode returns it.
func (q *Query) Of(body Value, key []byte) string {
	if q.built {
		e := Event{Body: body, NoIDs: q.reader.noIDs}
		e.rename(q.reader.fields)
		body = e.Body
	}
	return q.Pick(key, func(slot int) Value { return body.Get(q.slots[slot].path...) })
}

// Pick answers by single values: of each field the first slot with a usable value decides.
func (q *Query) Pick(key []byte, value func(slot int) Value) string {
	for _, f := range q.fields {
		if f.name == KeyField {
			if text := q.reader.keyText(key); text != "" {
				return text
			}
			continue
		}
		for i := f.from; i < f.to; i++ {
			v := value(i)
			if !isUsable(v) {
				continue
			}
			if text := q.text(v); text != "" {
				return text
			}
			if !q.slots[i].isID || !isIDKind(v.kind) {
				break
			}
		}
	}
	return ""
}
