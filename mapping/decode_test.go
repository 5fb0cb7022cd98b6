package mapping_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/deskstream/deskstream/mapping"
)

func wantCode(t *testing.T, err error, want mapping.Code) {
	t.Helper()
	got, ok := errors.AsType[*mapping.Error](err)
	if !ok || got.Code != want {
		t.Errorf("error = %v, want code %s", err, want)
	}
}

func mustParse(t testing.TB, text string) mapping.Value {
	t.Helper()
	v, err := mapping.ParseJSON([]byte(text))
	if err != nil {
		t.Fatalf("ParseJSON(%.80q) = %v", text, err)
	}
	return v
}

func TestParseJSON_keepsWhatTheTextSays(t *testing.T) {
	long := strings.Repeat("9", 900_000)
	tests := map[string]struct{ in, want string }{
		"members in order":                   {`{"b":1, "a":2}`, `{"b":1,"a":2}`},
		"last of two names in first place":   {`{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		"names equal after unescaping":       {`{"a":1,"\u0061":{"x":[]}}`, `{"a":{"x":[]}}`},
		"empty name":                         {`{"":1}`, `{"":1}`},
		"minus zero":                         {`-0`, `-0`},
		"number beyond float64":              {`1E400`, `1E400`},
		"fraction with zeros":                {`[1.10, 1e+05, 12345678901234567890]`, `[1.10,1e+05,12345678901234567890]`},
		"number of 900 KB":                   {long, long},
		"lone high surrogate":                {`"a\ud800b"`, "\"a\uFFFDb\""},
		"lone low surrogate in a name":       {`{"\udc00":1}`, "{\"\uFFFD\":1}"},
		"two lone surrogates":                {`"\ud800\ud800"`, "\"\uFFFD\uFFFD\""},
		"surrogate pair":                     {`"\ud83d\ude00"`, `"😀"`},
		"nothing is escaped without need":    {`"\u003c\u0026\u2028\/é"`, "\"<&\u2028/é\""},
		"control characters stay escaped":    {`"\u0000\n\u001f"`, `"\u0000\n\u001f"`},
		"blanks around":                      {" \n\t\r[ ] \n", `[]`},
		"scalars":                            {`[null,true,false,"",{}]`, `[null,true,false,"",{}]`},
		"the replacement character as given": {"\"\uFFFD\"", "\"\uFFFD\""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := []byte(tt.in)
			v, err := mapping.ParseJSON(in)
			if err != nil {
				t.Fatalf("ParseJSON(%.80q) = %v", tt.in, err)
			}
			if got := v.JSON(); got != tt.want {
				t.Errorf("ParseJSON(%.80q).JSON() = %.80q, want %.80q", tt.in, got, tt.want)
			}
			if string(in) != tt.in {
				t.Error("the input was changed")
			}
		})
	}
}

func TestParseJSON_refusesWhatIsNotOneJSONText(t *testing.T) {
	tests := map[string]string{
		"empty":                ``,
		"blanks only":          " \n",
		"word":                 `hello`,
		"cut in an object":     `{"a":1`,
		"cut in a text":        `{"a":"b`,
		"cut in a number":      `[1.`,
		"second value":         `{} {}`,
		"trailing text":        `{"a":1}x`,
		"trailing comma":       `{"a":1,}`,
		"comma in a list":      `[1,]`,
		"wrong bracket":        `[1}`,
		"wrong brace":          `{"a":1]`,
		"name without a value": `{"a"}`,
		"name that is no text": `{1:2}`,
		"single quotes":        `{'a':1}`,
		"byte order mark":      "\uFEFF{}",
		"leading zero":         `01`,
		"plus sign":            `+1`,
		"NaN":                  `NaN`,
		"raw line feed":        "\"a\nb\"",
		"half an escape":       `"\u12"`,
		"invalid UTF-8 text":   "{\"a\":\"\xff\"}",
		"invalid UTF-8 name":   "{\"\xc3\":1}",
		"overlong UTF-8":       "\"\xc0\x80\"",
		"encoded surrogate":    "\"\xed\xa0\x80\"",
		"UTF-16":               "\xff\xfe{\x00}\x00",
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := mapping.ParseJSON([]byte(in))
			wantCode(t, err, mapping.NotJSON)
		})
	}
}

func TestParseJSON_errorQuotesNothingOfTheInput(t *testing.T) {
	for _, in := range []string{`{"mail":"eve@example.org"`, `{"a": eve@example.org}`, `{"a":1} eve@example.org`, "\"eve@example.org\xff\""} {
		if _, err := mapping.ParseJSON([]byte(in)); err == nil || strings.Contains(err.Error(), "eve") {
			t.Errorf("error of %q = %v, want one without the input's text", in, err)
		}
	}
}

func TestParseJSON_depthIsBounded(t *testing.T) {
	nest := map[string]func(n int) string{
		"lists":            func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) },
		"objects":          func(n int) string { return strings.Repeat(`{"a":`, n-1) + "{}" + strings.Repeat("}", n-1) },
		"scalar innermost": func(n int) string { return strings.Repeat("[", n) + "1" + strings.Repeat("]", n) },
	}
	for name, text := range nest {
		t.Run(name, func(t *testing.T) {
			if got := mustParse(t, text(mapping.MaxDepth)).JSON(); got != text(mapping.MaxDepth) {
				t.Errorf("1000 levels came back as %.40q", got)
			}
			for _, n := range []int{mapping.MaxDepth + 1, 10_001, 100_000} {
				_, err := mapping.ParseJSON([]byte(text(n)))
				wantCode(t, err, mapping.TooDeep)
			}
		})
	}
	t.Run("never closed", func(t *testing.T) {
		_, err := mapping.ParseJSON([]byte(strings.Repeat("[", 100_000)))
		wantCode(t, err, mapping.TooDeep)
	})
}

