package avro_test

import (
	"math/rand/v2"
	"testing"

	twmb "github.com/twmb/avro"

	"github.com/deskstream/deskstream/mapping"
)

func TestAppend_whatFitsATypeIsReadAgain(t *testing.T) {
	const (
		millis  = `{"type":"long","logicalType":"timestamp-millis"}`
		micros  = `{"type":"long","logicalType":"timestamp-micros"}`
		nanos   = `{"type":"long","logicalType":"timestamp-nanos"}`
		local   = `{"type":"long","logicalType":"local-timestamp-millis"}`
		date    = `{"type":"int","logicalType":"date"}`
		clock   = `{"type":"int","logicalType":"time-millis"}`
		fine    = `{"type":"long","logicalType":"time-micros"}`
		packed  = `{"type":"string","logicalType":"json"}`
		enum    = `{"type":"enum","name":"E","symbols":["A","größe","B"]}`
		fixed   = `{"type":"fixed","name":"F","size":3}`
		numbers = `["null","int","long","double","string"]`
	)
	for _, c := range []struct{ typ, value string }{
		{`"null"`, `null`},
		{`"boolean"`, `true`},
		{`"boolean"`, `false`},
		{`"int"`, `-2147483648`},
		{`"int"`, `2147483647`},
		{`"long"`, `-9223372036854775808`},
		{`"long"`, `9223372036854775807`},
		{`"float"`, `0.1`},
		{`"float"`, `-1.5`},
		{`"double"`, `0.1`},
		{`"double"`, `12.5`},
		{`"double"`, `1e+21`},
		{`"double"`, `-0`},
		{`"string"`, `""`},
		{`"string"`, `"é😀\u0000"`},
		{`"bytes"`, `""`},
		{`"bytes"`, `"/wA="`},
		{fixed, `"YWJj"`},
		{enum, `"A"`},
		{enum, `"größe"`},
		{millis, `"2026-01-05T08:00:00.123Z"`},
		{millis, `"1969-12-31T23:59:59.999Z"`},
		{millis, `253402300800000`},
		{micros, `"2026-01-05T08:00:00.123456Z"`},
		{micros, `"2026-01-05T08:00:00.123Z"`},
		{nanos, `"2026-01-05T08:00:00.123456789Z"`},
		{local, `"2026-01-05T08:00:00.123"`},
		{date, `"2024-02-29"`},
		{date, `"0000-01-01"`},
		{date, `2932897`},
		{clock, `"08:00:00.005"`},
		{clock, `"23:59:59.999"`},
		{clock, `86400000`},
		{fine, `"08:00:00.000005"`},
		{fine, `"08:00:00.005"`},
		{packed, `{"a":[1.50,null]}`},
		{packed, `"text"`},
		{packed, `12.50`},
		{packed, `null`},
		{`{"type":"array","items":"int"}`, `[]`},
		{`{"type":"array","items":["null","int"]}`, `[1,null,2]`},
		{`{"type":"map","values":"string"}`, `{}`},
		{`{"type":"map","values":"string"}`, `{"a":"b","c":""}`},
		{`{"type":"map","values":` + numbers + `}`, `{"d":1.5,"i":1,"l":2147483648,"n":null,"s":"1"}`},
		{`{"type":"record","name":"R","fields":[{"name":"y","type":"int"},{"name":"z","type":["null","Event"]}]}`, `{"y":1,"z":null}`},
		{numbers, `null`},
		{numbers, `2147483648`},
		{numbers, `"text"`},
		{`["string","null"]`, `null`},
	} {
		s := parse(t, record(`{"name":"x","type":`+c.typ+`}`))
		text := `{"x":` + c.value + `}`
		got, err := s.Decode(appendJSON(t, s, text), mapping.Pointer{})
		if err != nil || got.JSON() != text {
			t.Errorf("%s of a %s is read again as %s, %v", text, c.typ, got.JSON(), err)
		}
	}
}

