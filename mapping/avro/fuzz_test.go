package avro_test

import (
	"errors"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

// fuzzSchemas have every type, unions that look like maps, recursion and values of no
// bytes.
var fuzzSchemas = []string{
	avro.EventSchema,
	record(`{"name":"user_id","type":["null","string","long"]},{"name":"userId","type":["null","boolean","double"]},{"name":"properties","type":"string"},{"name":"context","type":{"type":"map","values":["null","string"]}}`),
	record(`{"name":"next","type":["null","com.example.Event"]},{"name":"list","type":{"type":"array","items":"null"}},{"name":"e","type":{"type":"record","name":"Empty","fields":[]}}`),
	record(`{"name":"a","type":{"type":"fixed","name":"D","size":4,"logicalType":"decimal","precision":9,"scale":2}},{"name":"b","type":{"type":"bytes","logicalType":"decimal","precision":30,"scale":30}},` +
		`{"name":"c","type":{"type":"int","logicalType":"date"}},{"name":"d","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"f","type":"float"},{"name":"j","type":{"type":"string","logicalType":"json"}},` +
		`{"name":"k","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"t","type":{"type":"long","logicalType":"time-micros"}},{"name":"u","type":{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}},{"name":"y","type":"bytes"}`),
	record(envelope),
	`["null",` + identify + `,` + track + `,` + record(`{"name":"user-id","type":{"type":"bytes","logicalType":"big-decimal"}},{"name":"userId","type":{"type":"fixed","name":"Span","size":12,"logicalType":"duration"}},{"name":"k","type":{"type":"enum","name":"ß","symbols":["ü","-"]}},{"name":"f","type":{"type":"fixed","name":"F0","size":0}}`) + `]`,
}

// FuzzDecode tries any bytes with several schemas: the answer is the same the second
// time, an error is the event's, a value is an event that JSON could hold, and its lane
// is that of the event.
func FuzzDecode(f *testing.F) {
	var schemas []*avro.Schema
	for _, text := range fuzzSchemas {
		schemas = append(schemas, parse(f, text))
	}
	f.Add(uint8(0), appendJSON(f, schemas[0], avro.EventJSON))
	f.Add(uint8(1), appendJSON(f, schemas[1], `{"user_id":7,"properties":"{\"a\":[1,{\"b\":null}]}","context":{"traits":"{}","user_agent":"x"}}`))
	f.Add(uint8(2), []byte("\x02\x02\x00\x04\x00\x00\x00"))
	f.Add(uint8(2), chain(1200))
	f.Add(uint8(2), []byte("\x00\xfe\xff\xff\xff\x0f\x00"))
	f.Add(uint8(3), []byte("\x00\x00\x00\x01\x04\xff\x01\xd0\x0f\x02\x00\x00\x80\x3f\x08[1,]\x02\x02\x7f\x1e\x9d\x9e\x00\x00\x40\x00\x80\x00\x00\x00\x00\x00\x00\x01\x02\xff"))
	f.Add(uint8(4), appendJSON(f, schemas[4], `{"id":"7","payload":{"type":"t","user_id":"u","properties":"{}","deeper":{"mail":"m"}}}`))
	f.Add(uint8(4), appendJSON(f, schemas[4], `{"id":"nil","payload":"{\"userId\":7.0}"}`))
	f.Add(uint8(4), appendJSON(f, schemas[4], `{"id":"","payload":{"userId":0,"user_id":"x"}}`))
	f.Add(uint8(5), []byte("\x06\x08\x04\x04\xe2\x04\x01\x00\x00\x00\x02\x00\x00\x00\xac\x0d\x00\x00\x02"))
	f.Add(uint8(5), []byte("\x02\x10identify\x02u\x04{}"))
	lane := []string{"userId", "user_id", "k", "properties", "deeper.mail", mapping.KeyField}
	layouts := []mapping.Layout{
		{Lane: lane[:4]},
		{Lane: lane},
		{Lane: []string{"userId", "key"}, Fields: map[string]string{"userId": "id"}},
		{Lane: lane, Unwrap: "payload", Fields: map[string]string{"userId": "x", "k": "deeper.mail"}},
		{Lane: []string{"userId", "key"}, Unwrap: "payload"},
		{Lane: []string{"userId"}, Unwrap: "/list/0"},
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		s := schemas[int(which)%len(schemas)]
		got, err := s.Decode(data, mapping.Pointer{})
		again, errAgain := s.Decode(data, mapping.Pointer{})
		if got.JSON() != again.JSON() || (err == nil) != (errAgain == nil) {
			t.Fatalf("Decode(%x) = %s, %v, then %s, %v", data, got.JSON(), err, again.JSON(), errAgain)
		}
		if err != nil {
			fault, ok := errors.AsType[*mapping.Error](err)
			if !ok || fault.Code != mapping.BadAvro && fault.Code != mapping.TooDeep && fault.Code != mapping.NotAnObject {
				t.Fatalf("Decode(%x) = %v, which is no fault of the event", data, err)
			}
			return
		}
		read, err := mapping.ParseObject([]byte(got.JSON()))
		if err != nil || read.JSON() != got.JSON() {
			t.Fatalf("Decode(%x) = %s, which reads back as %s, %v", data, got.JSON(), read.JSON(), err)
		}
		for _, layout := range layouts {
			r := reader(t, layout)
			unwrapped := layout
			unwrapped.Unwrap = ""
			at, _ := mapping.ParsePointer(layout.Unwrap)
			body, err := s.Decode(data, at)
			text := []byte(body.JSON())
			if err != nil {
				text = nil
			}
			if lane, want := r.Lane(s, data, []byte("key")), reader(t, unwrapped).Lane(mapping.JSON, text, []byte("key")); lane != want {
				t.Errorf("Lane(%x) with %+v = %q, and that of %s is %q", data, layout, lane, text, want)
			}
		}
	})
}

// FuzzParse tries any schema: it is refused, or reads any bytes without a panic.
func FuzzParse(f *testing.F) {
	for _, text := range fuzzSchemas {
		f.Add(text, []byte("\x02\x02\x00\x04"))
	}
	f.Add(`{"type":"record","name":"A","fields":[{"name":"a","type":["null","A",{"type":"array","items":"A"}]}]}`, []byte("\x02\x02\x00"))
	f.Add(`{"type":"record","name":"A","fields":[{"name":"a","type":{"type":"bytes","logicalType":"decimal","precision":5,"scale":2}},{"name":"b","type":{"type":"bytes","logicalType":"decimal"}}]}`, []byte("\x02\x02\x00"))
	f.Fuzz(func(t *testing.T, schema string, data []byte) {
		s, err := avro.Parse(schema)
		if err != nil {
			return
		}
		if v, err := s.Decode(data, mapping.Pointer{}); err == nil {
			if _, err := mapping.ParseObject([]byte(v.JSON())); err != nil {
				t.Errorf("Decode(%x) by %s = %s: %v", data, schema, v.JSON(), err)
			}
		}
		mapping.PlainReader.ID(s, data)
	})
}
