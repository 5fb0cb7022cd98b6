package avro

import (
	"errors"
	"fmt"

	"github.com/linkedin/goavro/v2"
)

// Schema is an Avro schema of events, ready to read and write: a record, or a union of
// records as of a topic with events of several schemas. It may be used by many
// goroutines.
type Schema struct {
	root        *node
	codec       *goavro.Codec
	fingerprint [8]byte // as single-object encoding has it
}

// Parse reads a schema, in JSON, that must be of a record or of a union of records, of
// which one may be null. referenced are the schemas of named types that it uses and does
// not define, in any order.
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
	if err := checkRoot(root); err != nil {
		return nil, err
	}
	if endless(root) {
		return nil, errors.New("the schema is of a record that holds itself without an end")
	}
	return build(root)
}

// checkRoot refuses a schema whose values are no records.
func checkRoot(root *node) error {
	records := 0
	for _, b := range root.alternatives() {
		switch {
		case b.kind == recordKind:
			records++
		case b.kind != nullKind:
			return errors.New("the schema is " + ofUnion(root) + b.kind.String() + ", and an event is a record")
		}
	}
	if records == 0 {
		return errors.New("the schema is of null, and an event is a record")
	}
	return nil
}

func ofUnion(root *node) string {
	if root.kind == unionKind {
		return "of a union with "
	}
	return "of "
}

// build prepares goavro for the schema.
func build(root *node) (_ *Schema, err error) {
	defer func() {
		if p := recover(); p != nil {
			// A schema comes from outside, and goavro takes some things on trust.
			err = fmt.Errorf("setting up the schema: goavro gave up: %v", p)
		}
	}()
	codec, err := goavro.NewCodec(nativeSchema(root))
	if err != nil {
		return nil, fmt.Errorf("setting up the schema: %w", err)
	}
	return &Schema{root: root, codec: codec, fingerprint: fingerprintOf(root)}, nil
}
