package registry

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/twmb/franz-go/pkg/kgo"

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

// Decoders finds for each record what reads its value. Without a schema of its own, values
// in Avro say by their headers or their first bytes of which schema they are, and a
// registry knows the schema.
type Decoders struct {
	// Format is JSON if it is empty.
	Format Format
	// File is the schema of all values in Avro: then the registry is not asked.
	File *avro.Schema
	// Registry knows schemas by their id; nil for none.
	Registry *Registry
}

// Known is the decoder of a record's value, false if the registry has to be asked.
func (d *Decoders) Known(r *kgo.Record) (mapping.Decoder, bool) {
	decoder, ref := d.choose(r)
	if decoder != nil {
		return decoder, true
	}
	return d.Registry.Known(ref)
}

// Find is Known, or asks the registry for as long as it gives no answer. The error is
// the cause of ctx's end.
func (d *Decoders) Find(ctx context.Context, r *kgo.Record) (mapping.Decoder, error) {
	decoder, ref := d.choose(r)
	if decoder != nil {
		return decoder, nil
	}
	return d.Registry.Find(ctx, ref)
}

// Try is Find that asks once.
func (d *Decoders) Try(ctx context.Context, r *kgo.Record) (mapping.Decoder, error) {
	decoder, ref := d.choose(r)
	if decoder != nil {
		return decoder, nil
	}
	return d.Registry.Try(ctx, ref)
}

// choose gives the decoder of a record, or the schema to ask for.
func (d *Decoders) choose(r *kgo.Record) (mapping.Decoder, Ref) {
	if len(r.Value) == 0 || d.Format != Auto && d.Format != Avro {
		return mapping.JSON, Ref{} // which says of an empty value what there is to say
	}
	o := readHeaders(r.Headers)
	switch {
	case o.name != "":
		return d.byHeader(o, r.Value)
	case d.File != nil:
		return d.byFile(r.Value), Ref{}
	default:
		return d.byValue(r.Value)
	}
}

// byHeader is choose for a value whose schema a header names: it has no id in front.
func (d *Decoders) byHeader(o origin, value []byte) (mapping.Decoder, Ref) {
	switch {
	case o.encoding == "JSON":
		return avro.JSONEncoding, Ref{}
	// Serializers of JSON name their schema too. They do not say that a value is binary.
	case d.Format == Auto && o.encoding == "" && looksLikeJSON(value) && json.Valid(bytes.TrimPrefix(value, byteOrderMark)):
		return mapping.JSON, Ref{}
	case d.File != nil:
		return d.File, Ref{}
	case o.fault != nil:
		return mapping.Refuse(o.fault), Ref{}
	case d.Registry == nil:
		return mapping.Refuse(refusal("the header %s names the value's %s, and neither schema_registry nor source.schema_file is configured", o.name, o.ref.name())), Ref{}
	case o.ref.kind == byGlobalID && !d.Registry.client.hasNative():
		return mapping.Refuse(refusal("the header %s names the %s: %s", o.name, o.ref.name(), notApicurio+"set apicurio.registry.use-id=contentId in the serializer")), Ref{}
	default:
		return nil, o.ref
	}
}

// byValue is choose for a value that may have an id in front.
func (d *Decoders) byValue(value []byte) (mapping.Decoder, Ref) {
	if uuid, ok := avro.GlueID(value); ok {
		return mapping.Refuse(refusal("the value is of AWS Glue's schema %s, which no Confluent registry has: set source.schema_file to that schema", uuid)), Ref{}
	}
	if sum, ok := avro.SingleFingerprint(value); ok {
		return mapping.Refuse(refusal("the value is in Avro's single-object encoding, of a schema with the fingerprint %x, which no registry has: set source.schema_file to that schema", sum)), Ref{}
	}
	id, numbered := avro.SchemaID(value)
	switch {
	case numbered && d.Registry == nil:
		return noRegistry, Ref{}
	case numbered:
		if global, ok := avro.LongID(value); ok {
			return d.byLongID(global)
		}
		return nil, ID(id)
	case d.Format == Avro:
		return notAvro, Ref{}
	default:
		return mapping.JSON, Ref{}
	}
}

// byLongID is choose for a value with Apicurio's id of eight bytes.
func (d *Decoders) byLongID(global uint64) (mapping.Decoder, Ref) {
	ref := Ref{kind: byGlobalID, number: global, header: avro.LongSize}
	if !d.Registry.client.hasNative() {
		return mapping.Refuse(refusal("the value is of the %s, in Apicurio's form of eight bytes: %s", ref.name(), notApicurio+fourBytes)), Ref{}
	}
	return nil, ref
}

// What is to be set at Apicurio's serializer so that any registry can be asked.
const (
	notApicurio = "no address of schema_registry.urls is Apicurio's (below " + ccompatPath + "), where it could be asked for; "
	fourBytes   = "set apicurio.registry.headers.enabled=false, apicurio.registry.as-confluent=true and apicurio.registry.use-id=contentId in the serializer"
)

func (d *Decoders) byFile(value []byte) mapping.Decoder {
	// What the schema reads to its last byte is of it, even if it begins like JSON.
	if d.Format == Auto && looksLikeJSON(value) && !d.File.Fits(value) {
		return mapping.JSON
	}
	return d.File.Unnumbered()
}

// byteOrderMark is what some programs write before UTF-8, JSON included.
var byteOrderMark = []byte("\uFEFF")

func looksLikeJSON(value []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(value, byteOrderMark), " \t\r\n"), []byte("{"))
}

var (
	notAvro = mapping.Refuse(&mapping.Error{
		Code:    mapping.BadAvro,
		Message: "the value does not begin with a zero byte and a schema id (Confluent's wire format), and no header names its schema: source.schema_file reads values without an id",
	})
	noRegistry = mapping.Refuse(refusal("the value begins like Avro with a schema id, and neither schema_registry nor source.schema_file is configured"))
)
