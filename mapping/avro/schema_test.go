package avro_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/linkedin/goavro/v2"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

// appendJSON is Append for the value of a JSON text.
func appendJSON(t testing.TB, s *avro.Schema, text string) []byte {
	t.Helper()
	v, err := mapping.ParseObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	data, err := s.Append(nil, v)
	if err != nil {
		t.Fatalf("Append(%s) = %v", text, err)
	}
	return data
}

func TestParse_takesReferencedTypesInAnyOrder(t *testing.T) {
	const (
		address = `{"type":"record","name":"Address","namespace":"com.other","fields":[{"name":"city","type":"string"},{"name":"country","type":"Country"}]}`
		country = `{"type":"enum","name":"Country","namespace":"com.other","symbols":["NL","DE"]}`
	)
	s := parse(t, record(`{"name":"home","type":"com.other.Address"},{"name":"work","type":["null","com.other.Address"]}`), address, country)
	const want = `{"home":{"city":"Delft","country":"NL"},"work":{"city":"Bonn","country":"DE"}}`
	got, err := s.Decode(appendJSON(t, s, want), mapping.Pointer{})
	if err != nil || got.JSON() != want {
		t.Errorf("Decode = %s, %v, want %s", got.JSON(), err, want)
	}
}

func TestParse_takesTypesThatReferToEachOther(t *testing.T) {
	const other = `{"type":"record","name":"Other","fields":[{"name":"event","type":["null","com.example.Event"]}]}`
	s := parse(t, record(`{"name":"other","type":["null","Other"]}`), other)
	const want = `{"other":{"event":{"other":null}}}`
	got, err := s.Decode(appendJSON(t, s, want), mapping.Pointer{})
	if err != nil || got.JSON() != want {
		t.Errorf("Decode = %s, %v, want %s", got.JSON(), err, want)
	}
}

