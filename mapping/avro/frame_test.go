package avro_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

func TestBehind_skipsAHeaderOfAnySize(t *testing.T) {
	s := parse(t, record(`{"name":"userId","type":"string"}`))
	r := reader(t, mapping.Layout{Lane: []string{"userId", mapping.KeyField}})
	for _, c := range []struct {
		size  int
		value string
		want  string // the error, "" for none
	}{
		{0, "\x02u", ""},
		{avro.HeaderSize, "\x00\x00\x00\x00\x07\x02u", ""},
		{avro.HeaderSize, "\xff\xff\xff\xff\xff\x02u", ""}, // it is not looked at
		{avro.LongSize, "\x00\x00\x00\x00\x00\x00\x00\x00\x07\x02u", ""},
		{avro.HeaderSize, "", "bad_avro: schema 7: userId ends before it is complete, at byte 0"},
		{avro.HeaderSize, "\x00\x00", "bad_avro: schema 7: userId ends before it is complete, at byte 0"},
		{avro.HeaderSize, "\x00\x00\x00\x00\x07", "bad_avro: schema 7: userId ends before it is complete, at byte 0"},
		{avro.HeaderSize, "\x00\x00\x00\x00\x07\x04u", "bad_avro: schema 7: userId ends before it is complete, at byte 1"},
	} {
		d := s.Behind(c.size, "schema 7")
		got, err := d.Decode([]byte(c.value), mapping.Pointer{})
		lane := r.Lane(d, []byte(c.value), []byte("k"))
		switch {
		case c.want == "" && (err != nil || got.JSON() != `{"userId":"u"}` || lane != "u"):
			t.Errorf("%x behind %d bytes = %s, %v, lane %q", c.value, c.size, got.JSON(), err, lane)
		case c.want != "" && (err == nil || err.Error() != c.want || lane != "k"):
			t.Errorf("%x behind %d bytes = %v, lane %q, want %s", c.value, c.size, err, lane, c.want)
		}
	}
}

