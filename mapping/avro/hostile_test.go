package avro_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

// codeOf is the code of an event's fault.
func codeOf(t *testing.T, err error) mapping.Code {
	t.Helper()
	fault, ok := errors.AsType[*mapping.Error](err)
	if !ok {
		t.Fatalf("got %v, want a fault of the event", err)
	}
	return fault.Code
}

const long = "\xfe\xff\xff\xff\xff\xff\xff\xff\x7f" // the varint of a huge number

func TestDecode_brokenBytesAreBadAvroWithThePlace(t *testing.T) {
	tests := map[string]struct{ fields, bytes, want string }{
		"nothing":                   {`{"name":"x","type":"int"}`, "", "x ends before it is complete, at byte 0"},
		"cut in a string":           {`{"name":"x","type":"string"}`, "\x06ab", "x ends before it is complete, at byte 1"},
		"cut in a number":           {`{"name":"x","type":"long"}`, "\x80", "x ends before it is complete, at byte 1"},
		"cut in a double":           {`{"name":"x","type":"double"}`, "1234567", "x ends before it is complete, at byte 0"},
		"more behind it":            {`{"name":"x","type":"int"}`, "\x02\x00\x00", "the record is followed by bytes that do not belong to it, 2 of them, at byte 1"},
		"in a list":                 {`{"name":"x","type":{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"y","type":"string"}]}}}`, "\x04\x02a\x02", "x[1].y ends before it is complete, at byte 4"},
		"in a map":                  {`{"name":"x","type":{"type":"map","values":"boolean"}}`, "\x02\x06key\x02", "x.* is a boolean that is neither 0 nor 1, at byte 5"},
		"union":                     {`{"name":"x","type":["null","int"]}`, "\x04", "x is of a type that its union does not have, at byte 1"},
		"union below none":          {`{"name":"x","type":["null","int"]}`, "\x01", "x is of a type that its union does not have, at byte 1"},
		"enum":                      {`{"name":"x","type":{"type":"enum","name":"E","symbols":["A"]}}`, "\x02", "x is a symbol that its enum does not have, at byte 1"},
		"negative length":           {`{"name":"x","type":"bytes"}`, "\x01", "x has a negative length, at byte 1"},
		"not UTF-8":                 {`{"name":"x","type":"string"}`, "\x02\xff", "x is text that is not valid UTF-8, at byte 2"},
		"an int too large":          {`{"name":"x","type":"int"}`, "\xff\xff\xff\xff\x7f", "x is a number that does not fit into 32 bits, at byte 5"},
		"a number without an end":   {`{"name":"x","type":"long"}`, strings.Repeat("\xff", 20), "x is a number that does not fit into 64 bits, at byte 9"},
		"a length beyond the bytes": {`{"name":"x","type":"string"}`, long, "x ends before it is complete, at byte 9"},
		"a billion items":           {`{"name":"x","type":{"type":"array","items":"int"}}`, "\xfe\xff\xff\xff\x0f\x00", "x[1] ends before it is complete, at byte 6"},
		"a billion nulls":           {`{"name":"x","type":{"type":"array","items":"null"}}`, "\xfe\xff\xff\xff\x0f\x00", "x[10000] has too many values that take no bytes, at byte 5"},
		"lists of nulls":            {`{"name":"x","type":{"type":"array","items":{"type":"array","items":"null"}}}`, "\xfe\xff\xff\xff\x0f" + strings.Repeat("\xd0\x0f\x00", 11), "x[10][0] has too many values that take no bytes, at byte 37"},
		"less than no items":        {`{"name":"x","type":{"type":"array","items":"int"}}`, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", "x has a number of items that cannot be, at byte 10"},
		"a block of too many bytes": {`{"name":"x","type":{"type":"array","items":"int"}}`, "\x01\x08\x02\x00", "x ends before it is complete, at byte 2"},
		"a map's name twice":        {`{"name":"x","type":{"type":"map","values":"int"}}`, "\x04\x02a\x02\x02a\x02\x00", "the record cannot be read, as when a map has one name twice"},
		"a decimal without an end":  {`{"name":"x","type":{"type":"bytes","logicalType":"decimal","precision":9}}`, "\x82\x08" + strings.Repeat("\x7f", 513), "x is a decimal of more than 512 bytes, at byte 515"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := parse(t, record(tt.fields))
			_, err := s.Decode([]byte(tt.bytes), mapping.Pointer{})
			if codeOf(t, err) != mapping.BadAvro || err.Error() != "bad_avro: "+tt.want {
				t.Errorf("Decode(%q) = %v, want bad_avro: %s", tt.bytes, err, tt.want)
			}
			value := append(avro.AppendHeader(nil, 7), tt.bytes...)
			if _, err := s.Behind(avro.HeaderSize, "schema 7").Decode(value, mapping.Pointer{}); err == nil || err.Error() != "bad_avro: schema 7: "+tt.want {
				t.Errorf("Decode(%q) of schema 7 = %v", value, err)
			}
		})
	}
}

func TestDecode_takesNoMoreMemoryThanItsBytesMay(t *testing.T) {
	schema := record(`{"name":"x","type":{"type":"array","items":{"type":"array","items":"null"}}}`)
	s := parse(t, schema)
	// Each of the lists says that a billion items follow.
	data := []byte("\x02" + strings.Repeat("\xfe\xff\xff\xff\x0f", 1000))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := s.Decode(data, mapping.Pointer{}); codeOf(t, err) != mapping.BadAvro {
		t.Errorf("Decode = %v", err)
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("%d bytes of hostile Avro took %d bytes of memory", len(data), took)
	}
}

// chain is a record within itself n times, so that the innermost is at depth n+1.
func chain(n int) []byte {
	return []byte(strings.Repeat("\x02", n) + "\x00")
}