func TestParseJSON_depthCountsLevelsAndNotBrackets(t *testing.T) {
	many := strings.Repeat("[", 2*mapping.MaxDepth)
	for name, text := range map[string]string{
		"in a string":              `["` + many + `"]`,
		"after an escaped quote":   `["\"` + many + `"]`,
		"after an escaped escape":  `["\\", "` + many + `\\"]`,
		"in a name":                `{"` + many + `":1}`,
		"beside each other":        "[" + strings.Repeat("[],", 2*mapping.MaxDepth) + "[]]",
		"deep twice, not too deep": "[" + strings.Repeat("[", 900) + strings.Repeat("]", 900) + "," + strings.Repeat("[", 900) + strings.Repeat("]", 901),
	} {
		t.Run(name, func(t *testing.T) {
			if v, err := mapping.ParseJSON([]byte(text)); err != nil || v.JSON() == "" {
				t.Errorf("ParseJSON = %v", err)
			}
		})
	}
	for name, text := range map[string]string{
		"one level too many":         "[" + strings.Repeat(`{"a":[`, 500) + strings.Repeat("]}", 500) + "]",
		"after a string with an end": `["]]]]", "\\"` + strings.Repeat(",[", mapping.MaxDepth),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := mapping.ParseJSON([]byte(text))
			wantCode(t, err, mapping.TooDeep)
		})
	}
}

func TestParseNested_countsFromItsDepth(t *testing.T) {
	text := []byte(strings.Repeat("[", 990) + strings.Repeat("]", 990))
	if _, err := mapping.ParseNested(text, 11); err != nil {
		t.Errorf("990 levels from level 11 on: %v", err)
	}
	_, err := mapping.ParseNested(text, 12)
	wantCode(t, err, mapping.TooDeep)
	if _, err := mapping.ParseNested([]byte("1"), mapping.MaxDepth+1); err != nil {
		t.Errorf("a scalar in the deepest list: %v", err)
	}
}

func TestParseJSON_manyMembersAreReadInReasonableTime(t *testing.T) {
	var text strings.Builder
	text.WriteString("{")
	for i := range 20_000 { // each name twice
		fmt.Fprintf(&text, `"p%d":%d,`, i%10_000, i)
	}
	text.WriteString(`"last":true}`)
	began := time.Now()
	v := mustParse(t, text.String())
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("20,000 members took %v", took)
	}
	if v.Len() != 10_001 || v.Get("p7").Text() != "10007" || v.Members()[7].Name != "p7" {
		t.Errorf("got %d members, p7 = %s; want 10001 and 10007 in its first place", v.Len(), v.Get("p7").Text())
	}
}

func TestParseObject_refusesOtherValues(t *testing.T) {
	for in, word := range map[string]string{`[]`: "a list", `"x"`: "text", `1`: "a number", `true`: "a boolean", `null`: "null"} {
		_, err := mapping.ParseObject([]byte(in))
		wantCode(t, err, mapping.NotAnObject)
		if !strings.Contains(fmt.Sprint(err), word) {
			t.Errorf("error of %s = %v, want it to name %s", in, err, word)
		}
	}
}

// plainly is a text as encoding/json reads it.
func plainly(t *testing.T, text []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%q was taken, but encoding/json refuses it: %v", text, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("%q was taken, but encoding/json finds more behind the value: %v", text, err)
	}
	return v
}

func FuzzParseJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-0,1E400],"a":{}}`, `"\ud800\u0000<"`, `[[[]]]`, "{}x", "\xff", `{"":null}`, `[-1.5e+3, "\"\\\/\b\f\n\r\t\u00e9", {"a":{}, "a":1}]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		v, err := mapping.ParseJSON(data)
		if !bytes.Equal(before, data) {
			t.Fatal("the input was changed")
		}
		if err != nil {
			fault, ok := errors.AsType[*mapping.Error](err)
			if !ok {
				t.Fatalf("error %v is no *mapping.Error", err)
			}
			if fault.Code == mapping.NotJSON && utf8.Valid(data) && json.Valid(data) {
				t.Fatalf("%q was refused with %v, but encoding/json takes it", data, err)
			}
			return
		}
		if got, want := plainly(t, []byte(v.JSON())), plainly(t, data); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q was read as %v, but encoding/json reads %v", data, got, want)
		}
		text := v.JSON()
		if !json.Valid([]byte(text)) {
			t.Fatalf("JSON() = %q is not valid", text)
		}
		if again := mustParse(t, text).JSON(); again != text {
			t.Fatalf("JSON() = %q parses to %q", text, again)
		}
	})
}

var event = []byte(`{"type":"track","userId":"user-7","anonymousId":"a1","messageId":"m-1","event":"Product Purchased",` +
	`"properties":{"value":12.50,"currency":"EUR","items":[{"sku":"a","qty":1},{"sku":"b","qty":2}],"email":"a@b.example"},` +
	`"context":{"traits":{"email":"a@b.example","name":"Ada"},"library":{"name":"x","version":"1"},"ip":"192.0.2.1"},` +
	`"timestamp":"2026-01-02T03:04:05.678Z","originalTimestamp":"2026-01-02T03:04:05.678Z"}`)

func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(event)))
	for b.Loop() {
		if _, err := mapping.Decode(event); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLane(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(event)))
	r := newReader(b, mapping.Layout{Lane: laneFields})
	for b.Loop() {
		if got := r.Lane(mapping.JSON, event, nil); got != "user-7" {
			b.Fatal(got)
		}
	}
}