func TestParse_takesWhatRealSchemasGetWrong(t *testing.T) {
	for name, field := range map[string]string{
		"a default of another type":   `{"name":"x","type":"string","default":null}`,
		"a default of a later branch": `{"name":"x","type":["null","string"],"default":"x"}`,
		"a logical type by the field": `{"name":"x","type":"string","logicalType":"uuid"}`,
		"a decimal without precision": `{"name":"x","type":"string"},{"name":"y","type":["null",{"type":"bytes","logicalType":"decimal"}]}`,
		"a type within a type":        `{"name":"x","type":{"type":{"type":"string","avro.java.string":"String"}}}`,
		"documentation and aliases":   `{"name":"x","doc":"...","aliases":["z"],"type":"string","order":"ignore"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := parse(t, record(field))
			got, err := s.Decode(appendJSON(t, s, `{"x":"v"}`), mapping.Pointer{})
			if err != nil || got.Get("x").Str() != "v" {
				t.Errorf("Decode = %s, %v", got.JSON(), err)
			}
		})
	}
}

func TestParse_aTypeWithoutANamespaceInsideOne(t *testing.T) {
	s := parse(t, record(`{"name":"x","type":["null",{"type":"record","name":"Plain","namespace":"","fields":[{"name":"y","type":"int"}]}]},{"name":"z","type":["null","Plain"]}`))
	const want = `{"x":{"y":1},"z":{"y":2}}`
	got, err := s.Decode(appendJSON(t, s, want), mapping.Pointer{})
	if err != nil || got.JSON() != want {
		t.Errorf("Decode = %s, %v, want %s", got.JSON(), err, want)
	}
}

func TestUnnumbered_readsEveryFrame(t *testing.T) {
	const fields = `{"name":"a","type":["null","string"]},{"name":"b","type":["null","string"]},{"name":"c","type":"string"}`
	s := parse(t, record(fields))
	const want = `{"a":null,"b":null,"c":"x"}`
	plain := appendJSON(t, s, want)
	codec, err := goavro.NewCodec(record(fields))
	if err != nil {
		t.Fatal(err)
	}
	single, err := codec.SingleFromNative(nil, native{"a": nil, "b": nil, "c": "x"})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string][]byte{
		"plain, which begins like a header": plain,
		"with a header":                     append(avro.AppendHeader(nil, 77), plain...),
		"single-object encoding":            single,
	} {
		got, err := s.Unnumbered().Decode(value, mapping.Pointer{})
		if err != nil || got.JSON() != want {
			t.Errorf("%s: Decode(%x) = %s, %v, want %s", name, value, got.JSON(), err, want)
		}
		if lane := reader(t, mapping.Layout{Lane: []string{"a", "c"}}).Lane(s.Unnumbered(), value, []byte("k")); lane != "x" {
			t.Errorf("%s: Lane(%x) = %q, want x", name, value, lane)
		}
	}
	foreign := bytes.Clone(single)
	foreign[4] ^= 1
	if _, err := s.Unnumbered().Decode(foreign, mapping.Pointer{}); codeOf(t, err) != mapping.UnknownSchema {
		t.Errorf("Decode(%x) = %v, want unknown_schema", foreign, err)
	}
	if _, err := s.Unnumbered().Decode([]byte("{}"), mapping.Pointer{}); codeOf(t, err) != mapping.BadAvro {
		t.Errorf("Decode of JSON = %v, want bad_avro", err)
	}
}

func TestSchemaID_isThatOfAHeader(t *testing.T) {
	for value, want := range map[string]int64{
		"0000000007": 7, "00fffffffe01": 0xfffffffe, "00000000": -1, "0100000007": -1, "": -1, "7b7d": -1,
	} {
		data, err := hex.DecodeString(value)
		if err != nil {
			t.Fatal(err)
		}
		id, ok := avro.SchemaID(data)
		if ok != (want >= 0) || ok && int64(id) != want {
			t.Errorf("SchemaID(%s) = %d, %t, want %d", value, id, ok, want)
		}
	}
}

func TestAppend_namesWhatDoesNotFit(t *testing.T) {
	s := parse(t, record(`{"name":"user_id","type":["null","string","long"]},{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"},"string"]},
		{"name":"n","type":["null","double"]},{"name":"d","type":["null",{"type":"int","logicalType":"date"}]},
		{"name":"list","type":["null",{"type":"array","items":"int"}]},{"name":"j","type":["null",{"type":"string","logicalType":"json"}]}`))
	for text, want := range map[string]string{
		`{"userId":"u","at":"2026-01-05T08:00:00.123Z"}`:  `{"userId":"u","at":"2026-01-05T08:00:00.123Z","n":null,"d":null,"list":null,"j":null}`,
		`{"userId":70000001,"at":"yesterday"}`:            `{"userId":70000001,"at":"yesterday","n":null,"d":null,"list":null,"j":null}`,
		`{"n":12.50,"d":"2026-01-05"}`:                    `{"userId":null,"at":null,"n":12.5,"d":"2026-01-05","list":null,"j":null}`,
		`{"list":[1,2],"j":{"a":0.10000000000000000001}}`: `{"userId":null,"at":null,"n":null,"d":null,"list":[1,2],"j":{"a":0.10000000000000000001}}`,
		`{"j":"text"}`: `{"userId":null,"at":null,"n":null,"d":null,"list":null,"j":"text"}`,
	} {
		got, err := s.Decode(appendJSON(t, s, text), mapping.Pointer{})
		if err != nil {
			t.Errorf("Decode of %s = %v", text, err)
		}
		if got.Get("userId").Kind() == mapping.Absent {
			got = mapping.Obj(append([]mapping.Member{{Name: "userId", Value: mapping.NullValue()}}, got.Without("user_id").Members()...)...)
		}
		if got.JSON() != want {
			t.Errorf("Decode of %s = %s, want %s", text, got.JSON(), want)
		}
	}
	for text, want := range map[string]string{
		`{"other":1}`:                  "other is no field of com.example.Event",
		`{"n":0.10000000000000000001}`: "n does not fit its type, double",
		`{"n":"1"}`:                    "n does not fit its type, double",
		`{"list":[1,"x"]}`:             "list[1] does not fit its type, int",
		`{"list":[2147483648]}`:        "list[0] does not fit its type, int",
		`{"d":"2026-13-05"}`:           "d does not fit its type, int",
		`{"userId":{}}`:                "user_id does not fit its type, long",
	} {
		v, err := mapping.ParseObject([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Append(nil, v); err == nil || err.Error() != want {
			t.Errorf("Append(%s) = %v, want %s", text, err, want)
		}
	}
}
