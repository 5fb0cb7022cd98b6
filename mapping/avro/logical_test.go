package avro_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

// decoded is the JSON of a field of that type, from its bytes.
func decoded(t *testing.T, typ string, data []byte) string {
	t.Helper()
	got, err := parse(t, record(`{"name":"x","type":`+typ+`}`)).Decode(data, mapping.Pointer{})
	if err != nil {
		t.Fatalf("Decode(%x) of a %s: %v", data, typ, err)
	}
	return got.Get("x").JSON()
}

func TestDecode_logicalTypesOfNumbersAtTheirLimits(t *testing.T) {
	const (
		year0    = -62167219200 // seconds of 0000-01-01
		year9999 = 253402300799 // seconds of 9999-12-31T23:59:59
	)
	for _, c := range []struct {
		logical string
		value   int64
		want    string
	}{
		{"date", 0, `"1970-01-01"`},
		{"date", -1, `"1969-12-31"`},
		{"date", 19782, `"2024-02-29"`},
		{"date", year0 / 86400, `"0000-01-01"`},
		{"date", year0/86400 - 1, `-719529`},
		{"date", 2932896, `"9999-12-31"`},
		{"date", 2932897, `2932897`},
		{"date", math.MaxInt32, `2147483647`},
		{"date", math.MinInt32, `-2147483648`},
		{"time-millis", 0, `"00:00:00.000"`},
		{"time-millis", 86399999, `"23:59:59.999"`},
		{"time-millis", 86400000, `86400000`},
		{"time-millis", -1, `-1`},
		{"time-micros", 0, `"00:00:00.000"`},
		{"time-micros", 1, `"00:00:00.000001"`},
		{"time-micros", 1000, `"00:00:00.001"`},
		{"time-micros", 86399999999, `"23:59:59.999999"`},
		{"time-micros", 86400000000, `86400000000`},
		{"time-micros", -1, `-1`},
		{"timestamp-millis", 0, `"1970-01-01T00:00:00.000Z"`},
		{"timestamp-millis", -1, `"1969-12-31T23:59:59.999Z"`},
		{"timestamp-millis", year9999*1000 + 999, `"9999-12-31T23:59:59.999Z"`},
		{"timestamp-millis", year9999*1000 + 1000, `253402300800000`},
		{"timestamp-millis", year0 * 1000, `"0000-01-01T00:00:00.000Z"`},
		{"timestamp-millis", year0*1000 - 1, `-62167219200001`},
		{"timestamp-millis", math.MinInt64, `-9223372036854775808`},
		{"timestamp-micros", 1, `"1970-01-01T00:00:00.000001Z"`},
		{"timestamp-micros", 1000, `"1970-01-01T00:00:00.001Z"`},
		{"timestamp-micros", -1, `"1969-12-31T23:59:59.999999Z"`},
		{"timestamp-micros", math.MaxInt64, `9223372036854775807`},
		{"timestamp-nanos", 1, `"1970-01-01T00:00:00.000000001Z"`},
		{"timestamp-nanos", 1_000_000, `"1970-01-01T00:00:00.001Z"`},
		{"timestamp-nanos", -1, `"1969-12-31T23:59:59.999999999Z"`},
		{"timestamp-nanos", math.MaxInt64, `"2262-04-11T23:47:16.854775807Z"`},
		{"local-timestamp-millis", 1, `"1970-01-01T00:00:00.001"`},
		{"local-timestamp-micros", 1, `"1970-01-01T00:00:00.000001"`},
		{"local-timestamp-micros", 1000, `"1970-01-01T00:00:00.001"`},
		{"local-timestamp-nanos", 1, `"1970-01-01T00:00:00.000000001"`},
		{"local-timestamp-nanos", math.MinInt64, `"1677-09-21T00:12:43.145224192"`},
		{"unknown", 5, `5`},
		{"decimal", 5, `5`},
		{"uuid", 5, `5`},
	} {
		base := "long"
		if c.logical == "date" || c.logical == "time-millis" {
			base = "int"
		}
		typ := `{"type":"` + base + `","logicalType":"` + c.logical + `"}`
		if got := decoded(t, typ, binary.AppendVarint(nil, c.value)); got != c.want {
			t.Errorf("%s of %d = %s, want %s", c.logical, c.value, got, c.want)
		}
	}
}