// Avro's JSON encoding is no binary data: the error says what to set, and that the record
// itself is sound.
func TestDecode_JSONInPlaceOfBinaryDataIsNamed(t *testing.T) {
	s := parse(t, record(`{"name":"x","type":"string"}`))
	for name, c := range map[string]struct {
		decoder mapping.Decoder
		value   string
		named   bool
	}{
		"behind an id":                {s.Behind(avro.HeaderSize, "schema 7"), "\x00\x00\x00\x00\x07" + `{"x":"y"}`, true},
		"blanks before it":            {s.Behind(avro.HeaderSize, "schema 7"), "\x00\x00\x00\x00\x07" + " \n" + `{"x":"y"}`, true},
		"with the file's schema":      {s.Unnumbered(), "\x00\x00\x00\x00\x07" + `{"x":"y"}`, true},
		"by its content type":         {avro.JSONEncoding, `{"x":"y"}`, true},
		"a list":                      {s.Behind(avro.HeaderSize, "schema 7"), "\x00\x00\x00\x00\x07" + `["y"]`, false},
		"JSON that is cut":            {s.Behind(avro.HeaderSize, "schema 7"), "\x00\x00\x00\x00\x07" + `{"x":"y"`, false},
		"plain JSON without a header": {s.Unnumbered(), `{"x":"y"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.decoder.Decode([]byte(c.value), mapping.Pointer{})
			if codeOf(t, err) != mapping.BadAvro || strings.Contains(err.Error(), avro.Unusable+"encoding") != c.named {
				t.Errorf("Decode = %v, want the encoding named: %t", err, c.named)
			}
			if lane := reader(t, mapping.Layout{Lane: []string{"x", mapping.KeyField}}).Lane(c.decoder, []byte(c.value), []byte("k")); lane != "k" {
				t.Errorf("Lane = %q, want the key", lane)
			}
		})
	}
}

// The event may be inside the record: a record, a map, JSON in a text, or an item.
func TestDecode_anEventInsideTheRecord(t *testing.T) {
	const fields = `{"name":"id","type":"long"},{"name":"body","type":["null","string",{"type":"map","values":["null","string","long"]},
		{"type":"record","name":"Body","fields":[{"name":"userId","type":["null","string"]},{"name":"list","type":{"type":"array","items":"Body"}}]}]}`
	s := parse(t, record(fields))
	for _, c := range []struct{ unwrap, json, want, lane string }{
		{"body", `{"id":1,"body":{"userId":"u","list":[]}}`, `{"userId":"u","list":[]}`, "u"},
		{"body", `{"id":1,"body":{"userId":null,"list":[]}}`, `{"userId":null,"list":[]}`, "k"},
		{"/body/list/1", `{"id":1,"body":{"userId":"u","list":[{"userId":"v","list":[]},{"userId":"w","list":[]}]}}`, `{"userId":"w","list":[]}`, "w"},
		{"/body/list/0/list/0", `{"id":1,"body":{"userId":"u","list":[{"userId":"v","list":[{"userId":"x","list":[]}]}]}}`, `{"userId":"x","list":[]}`, "x"},
		{"body", `{"id":1,"body":{"userId":"u","n":7}}`, `{"n":7,"userId":"u"}`, "u"},
		{"body", `{"id":1,"body":"{\"userId\":\"u\",\"n\":1.50}"}`, `{"userId":"u","n":1.50}`, "u"},
		{"body", `{"id":1,"body":"text"}`, "not_json: body: the value is not JSON", "k"},
		{"body", `{"id":1,"body":"[1]"}`, "not_an_object: body is a list, not a JSON object", "k"},
		{"body", `{"id":1,"body":null}`, "not_an_object: body is null, not a JSON object", "k"},
		{"id", `{"id":1,"body":null}`, "not_an_object: id is a number, not a JSON object", "k"},
		{"other", `{"id":1,"body":null}`, "not_an_object: other is missing: source.unwrap says that it holds the event", "k"},
		{"/id/userId", `{"id":1,"body":null}`, "not_an_object: /id/userId is missing: source.unwrap says that it holds the event", "k"},
		{"/body/list/2", `{"id":1,"body":{"userId":"u","list":[]}}`, "not_an_object: /body/list/2 is missing: source.unwrap says that it holds the event", "k"},
		{"/body/list", `{"id":1,"body":{"userId":"u","list":[]}}`, "not_an_object: /body/list is a list, not a JSON object", "k"},
		{"/body/userId", `{"id":1,"body":{"userId":"u","list":[]}}`, "not_json: /body/userId: the value is not JSON", "k"},
	} {
		data := appendJSON(t, s, c.json)
		p, err := mapping.ParsePointer(c.unwrap)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Decode(data, p)
		text := got.JSON()
		if err != nil {
			text = err.Error()
		}
		if text != c.want {
			t.Errorf("Decode at %s of %s = %s, want %s", c.unwrap, c.json, text, c.want)
		}
		r := reader(t, mapping.Layout{Unwrap: c.unwrap, Lane: []string{"userId", mapping.KeyField}})
		if lane := r.Lane(s, data, []byte("k")); lane != c.lane {
			t.Errorf("Lane at %s of %s = %q, want %q", c.unwrap, c.json, lane, c.lane)
		}
	}
}

func TestDecode_everyOtherNameIsKnown(t *testing.T) {
	for _, other := range slices.Sorted(maps.Keys(avro.Names)) {
		own := avro.Names[other]
		s := parse(t, record(`{"name":"`+other+`","type":"string"}`))
		got, err := s.Decode([]byte("\x02v"), mapping.Pointer{})
		if err != nil || got.JSON() != `{"`+own+`":"v"}` {
			t.Errorf("%s is read as %s, %v, want %s", other, got.JSON(), err, own)
		}
		if written := appendJSON(t, s, `{"`+own+`":"v"}`); string(written) != "\x02v" {
			t.Errorf("%s is written as %x", own, written)
		}
		both := parse(t, record(`{"name":"`+other+`","type":"string"},{"name":"`+own+`","type":"string"}`))
		if got, err := both.Decode([]byte("\x02v\x02w"), mapping.Pointer{}); err != nil || got.Get(own).Str() != "w" || got.Get(other).Str() != "v" {
			t.Errorf("%s beside %s is read as %s, %v", other, own, got.JSON(), err)
		}
		if got, err := both.Decode([]byte("\x02v\x00"), mapping.Pointer{}); err != nil || got.JSON() != `{"`+own+`":"v"}` {
			t.Errorf("%s beside an empty %s is read as %s, %v", other, own, got.JSON(), err)
		}
	}
	for _, other := range slices.Sorted(maps.Keys(avro.ContextNames)) {
		own := avro.ContextNames[other]
		s := parse(t, record(`{"name":"context","type":{"type":"record","name":"C","fields":[{"name":"`+other+`","type":"string"}]}}`))
		if got, err := s.Decode([]byte("\x02v"), mapping.Pointer{}); err != nil || got.JSON() != `{"context":{"`+own+`":"v"}}` {
			t.Errorf("%s of the context is read as %s, %v, want %s", other, got.JSON(), err, own)
		}
		packed := parse(t, record(`{"name":"context","type":"string"}`))
		text := `{"` + other + `":"v"}`
		if got, err := packed.Decode(bytesOf(text), mapping.Pointer{}); err != nil || got.JSON() != `{"context":{"`+own+`":"v"}}` {
			t.Errorf("%s of a context in JSON is read as %s, %v", other, got.JSON(), err)
		}
	}
}

// JSON in a text counts with its own levels.
func TestDecode_depthOfJSONInTexts(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, c := range map[string]struct {
		fields string
		most   int // levels of the text
	}{
		"properties":     {`{"name":"properties","type":"string"}`, mapping.MaxDepth - 1},
		"a logical type": {`{"name":"x","type":{"type":"string","logicalType":"json"}}`, mapping.MaxDepth - 1},
		"in a list":      {`{"name":"x","type":{"type":"array","items":{"type":"string","logicalType":"json"}}}`, mapping.MaxDepth - 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := parse(t, record(c.fields))
			datum := func(text string) []byte {
				data := bytesOf(text)
				if name == "in a list" {
					data = append(append([]byte{2}, data...), 0)
				}
				return data
			}
			if _, err := s.Decode(datum(nested(c.most)), mapping.Pointer{}); err != nil {
				t.Errorf("%d levels: %v", c.most, err)
			}
			_, err := s.Decode(datum(nested(c.most+1)), mapping.Pointer{})
			if codeOf(t, err) != mapping.TooDeep {
				t.Errorf("%d levels: %v, want too_deep", c.most+1, err)
			}
		})
	}
}

// Several names in one record do not disturb each other.
func TestDecode_severalOtherNamesInOneRecord(t *testing.T) {
	s := parse(t, record(`{"name":"user_id","type":["null","string"]},{"name":"userId","type":["null","string"]},{"name":"plain","type":"string"},
		{"name":"no_name","type":"string"},{"name":"message_id","type":["null","string"]},{"name":"event_name","type":["null","string"]},{"name":"event","type":["null","string"]}`))
	for _, c := range []struct{ json, want string }{
		{
			`{"user_id":"a","userId":"b","plain":"p","no_name":"n","message_id":"m","event_name":"e","event":null}`,
			`{"user_id":"a","userId":"b","plain":"p","no_name":"n","messageId":"m","event":"e"}`,
		},
		{
			`{"user_id":"a","userId":null,"plain":"p","no_name":"n","message_id":null,"event_name":"","event":"e"}`,
			`{"userId":"a","plain":"p","no_name":"n","message_id":null,"event_name":"","event":"e"}`,
		},
		{
			`{"user_id":null,"userId":"b","plain":"","no_name":"","message_id":"m","event_name":"e","event":"f"}`,
			`{"user_id":null,"userId":"b","plain":"","no_name":"","messageId":"m","event_name":"e","event":"f"}`,
		},
	} {
		got, err := s.Decode(appendJSON(t, s, c.json), mapping.Pointer{})
		if err != nil || got.JSON() != c.want {
			t.Errorf("%s is read as %s, %v, want %s", c.json, got.JSON(), err, c.want)
		}
	}
}

// Some writers put the logical type beside the type of a field, or inside two objects.
func TestDecode_logicalTypesBesideTheType(t *testing.T) {
	for _, c := range []struct{ field, data, want string }{
		{`"type":"int","logicalType":"date"`, "\x02", `"1970-01-02"`},
		{`"type":"long","logicalType":"timestamp-millis"`, "\x02", `"1970-01-01T00:00:00.001Z"`},
		{`"type":"bytes","logicalType":"decimal","precision":4,"scale":2`, "\x02\x05", `0.05`},
		{`"type":"string","logicalType":"json"`, "\x06[1]", `[1]`},
		{`"type":{"type":"int","logicalType":"date"},"logicalType":"time-millis"`, "\x02", `"1970-01-02"`},
		{`"type":{"type":"int"},"logicalType":"date"`, "\x02", `"1970-01-02"`},
		{`"type":{"type":{"type":"int","logicalType":"date"}}`, "\x02", `"1970-01-02"`},
		{`"type":["null","int"],"logicalType":"date"`, "\x02\x02", `1`},
		{`"type":{"type":"array","items":{"type":"int","logicalType":"date"}}`, "\x02\x02\x00", `["1970-01-02"]`},
		{`"type":{"type":"map","values":["null",{"type":"int","logicalType":"date"}]}`, "\x02\x02a\x02\x02\x00", `{"a":"1970-01-02"}`},
	} {
		s := parse(t, record(`{"name":"x",`+c.field+`}`))
		got, err := s.Decode([]byte(c.data), mapping.Pointer{})
		if err != nil || got.Get("x").JSON() != c.want {
			t.Errorf("%s is read as %s, %v, want %s", c.field, got.JSON(), err, c.want)
		}
	}
}

// A namespace is inherited by what is inside, given by a full name, and left by an own one.
func TestParse_namespaces(t *testing.T) {
	for name, fields := range map[string]string{
		"inherited":             `{"name":"a","type":{"type":"fixed","name":"F","size":1}},{"name":"b","type":"F"},{"name":"c","type":"com.example.F"}`,
		"by the full name":      `{"name":"a","type":{"type":"fixed","name":"com.other.F","size":1}},{"name":"b","type":"com.other.F"},{"name":"c","type":"com.other.F"}`,
		"an own one":            `{"name":"a","type":{"type":"fixed","name":"F","namespace":"com.other","size":1}},{"name":"b","type":"com.other.F"},{"name":"c","type":"com.other.F"}`,
		"the full name is more": `{"name":"a","type":{"type":"fixed","name":"com.other.F","namespace":"com.third","size":1}},{"name":"b","type":"com.other.F"},{"name":"c","type":"com.other.F"}`,
		"used before it is set": `{"name":"a","type":"F"},{"name":"b","type":{"type":"fixed","name":"F","size":1}},{"name":"c","type":"F"}`,
		"of a record inside": `{"name":"a","type":{"type":"record","name":"com.other.R","fields":[{"name":"x","type":{"type":"fixed","name":"F","size":1}}]}},
			{"name":"b","type":"com.other.F"},{"name":"c","type":"com.other.F"}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse(t, record(fields)).Decode([]byte("abc"), mapping.Pointer{})
			if err != nil || got.Get("b").JSON() != `"Yg=="` || got.Get("c").JSON() != `"Yw=="` {
				t.Errorf("Decode = %s, %v", got.JSON(), err)
			}
		})
	}
}
