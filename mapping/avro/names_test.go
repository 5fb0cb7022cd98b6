package avro_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

// decode is what a decoder makes of a value: the event's JSON, or the error's text.
func decode(d mapping.Decoder, value []byte) string {
	got, err := d.Decode(value, mapping.Pointer{})
	if err != nil {
		return err.Error()
	}
	return got.JSON()
}

// lane is the lane of a value, by its userId or its key.
func lane(t testing.TB, d mapping.Decoder, value []byte) string {
	t.Helper()
	return reader(t, mapping.Layout{Lane: []string{"userId", mapping.KeyField}}).Lane(d, value, []byte("k"))
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The fingerprints are those of Apache Avro for Java 1.12.0 and fastavro 1.13.1.
func TestParse_takesNamesThatOtherLibrariesTake(t *testing.T) {
	tests := map[string]struct{ schema, fingerprint, datum, want string }{
		"a letter that is not ASCII": {record(`{"name":"straße","type":"string"}`), "0573ccdc621d0b40", "0278", `{"straße":"x"}`},
		"hyphens": {
			`{"type":"record","name":"Event","namespace":"com.my-company.events","doc":"d","fields":[{"name":"order-id","type":{"type":"long","logicalType":"timestamp-millis"}},
				{"name":"state","type":{"type":"enum","name":"State","symbols":["A","B"]}},{"name":"f","type":{"type":"fixed","name":"F","size":2}},
				{"name":"m","type":{"type":"map","values":{"type":"array","items":"State"}}}]}`,
			"04ee86ce2573f12b", "00 02 ff00 02 0278 02 02 00 00",
			`{"order-id":"1970-01-01T00:00:00.000Z","state":"B","f":"/wA=","m":{"x":["B"]}}`,
		},
		"a type of no namespace within one": {
			record(`{"name":"x","type":["null",{"type":"record","name":"Plain","namespace":"","fields":[{"name":"y","type":"int"}]}]},{"name":"z","type":["null","Plain"]}`),
			"4f1f2c8e9943b7f8", "02 02 02 04", `{"x":{"y":1},"z":{"y":2}}`,
		},
		"none within one within none": {
			`{"type":"record","name":"Event","namespace":"","fields":[{"name":"x","type":{"type":"record","name":"A","namespace":"n","fields":[{"name":"y","type":{"type":"enum","name":"E","namespace":"","symbols":["A"]}}]}}]}`,
			"17f846719a585c11", "00", `{"x":{"y":"A"}}`,
		},
		"dots, dollars, blanks and digits": {record(`{"name":"$id","type":"int"},{"name":"a b","type":"int"},{"name":"1a","type":"int"},{"name":"a.b","type":"int"}`), "", "02040608", `{"$id":1,"a b":2,"1a":3,"a.b":4}`},
		"symbols of any letters":           {record(`{"name":"e","type":["null",{"type":"enum","name":"ß","symbols":["grün","in-transit","s0"]}]}`), "", "0204", `{"e":"s0"}`},
		"names like those made up":         {record(`{"name":"f1","type":"int"},{"name":"f0","type":{"type":"record","name":"T0","namespace":"","fields":[{"name":"T1","type":"int"}]}}`), "", "0204", `{"f1":1,"f0":{"T1":2}}`},
		"a fixed of no bytes":              {record(`{"name":"x","type":["null",{"type":"fixed","name":"F","size":0}]},{"name":"y","type":"F"}`), "", "02", `{"x":"","y":""}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, datum := parse(t, tt.schema), unhex(t, tt.datum)
			if got := decode(s, datum); got != tt.want {
				t.Errorf("Decode(%x) = %s, want %s", datum, got, tt.want)
			}
			if tt.fingerprint == "" {
				return
			}
			single := append(unhex(t, "c301"+tt.fingerprint), datum...)
			if got := decode(s.Unnumbered(), single); got != tt.want {
				t.Errorf("Decode(%x) = %s, want %s", single, got, tt.want)
			}
			if again := appendJSON(t, s, tt.want); strings.Contains(tt.want, "straße") && string(again) != string(datum) {
				t.Errorf("Append(%s) = %x, want %x", tt.want, again, datum)
			}
		})
	}
}

const (
	identify = `{"type":"record","name":"Identify","namespace":"t-1.ev","fields":[{"name":"type","type":"string"},{"name":"user_id","type":"string"},{"name":"traits","type":"string"}]}`
	track    = `{"type":"record","name":"Track","namespace":"t-1.ev","fields":[{"name":"type","type":"string"},{"name":"userId","type":["null","string"]},{"name":"event","type":"string"}]}`
)

func TestParse_aUnionOfRecordsIsOneTopicOfSeveralEvents(t *testing.T) {
	s := parse(t, `["t-1.ev.Identify","null","t-1.ev.Track"]`, track, identify)
	tests := []struct{ datum, want, lane string }{
		{"00 106964656e74696679 0275 047b7d", `{"type":"identify","userId":"u","traits":{}}`, "u"},
		{"04 0a747261636b 020276 0265", `{"type":"track","userId":"v","event":"e"}`, "v"},
		{"04 0a747261636b 00 0265", `{"type":"track","userId":null,"event":"e"}`, "k"},
		{"02", "not_an_object: the value is null, not a JSON object", "k"},
		{"06", "bad_avro: the record is of a type that its union does not have, at byte 1", "k"},
		{"", "bad_avro: the record ends before it is complete, at byte 0", "k"},
		{"04 0a747261636b 00 0265 00", "bad_avro: the record is followed by bytes that do not belong to it, 1 of them, at byte 10", "k"},
		{"0200", "bad_avro: the record is followed by bytes that do not belong to it, 1 of them, at byte 1", "k"},
	}
	for _, tt := range tests {
		datum := unhex(t, tt.datum)
		for name, d := range map[string]mapping.Decoder{"plain": s, "framed": s.Unnumbered()} {
			value := datum
			if name == "framed" {
				value = append(avro.AppendHeader(nil, 7), datum...)
			}
			got := decode(d, value)
			if strings.HasPrefix(tt.want, "bad_avro") && name == "framed" {
				continue // the place is that in the value with its header
			}
			if got != tt.want {
				t.Errorf("%s: Decode(%x) = %s, want %s", name, value, got, tt.want)
			}
			if got := lane(t, d, value); got != tt.lane {
				t.Errorf("%s: Lane(%x) = %q, want %q", name, value, got, tt.lane)
			}
		}
	}
	for _, text := range []string{`{"type":"identify","userId":"u","traits":{}}`, `{"type":"track","userId":"v","event":"e"}`} {
		v, err := mapping.ParseObject([]byte(strings.Replace(text, "{}", `"{}"`, 1)))
		if err != nil {
			t.Fatal(err)
		}
		data, err := s.Append(nil, v)
		if err != nil || decode(s, data) != text {
			t.Errorf("Append(%s) = %x, %v, which is %s", text, data, err, decode(s, data))
		}
	}
	if _, err := s.Append(nil, mapping.Obj(mapping.Member{Name: "other", Value: mapping.Int(1)})); err == nil {
		t.Error("Append took a member that no record has")
	}
}

func TestDecode_aSchemaWithinItselfIsReadWhereAListIsEmpty(t *testing.T) {
	nested := `{"type":"record","name":"Nested","fields":[{"name":"parent","type":"Nested"}]}`
	s := parse(t, record(`{"name":"list","type":{"type":"array","items":`+nested+`}},{"name":"x","type":["null","Nested"]},{"name":"m","type":{"type":"map","values":"Nested"}}`))
	if got := decode(s, []byte{0, 0, 0}); got != `{"list":[],"x":null,"m":{}}` {
		t.Errorf("Decode of empty ones = %s", got)
	}
	for _, data := range []string{"\x02\x00\x00\x00", "\x00\x02\x00", "\x00\x00\x02\x02a\x00"} {
		if got := decode(s, []byte(data)); !strings.HasPrefix(got, "too_deep: ") {
			t.Errorf("Decode(%q) = %s, want too_deep", data, got)
		}
	}
}

// The bytes of big decimals are those of Apache Avro for Java 1.12.0.
func TestDecode_logicalTypesOfAvro112(t *testing.T) {
	const big, span = `{"type":"bytes","logicalType":"big-decimal"}`, `{"type":"fixed","name":"D","size":12,"logicalType":"duration"}`
	tests := map[string]struct{ typ, bytes, want string }{
		"a big decimal":                {big, "08 0404e204", `12.50`},
		"a negative one":               {big, "06 02fb06", `-0.005`},
		"a scale below zero":           {big, "06 020105", `1000`},
		"zero":                         {big, "06 020000", `0`},
		"zero with digits":             {big, "06 020004", `0.00`},
		"many digits":                  {big, "20 1c009bd30a3c645943dd1690a03a1404", `123456789012345678901234567890.12`},
		"a scale beyond all digits":    {big, "08 0201a01f", `1e-2000`},
		"the largest scale":            {big, "0e 0201feffffff0f", `1e-2147483647`},
		"bytes that are none":          {big, "02 ff", `"/w=="`},
		"none at all":                  {big, "00", `""`},
		"without digits":               {big, "04 0004", `"AAQ="`},
		"without a scale":              {big, "04 0201", `"AgE="`},
		"followed by more":             {big, "08 02010400", `"AgEEAA=="`},
		"a scale of more than 32 bits": {big, "10 0201808080802000", `"AgGAgICAIAA="`},
		"in a union":                   {`["null",` + big + `]`, "02 08 0404e204", `12.50`},
		"a duration":                   {span, "01000000 02000000 ac0d0000", `"P1M2DT3.5S"`},
		"of days":                      {span, "00000000 07000000 00000000", `"P7D"`},
		"of nothing":                   {span, "00000000 00000000 00000000", `"PT0S"`},
		"the longest":                  {span, "ffffffff ffffffff ffffffff", `"P4294967295M4294967295DT4294967.295S"`},
		"of another size":              {`{"type":"fixed","name":"D","size":2,"logicalType":"duration"}`, "0000", `"AAA="`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := parse(t, record(`{"name":"userId","type":`+tt.typ+`}`))
			data := unhex(t, tt.bytes)
			if got := decode(s, data); got != `{"userId":`+tt.want+`}` {
				t.Errorf("Decode(%x) = %s, want %s", data, got, tt.want)
			}
		})
	}
	s := parse(t, record(`{"name":"x","type":`+big+`}`))
	if got := decode(s, append(unhex(t, "8208"), make([]byte, 513)...)); !strings.Contains(got, "is a decimal of more than 512 bytes") {
		t.Errorf("Decode of a decimal of 513 bytes = %s", got)
	}
}