// A logical type that is not one of its type's is ignored, as the specification says.
func TestDecode_aLogicalTypeOfAnotherTypeIsIgnored(t *testing.T) {
	for _, c := range []struct{ typ, data, want string }{
		{`{"type":"int","logicalType":"timestamp-millis"}`, "\x04", `2`},
		{`{"type":"int","logicalType":"time-micros"}`, "\x04", `2`},
		{`{"type":"long","logicalType":"date"}`, "\x04", `2`},
		{`{"type":"long","logicalType":"time-millis"}`, "\x04", `2`},
		{`{"type":"long","logicalType":7}`, "\x04", `2`},
		{`{"type":"bytes","logicalType":"uuid"}`, "\x04\x01\x02", `"AQI="`},
		{`{"type":"bytes","logicalType":"duration"}`, "\x04\x01\x02", `"AQI="`},
		{`{"type":"bytes","logicalType":"decimal"}`, "\x04\x01\x02", `"AQI="`},
		{`{"type":"bytes","logicalType":"decimal","precision":0}`, "\x04\x01\x02", `"AQI="`},
		{`{"type":"bytes","logicalType":"decimal","precision":1001}`, "\x04\x01\x02", `"AQI="`},
		{`{"type":"bytes","logicalType":"decimal","precision":4,"scale":5}`, "\x04\x01\x02", `"AQI="`},
		{`{"type":"bytes","logicalType":"decimal","precision":4,"scale":-1}`, "\x04\x01\x02", `"AQI="`},
		{`{"type":"bytes","logicalType":"decimal","precision":4,"scale":4}`, "\x04\x01\x02", `0.0258`},
		{`{"type":"bytes","logicalType":"decimal","precision":1000}`, "\x04\x01\x02", `258`},
		{`{"type":"fixed","name":"F","size":2,"logicalType":"uuid"}`, "\x04\x01", `"BAE="`},
		{`{"type":"fixed","name":"F","size":2,"logicalType":"duration"}`, "\x04\x01", `"BAE="`},
		{`{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":5,"scale":2}`, "\x04\x01", `10.25`},
		{`{"type":"fixed","name":"F","size":2,"logicalType":"big-decimal","precision":5}`, "\x04\x01", `"BAE="`},
		{`{"type":"string","logicalType":"decimal","precision":4}`, "\x04\x01\x02", `"\u0001\u0002"`},
		{`{"type":"string","logicalType":"date"}`, "\x04\x01\x02", `"\u0001\u0002"`},
		{`{"type":"string","logicalType":"uuid"}`, "\x04\x01\x02", `"\u0001\u0002"`},
		{`{"type":"enum","name":"E","symbols":["A","B","C"],"logicalType":"date"}`, "\x02", `"B"`},
		{`{"type":"array","items":"int","logicalType":"date"}`, "\x02\x02\x00", `[1]`},
	} {
		if got := decoded(t, c.typ, []byte(c.data)); got != c.want {
			t.Errorf("%s = %s, want %s", c.typ, got, c.want)
		}
	}
}

// bytesOf is the datum of bytes.
func bytesOf(b string) []byte { return append(binary.AppendVarint(nil, int64(len(b))), b...) }

func TestDecode_decimals(t *testing.T) {
	for _, c := range []struct {
		bytes string
		scale string
		want  string
	}{
		{"", "0", "0"},
		{"", "2", "0.00"},
		{"\x00", "2", "0.00"},
		{"\x01", "2", "0.01"},
		{"\x7f", "0", "127"},
		{"\x80", "0", "-128"},
		{"\xff", "2", "-0.01"},
		{"\xff\xff\xff", "2", "-0.01"},
		{"\x00\x80", "1", "12.8"},
		{"\x04\xe2", "2", "12.50"},
		{"\xfb\x1e", "2", "-12.50"},
		{"\x0d\xe0\xb6\xb3\xa7\x64\x00\x00", "18", "1.000000000000000000"},
		{"\x01" + strings.Repeat("\x00", 16), "0", "340282366920938463463374607431768211456"},
		{"\x80" + strings.Repeat("\x00", 15), "3", "-170141183460469231731687303715884105.728"},
	} {
		typ := `{"type":"bytes","logicalType":"decimal","precision":60,"scale":` + c.scale + `}`
		if got := decoded(t, typ, bytesOf(c.bytes)); got != c.want {
			t.Errorf("%x with scale %s = %s, want %s", c.bytes, c.scale, got, c.want)
		}
	}
}

