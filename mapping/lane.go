package mapping

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// KeyField is the name under which a lane's fields mean the Kafka record's key.
const KeyField = "key"

// Lane is the value that orders a record: the text form of the first of fields that
// is present, where KeyField is the record's key and any other name a member of the
// event. An empty value and one that is no scalar are absent. "" is no lane: the
// record stands alone. A record that is no JSON object has only its key.
//
// It reads the value once without building it, because every record that waits
// needs its lane and only the next of each lane needs the rest.
func Lane(value, key []byte, fields []string) string {
	found := make([]string, len(fields))
	scanLane(value, fields, found)
	for i, field := range fields {
		if field == KeyField {
			if len(key) > 0 {
				return keyText(key)
			}
			continue
		}
		if found[i] != "" {
			return found[i]
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

func scanLane(value []byte, fields, found []string) {
	dec := jsontext.NewDecoder(bytes.NewReader(value), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if tok, err := dec.ReadToken(); err != nil || tok.Kind() != '{' {
		return
	}
	for dec.PeekKind() != '}' {
		tok, err := dec.ReadToken()
		if err != nil {
			clear(found)
			return
		}
		i := fieldIndex(fields, tok.String())
		if i < 0 {
			err = dec.SkipValue()
		} else {
			found[i], err = scanScalar(dec)
		}
		if err != nil {
			clear(found)
			return
		}
	}
}

func fieldIndex(fields []string, name string) int {
	for i, field := range fields {
		if field == name && field != KeyField {
			return i
		}
	}
	return -1
}

func scanScalar(dec *jsontext.Decoder) (string, error) {
	switch dec.PeekKind() {
	case '"', '0', 't', 'f':
		tok, err := dec.ReadToken()
		return tok.String(), err
	default:
		return "", dec.SkipValue()
	}
}