func TestDecode_recursionIsReadToTheDepthThatJSONIs(t *testing.T) {
	const next = `{"name":"next","type":["null","com.example.Event"]}`
	s := parse(t, record(next))
	got, err := s.Decode(chain(2), mapping.Pointer{})
	if want := `{"next":{"next":{"next":null}}}`; err != nil || got.JSON() != want {
		t.Errorf("Decode = %s, %v, want %s", got.JSON(), err, want)
	}
	if _, err := s.Decode(chain(mapping.MaxDepth-1), mapping.Pointer{}); err != nil {
		t.Errorf("Decode of %d levels = %v", mapping.MaxDepth, err)
	}
	for _, n := range []int{mapping.MaxDepth, 1_000_000} {
		if _, err := s.Decode(chain(n), mapping.Pointer{}); codeOf(t, err) != mapping.TooDeep {
			t.Errorf("Decode of %d levels = %v, want too_deep", n+1, err)
		}
	}
	packed := parse(t, record(`{"name":"properties","type":"string"}`))
	for n, fine := range map[int]bool{mapping.MaxDepth - 1: true, mapping.MaxDepth: false} {
		text := strings.Repeat("[", n) + strings.Repeat("]", n)
		_, err := packed.Decode(appendText(text), mapping.Pointer{})
		if fine != (err == nil) || !fine && codeOf(t, err) != mapping.TooDeep {
			t.Errorf("Decode of %d levels in a string = %v", n, err)
		}
	}
}

func appendText(text string) []byte {
	n := uint64(len(text)) << 1
	var data []byte
	for ; n >= 0x80; n >>= 7 {
		data = append(data, byte(n)|0x80)
	}
	return append(append(data, byte(n)), text...)
}

func TestParse_refusesWhatIsNoRecord(t *testing.T) {
	deep := strings.Repeat(`{"type":"array","items":`, 300) + `"int"` + strings.Repeat(`}`, 300)
	tests := map[string]struct{ schema, want string }{
		"a string":                {`"string"`, "the schema is of string, and an event is a record"},
		"a bare name":             {`string`, "the schema is of string"},
		"a union with a string":   {`["string",` + record("") + `]`, "the schema is of a union with string, and an event is a record"},
		"null":                    {`"null"`, "the schema is of null"},
		"a union of null":         {`["null"]`, "the schema is of null"},
		"a map":                   {`{"type":"map","values":"int"}`, "the schema is of map"},
		"no JSON":                 {`{`, "it is not JSON"},
		"an empty object":         {`{}`, "a type is not given"},
		"an unknown name":         {record(`{"name":"x","type":"Address"}`), "type com.example.Address is not defined"},
		"a number":                {`7`, "a type is neither a name, a list nor an object"},
		"a type defined twice":    {record(`{"name":"x","type":{"type":"fixed","name":"F","size":1}},{"name":"y","type":{"type":"fixed","name":"F","size":2}}`), "type com.example.F is defined twice"},
		"an enum without symbols": {record(`{"name":"x","type":{"type":"enum","name":"E","symbols":[]}}`), "enum com.example.E has no symbols"},
		"a fixed without a size":  {record(`{"name":"x","type":{"type":"fixed","name":"F"}}`), "fixed com.example.F has no size"},
		"a fixed of 4 GB":         {record(`{"name":"x","type":{"type":"fixed","name":"F","size":4294967296}}`), "fixed com.example.F has no size"},
		"a union in a union":      {record(`{"name":"x","type":["null",["int"]]}`), "a union holds a union"},
		"an empty union":          {record(`{"name":"x","type":[]}`), "a union is empty"},
		"a union of equal types":  {record(`{"name":"x","type":["int","int"]}`), "setting up the schema"},
		"two fields of one name":  {record(`{"name":"x","type":"int"},{"name":"x","type":"int"}`), "record com.example.Event has two fields named x"},
		"a field without a name":  {record(`{"type":"int"}`), "a field of record com.example.Event has no name"},
		"a field that is a name":  {record(`"x"`), "a field of record com.example.Event has no name"},
		"no fields":               {`{"type":"record","name":"R"}`, "record R has no list of fields"},
		"no name":                 {`{"type":"record","fields":[]}`, "a type of kind record has no name"},
		"itself without an end":   {record(`{"name":"x","type":"com.example.Event"}`), "holds itself without an end"},
		"another without an end":  {record(`{"name":"x","type":{"type":"record","name":"A","fields":[{"name":"a","type":"A"}]}}`), "holds itself without an end"},
		"a symbol twice":          {record(`{"name":"x","type":{"type":"enum","name":"E","symbols":["A","A"]}}`), "enum com.example.E has the symbol A twice"},
		"a fixed below 0":         {record(`{"name":"x","type":{"type":"fixed","name":"F","size":-1}}`), "fixed com.example.F has no size"},
		"too deep":                {record(`{"name":"x","type":` + deep + `}`), "it nests more than 200 levels"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := avro.Parse(tt.schema); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse(%.100s) = %v, want an error with %q", tt.schema, err, tt.want)
			}
		})
	}
}

func TestParse_recordsWithoutBytesDoNotMultiply(t *testing.T) {
	// Thirty records, each twice within the next: a billion values of no bytes.
	inner := `"null"`
	for i := range 30 {
		inner = fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":%s},{"name":"b","type":"%s"}]}`, i, inner, nameOf(i))
	}
	s := parse(t, inner)
	if _, err := s.Decode(nil, mapping.Pointer{}); codeOf(t, err) != mapping.BadAvro {
		t.Errorf("Decode = %v", err)
	}
}

func nameOf(i int) string {
	if i == 0 {
		return "null"
	}
	return fmt.Sprintf("R%d", i-1)
}
