package avro_test

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/linkedin/goavro/v2"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

// record is the schema of a record with the given fields, in JSON without their brackets.
func record(fields string) string {
	return `{"type":"record","name":"Event","namespace":"com.example","fields":[` + fields + `]}`
}

// parse is Parse for schemas that are good.
func parse(t testing.TB, schema string, referenced ...string) *avro.Schema {
	t.Helper()
	s, err := avro.Parse(schema, referenced...)
	if err != nil {
		t.Fatalf("Parse(%s) = %v", schema, err)
	}
	return s
}

// encode writes a native value with goavro.
func encode(t testing.TB, schema string, native any) []byte {
	t.Helper()
	codec, err := goavro.NewCodec(schema)
	if err != nil {
		t.Fatalf("NewCodec(%s) = %v", schema, err)
	}
	data, err := codec.BinaryFromNative(nil, native)
	if err != nil {
		t.Fatalf("BinaryFromNative(%v) = %v", native, err)
	}
	return data
}

type native = map[string]any

func TestDecode_everyTypeIsWhatJSONWouldHold(t *testing.T) {
	day := time.Date(2026, 1, 5, 8, 0, 0, 123_000_000, time.UTC)
	fine := day.Add(456 * time.Microsecond)
	tests := map[string]struct {
		typ   string
		value any
		want  string
	}{
		"null":                  {`"null"`, nil, `null`},
		"boolean":               {`"boolean"`, true, `true`},
		"int":                   {`"int"`, int32(-7), `-7`},
		"long":                  {`"long"`, int64(math.MaxInt64), `9223372036854775807`},
		"float":                 {`"float"`, float32(1.1), `1.1`},
		"double":                {`"double"`, 12.5, `12.5`},
		"a whole double":        {`"double"`, 42.0, `42`},
		"a large double":        {`"double"`, 1e21, `1e+21`},
		"a small double":        {`"double"`, 1e-7, `1e-07`},
		"not a number":          {`"double"`, math.NaN(), `null`},
		"infinity":              {`"float"`, float32(math.Inf(-1)), `null`},
		"string":                {`"string"`, "a \"b\"", `"a \"b\""`},
		"bytes":                 {`"bytes"`, []byte{0xff, 0}, `"/wA="`},
		"fixed":                 {`{"type":"fixed","name":"F","size":2}`, []byte{0xff, 0}, `"/wA="`},
		"enum":                  {`{"type":"enum","name":"E","symbols":["A","B"]}`, "B", `"B"`},
		"array":                 {`{"type":"array","items":"int"}`, []any{int32(1), int32(2)}, `[1,2]`},
		"empty array":           {`{"type":"array","items":"int"}`, []any{}, `[]`},
		"map, by name":          {`{"type":"map","values":"int"}`, native{"b": int32(1), "a": int32(2)}, `{"a":2,"b":1}`},
		"empty map":             {`{"type":"map","values":"int"}`, native{}, `{}`},
		"record, by the schema": {`{"type":"record","name":"R","fields":[{"name":"b","type":"int"},{"name":"a","type":"int"}]}`, native{"a": int32(1), "b": int32(2)}, `{"b":2,"a":1}`},
		"union of null":         {`["null","string"]`, nil, `null`},
		"union of a string":     {`["null","string"]`, native{"string": "x"}, `"x"`},
		"union of a map":        {`["null",{"type":"map","values":"string"}]`, native{"map": native{"string": "x"}}, `{"string":"x"}`},
		"union of a record that looks like a union": {
			`["null",{"type":"record","name":"R","fields":[{"name":"string","type":"string"}]}]`,
			native{"com.example.R": native{"string": "x"}},
			`{"string":"x"}`,
		},
		"union in a map":             {`{"type":"map","values":["null","string","int"]}`, native{"string": native{"int": int32(1)}, "int": nil}, `{"int":null,"string":1}`},
		"a map that looks like one":  {`{"type":"map","values":"int"}`, native{"int": int32(1)}, `{"int":1}`},
		"date":                       {`{"type":"int","logicalType":"date"}`, day, `"2026-01-05"`},
		"time in milliseconds":       {`{"type":"int","logicalType":"time-millis"}`, 8*time.Hour + 5*time.Millisecond, `"08:00:00.005"`},
		"time in microseconds":       {`{"type":"long","logicalType":"time-micros"}`, 8*time.Hour + 5*time.Microsecond, `"08:00:00.000005"`},
		"timestamp in milliseconds":  {`{"type":"long","logicalType":"timestamp-millis"}`, day, `"2026-01-05T08:00:00.123Z"`},
		"timestamp in microseconds":  {`{"type":"long","logicalType":"timestamp-micros"}`, fine, `"2026-01-05T08:00:00.123456Z"`},
		"timestamp, whole millis":    {`{"type":"long","logicalType":"timestamp-micros"}`, day, `"2026-01-05T08:00:00.123Z"`},
		"timestamp in a union":       {`["null",{"type":"long","logicalType":"timestamp-millis"}]`, native{"long.timestamp-millis": day}, `"2026-01-05T08:00:00.123Z"`},
		"timestamp in nanoseconds":   {`{"type":"long","logicalType":"timestamp-nanos"}`, day.UnixNano() + 1, `"2026-01-05T08:00:00.123000001Z"`},
		"local timestamp":            {`{"type":"long","logicalType":"local-timestamp-millis"}`, day.UnixMilli(), `"2026-01-05T08:00:00.123"`},
		"a year that no date has":    {`{"type":"long","logicalType":"local-timestamp-millis"}`, int64(math.MaxInt64), `9223372036854775807`},
		"decimal":                    {`{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, big.NewRat(-1250, 100), `-12.50`},
		"decimal below one":          {`{"type":"bytes","logicalType":"decimal","precision":9,"scale":3}`, big.NewRat(5, 1000), `0.005`},
		"decimal without a scale":    {`{"type":"bytes","logicalType":"decimal","precision":9,"scale":0}`, big.NewRat(300, 1), `300`},
		"decimal of no bytes":        {`{"type":"bytes","logicalType":"decimal","precision":2,"scale":1}`, big.NewRat(0, 1), `0.0`},
		"decimal in a fixed":         {`{"type":"fixed","name":"D","size":4,"logicalType":"decimal","precision":9,"scale":2}`, big.NewRat(-1250, 100), `-12.50`},
		"uuid":                       {`{"type":"string","logicalType":"uuid"}`, "7f1e9d9e-0000-4000-8000-000000000001", `"7f1e9d9e-0000-4000-8000-000000000001"`},
		"JSON by its logical type":   {`{"type":"string","logicalType":"json"}`, `{"b":[1.50],"a":2}`, `{"b":[1.50],"a":2}`},
		"an unknown logical type":    {`{"type":"long","logicalType":"moon-phase"}`, int64(3), `3`},
		"a logical type that is off": {`{"type":"string","logicalType":"date"}`, "x", `"x"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			schema := record(`{"name":"x","type":` + tt.typ + `}`)
			got, err := parse(t, schema).Decode(encode(t, schema, native{"x": tt.value}), mapping.Pointer{})
			if err != nil || got.JSON() != `{"x":`+tt.want+`}` {
				t.Errorf("Decode of a %s = %s, %v, want %s", tt.typ, got.JSON(), err, tt.want)
			}
		})
	}
}