// A big-decimal is its digits as bytes, and its scale; bytes that are none are base64.
func TestDecode_bigDecimals(t *testing.T) {
	digits := func(d string, scale int64) string {
		return string(bytesOf(d)) + string(binary.AppendVarint(nil, scale))
	}
	for _, c := range []struct{ bytes, want string }{
		{digits("\x04\xe2", 2), "12.50"},
		{digits("\x04\xe2", 0), "1250"},
		{digits("\xfb\x1e", 2), "-12.50"},
		{digits("\x04\xe2", -2), "125000"},
		{digits("\x05", 3), "0.005"},
		{digits("\x00", -5), "0"},
		{digits("\x01", 1000), "0." + strings.Repeat("0", 999) + "1"},
		{digits("\x01", 1001), "1e-1001"},
		{digits("\x01", -1001), "1e1001"},
		{digits("\x01", math.MaxInt32), "1e-2147483647"},
		{digits("\x01", math.MinInt32), "1e2147483648"},
		{digits("\x01", math.MaxInt32+1), `"AgGAgICAEA=="`},
		{digits("", 2), `"AAQ="`},
		{digits("\x01", 0) + "\x00", `"AgEAAA=="`},
		{"", `""`},
		{"\x01", `"AQ=="`},
		{"\x04\x01", `"BAE="`},
	} {
		if got := decoded(t, `{"type":"bytes","logicalType":"big-decimal"}`, bytesOf(c.bytes)); got != c.want {
			t.Errorf("%x = %.60s, want %.60s", c.bytes, got, c.want)
		}
	}
}

func TestDecode_durationsAreMonthsDaysAndTime(t *testing.T) {
	for _, c := range []struct {
		months, days, millis uint32
		want                 string
	}{
		{0, 0, 0, "PT0S"},
		{1, 2, 3500, "P1M2DT3.5S"},
		{14, 0, 0, "P14M"},
		{0, 30, 0, "P30D"},
		{0, 0, 1, "PT0.001S"},
		{0, 0, 90061001, "PT90061.001S"},
		{math.MaxUint32, math.MaxUint32, math.MaxUint32, "P4294967295M4294967295DT4294967.295S"},
	} {
		var data []byte
		for _, part := range []uint32{c.months, c.days, c.millis} {
			data = binary.LittleEndian.AppendUint32(data, part)
		}
		if got := decoded(t, `{"type":"fixed","name":"D","size":12,"logicalType":"duration"}`, data); got != `"`+c.want+`"` {
			t.Errorf("%d months, %d days, %d ms = %s, want %s", c.months, c.days, c.millis, got, c.want)
		}
	}
}

func TestDecode_numbersAreWrittenAsInJavaScript(t *testing.T) {
	for _, c := range []struct {
		value float64
		want  string
	}{
		{0, "0"},
		{math.Copysign(0, -1), "-0"},
		{0.1, "0.1"},
		{-1.5, "-1.5"},
		{1e-6, "0.000001"},
		{9.99e-7, "9.99e-07"},
		{1e20, "100000000000000000000"},
		{1e21, "1e+21"},
		{123456789.25, "123456789.25"},
		{math.MaxFloat64, "1.7976931348623157e+308"},
		{math.SmallestNonzeroFloat64, "5e-324"},
		{math.NaN(), "null"},
		{math.Inf(1), "null"},
		{math.Inf(-1), "null"},
	} {
		data := binary.LittleEndian.AppendUint64(nil, math.Float64bits(c.value))
		if got := decoded(t, `"double"`, data); got != c.want {
			t.Errorf("%v = %s, want %s", c.value, got, c.want)
		}
	}
	if got := decoded(t, `"float"`, binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.1))); got != "0.1" {
		t.Errorf("0.1 as a float = %s", got)
	}
}

