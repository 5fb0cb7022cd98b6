package mapping

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// KeyField is the name under which a lane's fields mean the Kafka record's key.
const KeyField = "key"

// keyText is the lane that a record's key makes, "" for none. A key that is not UTF-8 is
// shown as base64.
func (r *Reader) keyText(key []byte) string {
	if !utf8.Valid(key) {
		return "base64:" + base64.StdEncoding.EncodeToString(key)
	}
	return r.laneText(Str(string(key)))
}

// span is where a value is in a text; the zero span is no value.
type span struct{ from, to int }

// fewSlots is how many places most queries have at the most.
const fewSlots = 8

// Scan answers for the JSON text of an event. It reads the text once and builds nothing,
// because every record that waits needs its lane and only the next of each lane needs the
// rest. A text that Decode refuses has nothing.
func (q *Query) Scan(text, key []byte) string {
	var few [fewSlots]span // on the stack, as the text's slices could not be
	found := few[:]
	if len(q.slots) > fewSlots {
		found = make([]span, len(q.slots))
	}
	text = withoutMark(text)
	if len(q.slots) > 0 && !q.find(text, found) {
		clear(found)
	}
	return q.Pick(key, func(slot int) Value { return rawScalar(text[found[slot].from:found[slot].to]) })
}

// find fills in where the value of each slot is. It reports false for no event.
func (q *Query) find(text []byte, found []span) bool {
	t, err := readTokens(text, q.reader.at.Depth())
	if err != nil {
		return false
	}
	defer t.free()
	f := finding{Query: q, tokens: t, found: found}
	kind, _, _, err := f.next()
	return err == nil && kind == '{' && f.members(0, 1<<len(q.slots)-1) == nil && f.end() == nil
}

// finding is one reading of an event's text.
type finding struct {
	*Query
	*tokens
	found []span
}

// members reads over an object, after its opening bracket. In has a bit for each slot whose path
// begins with the names that lead here, of which there are level.
func (f *finding) members(level int, in uint64) error {
	for {
		kind, from, to, err := f.next()
		if err != nil || kind == '}' {
			return err
		}
		if here := f.named(f.in[from:to], level, in); here == 0 {
			err = f.skip()
		} else {
			err = f.member(level, here)
		}
		if err != nil {
			return err
		}
	}
}

// named returns the slots of in that have the quoted name at the given level.
func (f *finding) named(quoted []byte, level int, in uint64) (here uint64) {
	name := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = []byte(unquote(quoted))
	}
	if level == 0 && f.lengths&lengthBit(len(name)) == 0 {
		return 0
	}
	for i := range f.slots {
		if in&(1<<i) != 0 && f.slots[i].path[level] == string(name) {
			here |= 1 << i
		}
	}
	return here
}

// member reads over the value of a member whose name the slots in here have.
func (f *finding) member(level int, here uint64) error {
	var deeper uint64
	for i := range f.slots {
		if here&(1<<i) != 0 {
			f.found[i] = span{} // of two members with one name the last counts
			if len(f.slots[i].path) > level+1 {
				deeper |= 1 << i
			}
		}
	}
	if deeper != 0 && f.PeekKind() == '{' {
		if err := f.step(); err != nil {
			return err
		}
		return f.members(level+1, deeper)
	}
	raw, err := f.raw()
	end := int(f.InputOffset())
	for i := range f.slots {
		if here&^deeper&(1<<i) != 0 {
			f.found[i] = span{end - len(raw), end}
		}
	}
	return err
}

// isNamed reports whether a name that is in quotes is name.
func isNamed(quoted []byte, name string) bool {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') >= 0 {
		return unquote(quoted) == name
	}
	return string(inner) == name
}

// rawScalar is the value that a text is; an object or a list is empty.
func rawScalar(text []byte) Value {
	if len(text) == 0 {
		return Value{}
	}
	switch text[0] {
	case '"':
		return Str(unquote(text))
	case '{':
		return Value{kind: Object}
	case '[':
		return Value{kind: Array}
	case 'n':
		return Value{kind: Null}
	case 't', 'f':
		return Value{kind: Bool, text: string(text)}
	default:
		return Num(string(text))
	}
}