func TestDecode_bytesThatGoavroDoesNotWrite(t *testing.T) {
	tests := map[string]struct{ typ, bytes, want string }{
		"uuid in a fixed":         {`{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}`, "\x7f\x1e\x9d\x9e\x00\x00\x40\x00\x80\x00\x00\x00\x00\x00\x00\x01", `"7f1e9d9e-0000-4000-8000-000000000001"`},
		"a block with its size":   {`{"type":"array","items":"int"}`, "\x03\x04\x02\x04\x00", `[1,2]`},
		"two blocks":              {`{"type":"array","items":"int"}`, "\x02\x02\x02\x04\x00", `[1,2]`},
		"decimal with sign bytes": {`{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, "\x04\xff\x9c", `-1.00`},
		"decimal of no bytes":     {`{"type":"bytes","logicalType":"decimal","precision":2,"scale":1}`, "\x00", `0.0`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := parse(t, record(`{"name":"x","type":`+tt.typ+`}`)).Decode([]byte(tt.bytes), mapping.Pointer{})
			if err != nil || got.JSON() != `{"x":`+tt.want+`}` {
				t.Errorf("Decode(%q) of a %s = %s, %v, want %s", tt.bytes, tt.typ, got.JSON(), err, tt.want)
			}
		})
	}
}

func TestDecode_namesAndPackedMembers(t *testing.T) {
	text := func(names ...string) string {
		var fields []string
		for _, name := range names {
			fields = append(fields, `{"name":"`+name+`","type":["null","string"]}`)
		}
		return strings.Join(fields, ",")
	}
	tests := map[string]struct{ fields, json, want string }{
		"snake_case": {
			text("user_id", "anonymous_id", "message_id", "event_name", "type"),
			`{"user_id":"u","anonymous_id":"a","message_id":"m","event_name":"e","type":"track"}`,
			`{"userId":"u","anonymousId":"a","messageId":"m","event":"e","type":"track"}`,
		},
		"the own name counts first":      {text("user_id", "userId"), `{"user_id":"x","userId":"u"}`, `{"user_id":"x","userId":"u"}`},
		"unless it is null":              {text("userId", "user_id"), `{"userId":null,"user_id":"x"}`, `{"userId":"x"}`},
		"unless it is empty":             {text("userId", "user_id"), `{"userId":"","user_id":"x"}`, `{"userId":"x"}`},
		"two empty ones stay":            {text("userId", "user_id"), `{"userId":"","user_id":null}`, `{"userId":"","user_id":null}`},
		"a name further down is no name": {`{"name":"traits","type":{"type":"map","values":"string"}}`, `{"traits":{"user_id":"u"}}`, `{"traits":{"user_id":"u"}}`},
		"JSON in properties":             {text("properties", "traits", "context"), `{"properties":"{\"price\":1.50}","traits":"[1]","context":"{}"}`, `{"properties":{"price":1.50},"traits":[1],"context":{}}`},
		"text that is no JSON":           {text("properties"), `{"properties":"none"}`, `{"properties":"none"}`},
		"empty text":                     {text("traits"), `{"traits":""}`, `{"traits":""}`},
		"JSON elsewhere stays text":      {text("event"), `{"event":"{}"}`, `{"event":"{}"}`},
		"JSON in the context's traits":   {text("context"), `{"context":"{\"traits\":\"{\\\"email\\\":\\\"a@b\\\"}\"}"}`, `{"context":{"traits":{"email":"a@b"}}}`},
		"names in the context":           {`{"name":"context","type":{"type":"map","values":"string"}}`, `{"context":{"user_agent":"x","external_id":"7","external_ids":"8"}}`, `{"context":{"externalId":"7","externalIds":"8","userAgent":"x"}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := parse(t, record(tt.fields))
			got, err := s.Decode(appendJSON(t, s, tt.json), mapping.Pointer{})
			if err != nil || got.JSON() != tt.want {
				t.Errorf("Decode of %s = %s, %v, want %s", tt.json, got.JSON(), err, tt.want)
			}
		})
	}
}
