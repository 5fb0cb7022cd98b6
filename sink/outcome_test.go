package sink_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// encoded is what encoding/json makes of an outcome.
func encoded(t testing.TB, o *sink.Outcome) string {
	t.Helper()
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(o); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(text.Bytes(), []byte("\n")))
}

// fill gives every field that there is a value, by what kind it is of: text, number.
// So a field that is new has one too.
func fill(v reflect.Value, text string, number float64) {
	switch v.Interface().(type) {
	case sink.RawJSON:
		v.Set(reflect.ValueOf(sink.RawJSONOf(mapping.Arr(mapping.Str(text), mapping.Int(7)))))
		return
	case sink.Time:
		v.Set(reflect.ValueOf(sink.Time{Time: time.Unix(1790000000, 123456789).In(time.FixedZone("", 3600))}))
		return
	case sink.EventDigest:
		v.Set(reflect.ValueOf(sink.DigestOf("m" + text)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, number)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, text, number)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), text, number)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, name := range []string{"z" + text, "a", text} {
			v.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(text))
		}
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(number > 0)
	case reflect.Float64:
		v.SetFloat(number)
	default:
		v.SetInt(int64(number))
	}
}

func TestOutcome_appendJSONWritesWhatEncodingJSONDoes(t *testing.T) {
	texts := []string{"", "plain", `a "quoted" \ back`, "<b>&", "é 世界", "\x00\x1f\n\t\r\x7f", "\U0001F600"}
	numbers := []float64{0, 1, 41.2, 0.001, -3, 1234567.891, 1e15, 1e6}
	outcomes := []*sink.Outcome{
		{},
		{Calls: []sink.CallRecord{}, Warnings: []string{}, IDs: map[string]string{}, Error: &sink.ErrorInfo{}, Source: &sink.Source{}},
	}
	for i, text := range texts {
		for j, number := range numbers {
			o := &sink.Outcome{}
			fill(reflect.ValueOf(o).Elem(), text, number)
			if (i+j)%2 == 0 {
				o.Calls = append(o.Calls, sink.CallRecord{Method: "GET", URL: "/"})
			}
			outcomes = append(outcomes, o)
		}
	}
	for _, o := range outcomes {
		if diff := cmp.Diff("before "+encoded(t, o), string(o.AppendJSON([]byte("before ")))); diff != "" {
			t.Fatalf("outcome (-encoding/json +AppendJSON):\n%s", diff)
		}
	}
}

// Some texts are spelled otherwise than by encoding/json, and mean the same: line separators are
// escaped in bodies too, and two control characters have no letter.
func TestOutcome_appendJSONMeansWhatEncodingJSONDoes(t *testing.T) {
	for _, text := range []string{"\u2028 and \u2029", "\xff half \xe2\x80", "\b\f"} {
		o := &sink.Outcome{}
		fill(reflect.ValueOf(o).Elem(), text, 7)
		var got, want any
		if line := o.AppendJSON(nil); bytes.ContainsAny(line, "\u2028\u2029") {
			t.Errorf("a reader of lines splits %s", line)
		}
		if err := errors.Join(json.Unmarshal(o.AppendJSON(nil), &got), json.Unmarshal([]byte(encoded(t, o)), &want)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("outcome (-encoding/json +AppendJSON):\n%s", diff)
		}
	}
}

func BenchmarkOutcome(b *testing.B) {
	o := &sink.Outcome{}
	fill(reflect.ValueOf(o).Elem(), "Product Purchased", 41.2)
	o.Calls, o.Error, o.DLQID, o.Reason = o.Calls[:1], nil, nil, nil
	b.ReportAllocs()
	for b.Loop() {
		o.AppendJSON(nil)
	}
}
