package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

func TestReader_unwrapsTheEvent(t *testing.T) {
	deep := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	tests := map[string]struct {
		unwrap, record string
		want           string // the event, or the error's code and message
		lane           string
	}{
		"a member":                         {"payload", `{"schema":{"type":"struct"},"userId":"outer","payload":{"type":"t","userId":"u"}}`, `{"type":"t","userId":"u"}`, "u"},
		"the JSON text of it":              {"payload", `{"payload":"{\"type\":\"t\",\"userId\":\"u\\\"\"}"}`, `{"type":"t","userId":"u\""}`, `u"`},
		"a pointer":                        {"/body/JSON", `{"body":{"x":1,"JSON":{"userId":"u"}}}`, `{"userId":"u"}`, "u"},
		"a pointer with a slash and tilde": {"/a~1b/~0c~01", `{"a":{"b":{}},"a/b":{"~c~1":{"userId":"u"}}}`, `{"userId":"u"}`, "u"},
		"a pointer into a list":            {"/batch/1", `{"batch":[{"userId":"no"},{"userId":"u"},3]}`, `{"userId":"u"}`, "u"},
		"a record that is a list":          {"/0", `[{"userId":"u"}]`, `{"userId":"u"}`, "u"},
		"a name with dots and slashes":     {"a.b/c", `{"a":{"b":1},"a.b/c":{"userId":"u"}}`, `{"userId":"u"}`, "u"},
		"an escaped name":                  {"payload", `{"p\u0061yload":{"userId":"u"}}`, `{"userId":"u"}`, "u"},
		"the last of two":                  {"payload", `{"payload":{"userId":"no"},"payload":{"userId":"u"}}`, `{"userId":"u"}`, "u"},
		"the last of two, if it is none":   {"/a/b", `{"a":{"b":{"userId":"no"}},"a":{"c":1}}`, "not_an_object: /a/b is missing: source.unwrap says that it holds the event", "k"},
		"a mark before the record":         {"payload", "\uFEFF" + `{"payload":{"userId":"u"}}`, `{"userId":"u"}`, "u"},
		"a mark before the text":           {"payload", `{"payload":"\ufeff{\"userId\":\"u\"}"}`, `{"userId":"u"}`, "u"},
		"a mark without an envelope":       {"", "\uFEFF" + `{"userId":"u"}`, `{"userId":"u"}`, "u"},
		"blanks around the text":           {"payload", `{"payload":" {\"userId\":\"u\"}\n"}`, `{"userId":"u"}`, "u"},
		"no such member":                   {"payload", `{"userId":"u","a":{"payload":{}}}`, "not_an_object: payload is missing: source.unwrap says that it holds the event", "k"},
		"null":                             {"payload", `{"payload":null}`, "not_an_object: payload is null, not a JSON object", "k"},
		"a list":                           {"payload", `{"payload":[{"userId":"u"}]}`, "not_an_object: payload is a list, not a JSON object", "k"},
		"a number":                         {"/a", `{"a":7}`, "not_an_object: /a is a number, not a JSON object", "k"},
		"a text that is no JSON":           {"payload", `{"payload":"user u"}`, "not_json: payload: the value is not JSON", "k"},
		"an empty text":                    {"payload", `{"payload":""}`, "not_json: payload: the value ends before its JSON does", "k"},
		"a text of a list":                 {"payload", `{"payload":"[]"}`, "not_an_object: payload is a list, not a JSON object", "k"},
		"a text of a text":                 {"payload", `{"payload":"\"{}\""}`, "not_an_object: payload is text, not a JSON object", "k"},
		"beyond the end of a list":         {"/batch/2", `{"batch":[{},{}]}`, "not_an_object: /batch/2 is missing: source.unwrap says that it holds the event", "k"},
		"an index with a leading zero":     {"/batch/00", `{"batch":[{}]}`, "not_an_object: /batch/00 is missing: source.unwrap says that it holds the event", "k"},
		"a name in a list":                 {"/batch/-", `{"batch":[{}]}`, "not_an_object: /batch/- is missing: source.unwrap says that it holds the event", "k"},
		"a name in a text":                 {"/a/b", `{"a":"{\"b\":{}}"}`, "not_an_object: /a/b is missing: source.unwrap says that it holds the event", "k"},
		"a record that is cut":             {"payload", `{"payload":{"userId":"u"}`, "not_json: the value ends before its JSON does", "k"},
		"more behind the record":           {"payload", `{"payload":{"userId":"u"}}{}`, "not_json: more follows behind the JSON value", "k"},
		"a fault beside the event":         {"payload", `{"payload":{"userId":"u"},"x":tru}`, "not_json: the value is not JSON", "k"},
		"a record that is not UTF-8":       {"payload", "{\"payload\":{\"userId\":\"u\"},\"x\":\"\xff\"}", "not_json: the value is not valid UTF-8", "k"},
		"as deep as a record may be":       {"payload", `{"payload":{"userId":"u","x":` + deep(mapping.MaxDepth-2) + `}}`, "", "u"},
		"deeper than that":                 {"payload", `{"payload":{"userId":"u","x":` + deep(mapping.MaxDepth-1) + `}}`, "too_deep: the value nests more than 1000 levels", "k"},
		"a text as deep as it may be":      {"payload", `{"payload":"{\"userId\":\"u\",\"x\":` + deep(mapping.MaxDepth-2) + `}"}`, "", "u"},
		"a text deeper than that":          {"payload", `{"payload":"{\"userId\":\"u\",\"x\":` + deep(mapping.MaxDepth-1) + `}"}`, "too_deep: payload: the value nests more than 1000 levels", "k"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newReader(t, mapping.Layout{Unwrap: tt.unwrap, Lane: []string{"userId", mapping.KeyField}})
			ev, err := r.Event(mapping.JSON, []byte(tt.record))
			got := ev.Body.JSON()
			if fault, ok := errors.AsType[*mapping.Error](err); ok {
				got = fault.Error()
			} else if err != nil {
				t.Fatalf("error %v is no *mapping.Error", err)
			}
			if tt.want != "" && got != tt.want || tt.want == "" && err != nil {
				t.Errorf("Event(%.100q) = %.100s, want %.100s", tt.record, got, tt.want)
			}
			if lane := r.Lane(mapping.JSON, []byte(tt.record), []byte("k")); lane != tt.lane {
				t.Errorf("Lane(%.100q) = %q, want %q", tt.record, lane, tt.lane)
			}
		})
	}
}

func TestParsePointer_refusesWhatNamesNothing(t *testing.T) {
	for text, want := range map[string]string{
		" ": "is blank", "/": "empty name", "/a//b": "empty name", "/a/": "empty name", "/a~b": "~0", "/~": "~0",
		strings.Repeat("/a", 101): "deeper than 100",
	} {
		if _, err := mapping.ParsePointer(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParsePointer(%q) = %v, want an error with %q", text, err, want)
		}
	}
}
