package registry

import (
	"bytes"
	"context"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

// Format is how values are read.
type Format string

// The formats.
const (
	Auto Format = "auto" // each value as it looks
	JSON Format = "json"
	Avro Format = "avro"
)

// Decoders finds for each value what reads it. Without a schema of its own, values in
// Avro have Confluent's wire format, and its registry knows their schemas.
type Decoders struct {
	// Format is JSON if it is empty.
	Format Format
	// File is the schema of all values in Avro: then the registry is not asked.
	File *avro.Schema
	// Registry knows schemas by their id; nil for none.
	Registry *Registry
}

// Known is the decoder of a value, false if the registry has to be asked.
func (d *Decoders) Known(value []byte) (mapping.Decoder, bool) {
	decoder, id := d.choose(value)
	if decoder != nil {
		return decoder, true
	}
	return d.Registry.Known(id)
}

// Find is Known, or asks the registry for as long as it gives no answer. The error is
// the cause of ctx's end.
func (d *Decoders) Find(ctx context.Context, value []byte) (mapping.Decoder, error) {
	decoder, id := d.choose(value)
	if decoder != nil {
		return decoder, nil
	}
	return d.Registry.Find(ctx, id)
}

// Try is Find that asks once.
func (d *Decoders) Try(ctx context.Context, value []byte) (mapping.Decoder, error) {
	decoder, id := d.choose(value)
	if decoder != nil {
		return decoder, nil
	}
	return d.Registry.Try(ctx, id)
}

// choose gives the decoder of a value, or the id of the schema to ask for.
func (d *Decoders) choose(value []byte) (mapping.Decoder, uint32) {
	if len(value) == 0 || d.Format != Auto && d.Format != Avro {
		return mapping.JSON, 0 // which says of an empty value what there is to say
	}
	if d.File != nil {
		return d.byFile(value), 0
	}
	id, numbered := avro.SchemaID(value)
	switch {
	case numbered && d.Registry != nil:
		return nil, id
	case d.Format == Avro:
		return notAvro, 0
	case numbered:
		return noRegistry, 0
	default:
		return mapping.JSON, 0
	}
}

func (d *Decoders) byFile(value []byte) mapping.Decoder {
	// What the schema reads to its last byte is of it, even if it begins like JSON.
	text := bytes.TrimLeft(bytes.TrimPrefix(value, byteOrderMark), " \t\r\n")
	if d.Format == Auto && bytes.HasPrefix(text, []byte("{")) && !d.File.Fits(value) {
		return mapping.JSON
	}
	return d.File.Unnumbered()
}

// byteOrderMark is what some programs write before UTF-8, JSON included.
var byteOrderMark = []byte("\uFEFF")

var (
	notAvro = mapping.Refuse(&mapping.Error{
		Code:    mapping.BadAvro,
		Message: "the value does not begin with a zero byte and a schema id (Confluent's wire format), at byte 0",
	})
	noRegistry = mapping.Refuse(&mapping.Error{
		Code:    mapping.NotJSON,
		Message: "the value begins like Avro with a schema id, and neither schema_registry nor source.schema_file is configured",
	})
)