func TestAppend_whatDoesNotFitIsRefusedWithItsPlace(t *testing.T) {
	for _, c := range []struct{ typ, value, want string }{
		{`"null"`, `0`, "x does not fit its type, null"},
		{`"boolean"`, `"true"`, "x does not fit its type, boolean"},
		{`"boolean"`, `1`, "x does not fit its type, boolean"},
		{`"boolean"`, `null`, "x does not fit its type, boolean"},
		{`"int"`, `2147483648`, "x does not fit its type, int"},
		{`"int"`, `-2147483649`, "x does not fit its type, int"},
		{`"int"`, `1.0`, "x does not fit its type, int"},
		{`"int"`, `1e3`, "x does not fit its type, int"},
		{`"int"`, `-0`, "x does not fit its type, int"},
		{`"int"`, `"1"`, "x does not fit its type, int"},
		{`"long"`, `9223372036854775808`, "x does not fit its type, long"},
		{`"long"`, `0.5`, "x does not fit its type, long"},
		{`"float"`, `16777217`, "x does not fit its type, float"},
		{`"float"`, `1e39`, "x does not fit its type, float"},
		{`"double"`, `9007199254740993`, "x does not fit its type, double"},
		{`"double"`, `0.1000000000000000055511151231257827`, "x does not fit its type, double"},
		{`"double"`, `1e400`, "x does not fit its type, double"},
		{`"double"`, `"1"`, "x does not fit its type, double"},
		{`"double"`, `null`, "x does not fit its type, double"},
		{`"string"`, `1`, "x does not fit its type, string"},
		{`"string"`, `null`, "x does not fit its type, string"},
		{`"string"`, `{}`, "x does not fit its type, string"},
		{`"bytes"`, `"no base64"`, "x does not fit its type, bytes"},
		{`"bytes"`, `1`, "x does not fit its type, bytes"},
		{`{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}`, `1.50`, "x does not fit its type, bytes"},
		{`{"type":"fixed","name":"F","size":3}`, `"YWI="`, "x does not fit its type, com.example.F"},
		{`{"type":"fixed","name":"F","size":3}`, `"YWJjZA=="`, "x does not fit its type, com.example.F"},
		{`{"type":"enum","name":"E","symbols":["A"]}`, `"B"`, "x does not fit its type, com.example.E"},
		{`{"type":"enum","name":"E","symbols":["A"]}`, `0`, "x does not fit its type, com.example.E"},
		{`{"type":"int","logicalType":"date"}`, `"2026-02-29"`, "x does not fit its type, int"},
		{`{"type":"int","logicalType":"date"}`, `"2026-1-5"`, "x does not fit its type, int"},
		{`{"type":"int","logicalType":"date"}`, `19782`, "x does not fit its type, int"},
		{`{"type":"int","logicalType":"time-millis"}`, `"24:00:00.000"`, "x does not fit its type, int"},
		{`{"type":"int","logicalType":"time-millis"}`, `"08:00:00"`, "x does not fit its type, int"},
		{`{"type":"long","logicalType":"timestamp-millis"}`, `"2026-01-05T08:00:00Z"`, "x does not fit its type, long"},
		{`{"type":"long","logicalType":"timestamp-millis"}`, `"2026-01-05T08:00:00.123+01:00"`, "x does not fit its type, long"},
		{`{"type":"long","logicalType":"timestamp-millis"}`, `"2026-01-05T08:00:00.123456Z"`, "x does not fit its type, long"},
		{`{"type":"array","items":"int"}`, `{}`, "x does not fit its type, array"},
		{`{"type":"array","items":"int"}`, `[1,2,"3"]`, "x[2] does not fit its type, int"},
		{`{"type":"array","items":{"type":"array","items":"int"}}`, `[[1],[2,null]]`, "x[1][1] does not fit its type, int"},
		{`{"type":"map","values":"int"}`, `[]`, "x does not fit its type, map"},
		{`{"type":"map","values":"int"}`, `{"a":1,"b":"2"}`, "x.b does not fit its type, int"},
		{`{"type":"record","name":"R","fields":[{"name":"y","type":"int"}]}`, `{}`, "x.y does not fit its type, int"},
		{`{"type":"record","name":"R","fields":[{"name":"y","type":"int"}]}`, `{"y":1,"z":2}`, "x.z is no field of com.example.R"},
		{`{"type":"record","name":"R","fields":[{"name":"y","type":"int"}]}`, `null`, "x does not fit its type, com.example.R"},
		{`["null","int"]`, `"text"`, "x does not fit its type, int"},
		{`["int","string"]`, `null`, "x does not fit its type, union"},
	} {
		s := parse(t, record(`{"name":"x","type":`+c.typ+`}`))
		v, err := mapping.ParseObject([]byte(`{"x":` + c.value + `}`))
		if err != nil {
			t.Fatal(err)
		}
		data, err := s.Append([]byte("head"), v)
		if err == nil || err.Error() != c.want {
			t.Errorf("Append of %s to a %s = %v, want %s", c.value, c.typ, err, c.want)
		}
		if string(data) != "head" {
			t.Errorf("Append of %s to a %s leaves %q", c.value, c.typ, data)
		}
	}
}

func TestAppend_aUnionOfRecordsTakesTheFirstThatFits(t *testing.T) {
	s := parse(t, `["null",{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]},{"type":"record","name":"B","fields":[{"name":"x","type":"string"}]}]`)
	for text, want := range map[string]string{`{"x":1}`: "\x02\x02", `{"x":"1"}`: "\x04\x021"} {
		if got := appendJSON(t, s, text); string(got) != want {
			t.Errorf("Append(%s) = %x, want %x", text, got, want)
		}
	}
	v, err := mapping.ParseObject([]byte(`{"y":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(nil, v); err == nil || err.Error() != "y is no field of B" {
		t.Errorf("Append of what no record has = %v", err)
	}
}

// A lane found in the bytes is that of the event which Decode builds, whatever the schema.
func TestLane_isThatOfTheEventForAnySchema(t *testing.T) {
	found := 0
	for seed := range uint64(1500) {
		m := &maker{random: rand.New(rand.NewPCG(seed, 22))}
		text, value, want := m.record(3, 2)
		data, err := twmb.MustParse(text).Encode(value)
		if err != nil {
			t.Fatal(err)
		}
		s := parse(t, text)
		for _, unwrap := range []string{"", "f0", "/f1/f0"} {
			r := reader(t, mapping.Layout{Unwrap: unwrap, Lane: []string{"f0", "f2", "f1", mapping.KeyField}})
			got, expected := r.Lane(s, data, []byte("k")), r.Lane(mapping.JSON, []byte(want), []byte("k"))
			if got != expected {
				t.Fatalf("seed %d: the lane at %q of %s by %s = %q, want %q", seed, unwrap, want, text, got, expected)
			}
			if got != "k" {
				found++
			}
		}
	}
	if found < 300 {
		t.Errorf("only %d lanes are of a field", found)
	}
}
