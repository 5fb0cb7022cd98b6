package mapping

import (
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
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
	dec := newDecoder(value)
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return
	}
	err := scanMembers(dec, fields, found)
	if err == nil {
		_, err = dec.ReadToken() // nothing may follow
	}
	if !errors.Is(err, io.EOF) {
		clear(found)
	}
}

func scanMembers(dec *jsontext.Decoder, fields, found []string) error {
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if i := fieldIndex(fields, name.String()); i >= 0 {
			found[i], err = scanScalar(dec)
		} else {
			err = skip(dec)
		}
		if err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

func fieldIndex(fields []string, name string) int {
	if name == KeyField {
		return -1
	}
	return slices.Index(fields, name)
}

// scanScalar is the text of the next value, "" if it is no scalar.
func scanScalar(dec *jsontext.Decoder) (string, error) {
	switch dec.PeekKind() {
	case '"', '0', 't', 'f':
		tok, err := dec.ReadToken()
		return tok.String(), err
	default:
		return "", skip(dec)
	}
}

// skip reads over the next value, to the depth that ParseJSON goes.
func skip(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case '{', '[':
	default:
		return dec.SkipValue()
	}
	for outer := dec.StackDepth(); ; {
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		switch depth := dec.StackDepth(); {
		case depth > MaxDepth:
			return errDeep
		case depth == outer:
			return nil
		}
	}
}
