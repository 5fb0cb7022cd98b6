package avro_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

// richSchema has every kind of type, each with bytes of its own.
const richFields = `{"name":"b","type":"boolean"},{"name":"i","type":"int"},{"name":"l","type":"long"},{"name":"f","type":"float"},
	{"name":"d","type":"double"},{"name":"y","type":"bytes"},{"name":"s","type":"string"},{"name":"u","type":["null","string"]},
	{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"x","type":{"type":"fixed","name":"F","size":3}},
	{"name":"a","type":{"type":"array","items":"string"}},{"name":"m","type":{"type":"map","values":"int"}},
	{"name":"r","type":{"type":"record","name":"R","fields":[{"name":"n","type":"long"}]}}`

// richDatum is a datum of it, and richJSON what it holds.
const (
	richDatum = "\x01" + "\x0d" + "\x80\x01" + "\x00\x00\xc0\x3f" + "\x00\x00\x00\x00\x00\x00\x29\x40" + "\x04\xff\x00" + "\x04hi" + "\x02\x02u" + "\x02" + "abc" +
		"\x04\x02p\x02q\x00" + "\x02\x02k\x0e\x00" + "\x54"
	richJSON = `{"b":true,"i":-7,"l":64,"f":1.5,"d":12.5,"y":"/wA=","s":"hi","u":"u","e":"B","x":"YWJj","a":["p","q"],"m":{"k":7},"r":{"n":42}}`
)

func TestDecode_aDatumThatIsCutIsRefusedWhereverItIsCut(t *testing.T) {
	s := parse(t, record(richFields))
	got, err := s.Decode([]byte(richDatum), mapping.Pointer{})
	if err != nil || got.JSON() != richJSON {
		t.Fatalf("Decode of the whole = %s, %v", got.JSON(), err)
	}
	for n := range len(richDatum) {
		_, err := s.Decode([]byte(richDatum[:n]), mapping.Pointer{})
		if codeOf(t, err) != mapping.BadAvro || !strings.Contains(err.Error(), " ends before it is complete, at byte ") {
			t.Errorf("cut at byte %d: %v", n, err)
		}
	}
	for _, more := range []string{"\x00", "\x00\x00", richDatum} {
		_, err := s.Decode([]byte(richDatum+more), mapping.Pointer{})
		if codeOf(t, err) != mapping.BadAvro || !strings.Contains(err.Error(), "followed by bytes that do not belong to it") {
			t.Errorf("with %d bytes more: %v", len(more), err)
		}
	}
}

// The place names the field in which a datum is cut.
func TestDecode_aCutNamesItsField(t *testing.T) {
	s := parse(t, record(richFields))
	for at, want := range map[int]string{
		0: "b", 1: "i", 2: "l", 3: "l", 4: "f", 7: "f", 8: "d", 15: "d", 16: "y", 18: "y", 19: "s", 21: "s", 22: "u", 24: "u",
		25: "e", 26: "x", 28: "x", 29: "a", 30: "a[0]", 32: "a[1]", 34: "a", 35: "m", 36: "m.*", 38: "m.*", 39: "m", 40: "r.n",
	} {
		_, err := s.Decode([]byte(richDatum[:at]), mapping.Pointer{})
		if err == nil || !strings.HasPrefix(err.Error(), "bad_avro: "+want+" ends before it is complete") {
			t.Errorf("cut at byte %d: %v, want the field %s", at, err, want)
		}
	}
}

// Any change of any byte is read as another value or refused, and never does harm.
func TestDecode_anyChangedByteIsReadOrRefused(t *testing.T) {
	s := parse(t, record(richFields))
	read := 0
	for at := range len(richDatum) {
		for b := range 256 {
			data := []byte(richDatum)
			data[at] = byte(b)
			before := bytes.Clone(data)
			v, err := s.Decode(data, mapping.Pointer{})
			if !bytes.Equal(before, data) {
				t.Fatalf("byte %d as %02x: Decode changes the datum", at, b)
			}
			if (err == nil) != s.Fits(data) {
				t.Errorf("byte %d as %02x: Fits = %t, Decode = %v", at, b, s.Fits(data), err)
			}
			if err != nil {
				if code := codeOf(t, err); code != mapping.BadAvro {
					t.Errorf("byte %d as %02x: code %s", at, b, code)
				}
				continue
			}
			read++
			if v.Get("f").Kind() == mapping.Null || v.Get("d").Kind() == mapping.Null {
				continue // NaN and the infinities are null, which cannot be written back
			}
			again, err := s.Append(nil, v)
			if err != nil || len(again) == 0 {
				t.Errorf("byte %d as %02x: %s is not written again: %v", at, b, v.JSON(), err)
			}
		}
	}
	if read < 1000 {
		t.Errorf("only %d changed datums are read", read)
	}
}

func TestDecode_blocksOfItems(t *testing.T) {
	list, pairs := record(`{"name":"x","type":{"type":"array","items":"int"}}`), record(`{"name":"x","type":{"type":"map","values":"int"}}`)
	for name, c := range map[string]struct{ schema, data, want string }{
		"none":                        {list, "\x00", `[]`},
		"one block":                   {list, "\x04\x02\x04\x00", `[1,2]`},
		"many blocks":                 {list, "\x02\x02\x02\x04\x02\x06\x00", `[1,2,3]`},
		"with a size":                 {list, "\x03\x04\x02\x04\x00", `[1,2]`},
		"with and without a size":     {list, "\x03\x04\x02\x04\x02\x06\x00", `[1,2,3]`},
		"a size that is not believed": {list, "\x03\x02\x02\x04\x00", `[1,2]`},
		"a map of many blocks":        {pairs, "\x02\x02b\x02\x02\x02a\x04\x00", `{"a":2,"b":1}`},
		"a map with a size":           {pairs, "\x01\x06\x02a\x02\x00", `{"a":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse(t, c.schema).Decode([]byte(c.data), mapping.Pointer{})
			if err != nil || got.Get("x").JSON() != c.want {
				t.Errorf("Decode(%q) = %s, %v, want %s", c.data, got.JSON(), err, c.want)
			}
		})
	}
}

func TestDecode_aUnionOfRecords(t *testing.T) {
	const other = `{"type":"record","name":"Other","fields":[{"name":"y","type":"string"}]}`
	s, err := avro.Parse(`["null",` + record(`{"name":"x","type":"int"}`) + `,` + other + `]`)
	if err != nil {
		t.Fatal(err)
	}
	for data, want := range map[string]string{"\x02\x0e": `{"x":7}`, "\x04\x02a": `{"y":"a"}`} {
		if got, err := s.Decode([]byte(data), mapping.Pointer{}); err != nil || got.JSON() != want {
			t.Errorf("Decode(%q) = %s, %v, want %s", data, got.JSON(), err, want)
		}
	}
	for data, want := range map[string]string{
		"\x06":     "bad_avro: the record is of a type that its union does not have, at byte 1",
		"\x01":     "bad_avro: the record is of a type that its union does not have, at byte 1",
		"":         "bad_avro: the record ends before it is complete, at byte 0",
		"\x04":     "bad_avro: y ends before it is complete, at byte 1",
		"\x00\x00": "bad_avro: the record is followed by bytes that do not belong to it, 1 of them, at byte 1",
		"\x00":     "not_an_object: the value is null, not a JSON object",
	} {
		if _, err := s.Decode([]byte(data), mapping.Pointer{}); err == nil || err.Error() != want {
			t.Errorf("Decode(%q) = %v, want %s", data, err, want)
		}
	}
}
