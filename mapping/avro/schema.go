package avro

import (
	"errors"
	"fmt"

	"github.com/linkedin/goavro/v2"
)

// Schema is an Avro schema of a record, ready to read and write. It may be used by
// many goroutines.
type Schema struct {
	root        *node
	codec       *goavro.Codec
	fingerprint [8]byte // as single-object encoding has it
}

// Parse reads a schema, in JSON, that must be of a record. referenced are the schemas
// of named types that it uses and does not define, in any order.
func Parse(schema string, referenced ...string) (*Schema, error) {
	p := newParser()
	for _, text := range referenced {
		if _, err := p.parse(text); err != nil {
			return nil, fmt.Errorf("reading a referenced schema: %w", err)
		}
	}
	root, err := p.parse(schema)
	if err == nil {
		root, err = p.finish(root)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the schema: %w", err)
	}
	if root.kind != recordKind {
		return nil, errors.New("the schema is of " + root.kind.String() + ", and an event is a record")
	}
	if endless(root) {
		return nil, errors.New("the schema is of a record that holds itself without an end")
	}
	return build(root)
}

// build hands goavro the schema in the least form that says how the bytes lie:
// without logical types, defaults and documentation, in which real schemas have
// faults that do not matter for reading.
func build(root *node) (_ *Schema, err error) {
	defer func() {
		if p := recover(); p != nil {
			// A schema comes from outside, and goavro takes some things on trust.
			err = fmt.Errorf("setting up the schema: goavro gave up: %v", p)
		}
	}()
	codec, err := goavro.NewCodec(canonical(root))
	if err != nil {
		return nil, fmt.Errorf("setting up the schema: %w", err)
	}
	s := &Schema{root: root, codec: codec}
	for i := range s.fingerprint {
		s.fingerprint[i] = byte(codec.Rabin >> (8 * i))
	}
	return s, nil
}

// Name is the full name of the schema's record.
func (s *Schema) Name() string { return s.root.name }
