package mapping

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// KeyField is the name under which a lane's fields mean the Kafka record's key.
const KeyField = "key"

// Lane is the value that orders a record: the text form of the first of fields that
// is present, where KeyField is the record's key and any other name a member of the
// event. An empty value and one that is no scalar are absent. "" is no lane: the
// record stands alone. A record that Decode refuses has only its key.
//
// It reads the value once without building it, because every record that waits
// needs its lane and only the next of each lane needs the rest.
func Lane(value, key []byte, fields []string) string {
	found := make([]string, len(fields))
	scanLane(value, fields, found)
	return firstPresent(key, fields, func(i int) string { return found[i] })
}

// LaneOf is Lane for an event whose members are looked up one by one.
func LaneOf(key []byte, fields []string, member func(field string) Value) string {
	return firstPresent(key, fields, func(i int) string { return scalar(member(fields[i])) })
}

// firstPresent is the first text of fields that is not empty.
func firstPresent(key []byte, fields []string, text func(i int) string) string {
	for i, field := range fields {
		if field == KeyField {
			if len(key) > 0 {
				return keyText(key)
			}
			continue
		}
		if found := text(i); found != "" {
			return found
		}
	}
	return ""
}

// keyText shows a key that is not UTF-8 as base64.
func keyText(key []byte) string {
	if utf8.Valid(key) {
		return string(key)
	}
	return "base64:" + base64.StdEncoding.EncodeToString(key)
}

// scanLane fills in what is found of fields, or nothing if Decode refuses the value.
func scanLane(value []byte, fields, found []string) {
	if !utf8.Valid(value) {
		return
	}
	s := scanner{data: value}
	err := scanMembers(&s, fields, found)
	if err == nil {
		err = s.end()
	}
	if err != nil {
		clear(found)
	}
}

func scanMembers(s *scanner, fields, found []string) error {
	if s.next() != '{' {
		return s.fault()
	}
	for more := s.open('}'); more; {
		name, err := s.name()
		if err != nil {
			return err
		}
		s.next()
		from := s.at
		if err := s.skip(2); err != nil {
			return err
		}
		if i := fieldIndex(fields, name); i >= 0 {
			found[i] = scalarText(s.data[from:s.at])
		}
		if more, err = s.more('}'); err != nil {
			return err
		}
	}
	return nil
}

// fieldIndex is the place of a name, given in its quotes, among the fields.
func fieldIndex(fields []string, quoted []byte) int {
	name := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		name = []byte(unquote(quoted))
	}
	for i, field := range fields {
		if field == string(name) && field != KeyField {
			return i
		}
	}
	return -1
}

// scalarText is the text of a value, "" if it is no scalar.
func scalarText(value []byte) string {
	switch value[0] {
	case '"':
		return unquote(value)
	case '{', '[', 'n':
		return ""
	default:
		return string(value)
	}
}
