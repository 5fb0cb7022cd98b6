package avro

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/deskstream/deskstream/mapping"
)

// Confluent's wire format begins with a zero byte and the schema's id, Avro's
// single-object encoding with two bytes and the schema's fingerprint.
const (
	magic = 0
	// HeaderSize is the size of Confluent's header, in bytes.
	HeaderSize  = 5
	singleSize  = 10
	fingerprint = 2 // where it begins
)

var singleMagic = []byte{0xc3, 0x01}

// SchemaID is the id in the header of Confluent's wire format; false without one.
func SchemaID(value []byte) (uint32, bool) {
	if len(value) < HeaderSize || value[0] != magic {
		return 0, false
	}
	return binary.BigEndian.Uint32(value[1:]), true
}

// SingleFingerprint is the schema's fingerprint in the header of Avro's single-object
// encoding; false without one.
func SingleFingerprint(value []byte) ([]byte, bool) {
	if len(value) < singleSize || !bytes.HasPrefix(value, singleMagic) {
		return nil, false
	}
	return value[fingerprint:singleSize], true
}

// AppendHeader appends the header of Confluent's wire format.
func AppendHeader(dst []byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, magic), id)
}

// Behind reads values that begin with a header of that many bytes, which are not looked
// at. Its errors begin with the schema's name.
func (s *Schema) Behind(size int, name string) mapping.Decoder { return behind{s, size, name} }

type behind struct {
	schema *Schema
	size   int
	name   string
}

func (b behind) Decode(value []byte, p mapping.Pointer) (mapping.Value, error) {
	data := value[min(b.size, len(value)):]
	body, err := b.schema.Decode(data, p)
	if fault, ok := errors.AsType[*mapping.Error](err); ok {
		if isJSON(data) {
			return body, errJSONEncoding
		}
		return body, &mapping.Error{Code: fault.Code, Message: b.name + ": " + fault.Message}
	}
	return body, err
}

func (b behind) Peek(value, key []byte, q *mapping.Query) string {
	return b.schema.Peek(value[min(b.size, len(value)):], key, q)
}

// Unnumbered reads values whose schema is known to be this one: the plain binary form,
// single-object encoding, and values with the header of Confluent, Apicurio or AWS Glue,
// whose id says nothing then.
func (s *Schema) Unnumbered() mapping.Decoder { return unnumbered{s} }

type unnumbered struct{ schema *Schema }

func (u unnumbered) Decode(value []byte, p mapping.Pointer) (mapping.Value, error) {
	data, err := u.schema.payload(value)
	if err != nil {
		return mapping.Value{}, err
	}
	return u.schema.Decode(data, p)
}

func (u unnumbered) Peek(value, key []byte, q *mapping.Query) string {
	data, err := u.schema.payload(value)
	if err != nil {
		return q.Of(mapping.Value{}, key)
	}
	return u.schema.Peek(data, key, q)
}

// payload takes off the header that a value may have. Plain bytes can look like a
// header, so what can be read as a whole is taken for plain.
func (s *Schema) payload(value []byte) ([]byte, error) {
	sum, single := SingleFingerprint(value)
	if single && bytes.Equal(sum, s.fingerprint[:]) {
		return value[singleSize:], nil
	}
	f := s.check(value)
	switch _, framed := SchemaID(value); {
	case f == nil:
		return value, nil
	case framed && s.check(value[HeaderSize:]) == nil:
		return value[HeaderSize:], nil
	case isLong(value) && s.check(value[LongSize:]) == nil:
		return value[LongSize:], nil
	case isGlue(value):
		return glueData(value)
	case framed && isJSON(value[HeaderSize:]):
		return nil, errJSONEncoding
	case single:
		return nil, &mapping.Error{
			Code:    mapping.UnknownSchema,
			Message: fmt.Sprintf("the value is of a schema with the fingerprint %x, and that of schema_file is %x", sum, s.fingerprint),
		}
	default:
		return nil, f.error()
	}
}

// Fits reports whether Unnumbered reads the value to its last byte.
func (s *Schema) Fits(value []byte) bool {
	data, err := s.payload(value)
	return err == nil && s.check(data) == nil
}
