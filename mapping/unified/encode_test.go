package unified_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/unified"
)

// sameJSON reports whether two texts say the same, the order of members aside.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	read := func(text []byte) (v any) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		return v
	}
	return cmp.Equal(read(a), read(b))
}

// filled sets all fields of what v points to, those of objects below it too.
func filled(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem())
	case reflect.Struct:
		for _, field := range v.Fields() {
			filled(field)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[unified.Raw]() {
			v.Set(reflect.ValueOf(unified.Raw(`{"a":"\u003c<"}`)))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		filled(v.Index(0))
	case reflect.Map:
		v.Set(reflect.ValueOf(unified.Values{"z": unified.Raw("1.50"), "a\"": unified.Raw("null"), "m": nil}))
	case reflect.String:
		v.SetString("<\u2028\u00e9\"\t\xff\b")
	case reflect.Int:
		v.SetInt(7)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("a field of a kind that the model had not: " + v.Type().String())
	}
}

// The encoder is made from the tags beforehand: go generate ./mapping/unified is to be run when they change.
func TestEncodeEvent_hasAllFields(t *testing.T) {
	var e unified.Event
	filled(reflect.ValueOf(&e).Elem())
	want, err := unified.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	got, err := unified.EncodeEvent(&e)
	if err != nil || !sameJSON(t, got, want) {
		t.Errorf("it is\n%s, %v\nwant\n%s", got, err, want)
	}
	if fields := `"fields":{"a\"":null,"m":null,"z":1.50}`; !bytes.Contains(got, []byte(fields)) {
		t.Errorf("it has no %s in this order: %s", fields, got)
	}
}

// An event says what Encode would, whatever was sent, on one line.
func TestEncodeEvent_isEncode(t *testing.T) {
	for _, body := range []string{
		`{}`, `{"a":"null}"}`, `{"a": [1, 2]}`, "{\n\t\"a\":\r\n1}", "[1,\n2]", `"x"`, "nonsense", "\xff", "\uFEFF{\"a\":1}", `{"a":"<b> & \u2028"}`,
		`{"a":"` + string(bytes.Repeat([]byte("x"), 5000)) + `"}`,
	} {
		for _, read := range []unified.Body{unified.JSONBody([]byte(body)), unified.FormBody([]byte(body))} {
			e := unified.Event{Type: unified.Unknown, DeskEvent: "null}", Raw: read.Raw, Ticket: &unified.Ticket{Subject: `"null}`}}
			want, err := unified.Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			got, err := unified.EncodeEvent(&e)
			if err != nil || !sameJSON(t, got, want) {
				t.Errorf("of %q:\n%s, %v\nwant\n%s", body, got, err, want)
			}
			if bytes.ContainsAny(got, "\r\n") {
				t.Errorf("of %q: more than one line", body)
			}
		}
	}
	if got, err := unified.EncodeEvent(new(unified.Event)); err != nil || !bytes.HasSuffix(got, []byte(`"raw":null}`)) {
		t.Errorf("without raw: %s, %v", got, err)
	}
}