func TestHeaders_areToldApart(t *testing.T) {
	const uuid = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63"
	raw := strings.ReplaceAll(uuid, "-", "")
	for _, c := range []struct {
		value string // in hex
		id    int64  // of Confluent's header, -1 for none
		long  int64  // of Apicurio's
		glue  string // of AWS Glue's
		sum   string // of single-object encoding
	}{
		{value: "", id: -1, long: -1},
		{value: "00", id: -1, long: -1},
		{value: "00000000", id: -1, long: -1},
		{value: "0000000007", id: 7, long: -1},
		{value: "0000000007ff", id: 7, long: -1},
		{value: "00ffffffff", id: math.MaxUint32, long: -1},
		{value: "0100000007", id: -1, long: -1},
		{value: "0000000000000000", id: 0, long: -1},
		{value: "000000000000000007", id: 0, long: 7},
		{value: "000000000000000007aa", id: 0, long: 7},
		{value: "000000000100000007", id: 1, long: -1},
		{value: "0300" + raw, id: -1, long: -1, glue: uuid},
		{value: "0305" + raw + "00", id: -1, long: -1, glue: uuid},
		{value: "0301" + raw, id: -1, long: -1},
		{value: "0400" + raw, id: -1, long: -1},
		{value: "0300" + raw[2:], id: -1, long: -1},
		{value: "c3010102030405060708", id: -1, long: -1, sum: "0102030405060708"},
		{value: "c301010203040506070809", id: -1, long: -1, sum: "0102030405060708"},
		{value: "c30101020304050607", id: -1, long: -1},
		{value: "c3020102030405060708", id: -1, long: -1},
	} {
		value, err := hex.DecodeString(c.value)
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := avro.SchemaID(value); ok != (c.id >= 0) || ok && int64(id) != c.id {
			t.Errorf("SchemaID(%s) = %d, %t, want %d", c.value, id, ok, c.id)
		}
		if id, ok := avro.LongID(value); ok != (c.long >= 0) || ok && int64(id) != c.long {
			t.Errorf("LongID(%s) = %d, %t, want %d", c.value, id, ok, c.long)
		}
		if id, ok := avro.GlueID(value); id != c.glue || ok != (c.glue != "") {
			t.Errorf("GlueID(%s) = %q, %t, want %q", c.value, id, ok, c.glue)
		}
		if sum, ok := avro.SingleFingerprint(value); hex.EncodeToString(sum) != c.sum || ok != (c.sum != "") {
			t.Errorf("SingleFingerprint(%s) = %x, %t, want %s", c.value, sum, ok, c.sum)
		}
	}
	if value := avro.AppendHeader([]byte("x"), 7); string(value) != "x\x00\x00\x00\x00\x07" {
		t.Errorf("AppendHeader = %x", value)
	}
}

// packed is a value with Glue's header and zlib.
func packed(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("\x03\x05" + strings.Repeat("\x07", 16))
	z := zlib.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnnumbered_valuesPackedWithZlib(t *testing.T) {
	s := parse(t, record(`{"name":"x","type":"string"}`))
	if got, err := s.Unnumbered().Decode(packed(t, []byte("\x04hi")), mapping.Pointer{}); err != nil || got.JSON() != `{"x":"hi"}` {
		t.Errorf("Decode = %s, %v", got.JSON(), err)
	}
	whole := packed(t, bytesOf(strings.Repeat("x", 1000)))
	bomb := packed(t, make([]byte, 5<<20))
	for name, c := range map[string]struct {
		value []byte
		want  string
	}{
		"no zlib":       {append(bytes.Clone(whole[:18]), "text"...), "cannot be unpacked with zlib"},
		"nothing":       {whole[:18], "cannot be unpacked with zlib"},
		"cut":           {whole[:len(whole)-6], "cannot be unpacked with zlib"},
		"another sum":   {append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1), "cannot be unpacked with zlib"},
		"a large one":   {bomb, "larger than 4 MiB when it is unpacked"},
		"another datum": {packed(t, []byte("\x06hi")), "x ends before it is complete, at byte 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Unnumbered().Decode(c.value, mapping.Pointer{})
			if codeOf(t, err) != mapping.BadAvro || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Decode = %v, want bad_avro with %q", err, c.want)
			}
			if s.Fits(c.value) {
				t.Error("Fits = true")
			}
		})
	}
}

// Turning bytes into digits takes more time than their number, so they are limited.
func TestDecode_decimalsAtTheirLargestSize(t *testing.T) {
	for size, isNumber := range map[int]bool{1: true, 511: true, 512: true, 513: false, 5000: false} {
		typ := fmt.Sprintf(`{"type":"fixed","name":"F","size":%d,"logicalType":"decimal","precision":9,"scale":2}`, size)
		data := bytes.Repeat([]byte{0}, size)
		data[size-1] = 5
		if got := decoded(t, typ, data); (got == "0.05") != isNumber {
			t.Errorf("a decimal in a fixed of %d bytes = %.40s, want a number: %t", size, got, isNumber)
		}
	}
	for size, want := range map[int]string{512: "", 513: "bad_avro: x is a decimal of more than 512 bytes, at byte 515"} {
		s := parse(t, record(`{"name":"x","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}`))
		_, err := s.Decode(bytesOf(strings.Repeat("\x00", size)), mapping.Pointer{})
		if (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("a decimal of %d bytes: %v, want %q", size, err, want)
		}
	}
}
