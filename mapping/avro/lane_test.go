package avro_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

func reader(t testing.TB, l mapping.Layout) *mapping.Reader {
	t.Helper()
	r, err := mapping.NewReader(l)
	if err != nil {
		t.Fatalf("NewReader(%+v) = %v", l, err)
	}
	return r
}

func TestLane(t *testing.T) {
	const ids = `{"name":"user_id","type":["null","string","long"]},{"name":"userId","type":["null","string","long","boolean",{"type":"map","values":"string"}]},{"name":"anonymousId","type":"string"}`
	fields := []string{"userId", "anonymousId", mapping.KeyField}
	tests := map[string]struct {
		json   string
		fields []string
		want   string
	}{
		"the first present":                 {`{"userId":"u","anonymousId":"a"}`, fields, "u"},
		"a number by its digits":            {`{"userId":7,"anonymousId":"a"}`, fields, "7"},
		"zero is absent":                    {`{"userId":0,"anonymousId":"a"}`, fields, "a"},
		"a word that means nobody":          {`{"userId":"undefined","anonymousId":" nil "}`, fields, "k"},
		"zero under the other name":         {`{"user_id":0,"anonymousId":"a"}`, fields, "a"},
		"a boolean":                         {`{"userId":false,"anonymousId":"a"}`, fields, "false"},
		"the other name":                    {`{"user_id":"s","anonymousId":"a"}`, fields, "s"},
		"an empty own name":                 {`{"userId":"","user_id":"s","anonymousId":"a"}`, fields, "s"},
		"the own name first":                {`{"userId":"u","user_id":"s","anonymousId":"a"}`, fields, "u"},
		"a map is absent":                   {`{"userId":{"a":"b"},"user_id":"s","anonymousId":"a"}`, fields, "a"},
		"null is absent":                    {`{"anonymousId":"a"}`, fields, "a"},
		"the key":                           {`{"anonymousId":""}`, fields, "k"},
		"the other name, asked for":         {`{"user_id":"s","anonymousId":""}`, []string{"user_id"}, ""},
		"the other name, which has its own": {`{"userId":"u","user_id":"s","anonymousId":""}`, []string{"user_id"}, "s"},
		"nothing":                           {`{"anonymousId":""}`, []string{"userId"}, ""},
		"no such field":                     {`{"anonymousId":"a"}`, []string{"email"}, ""},
	}
	s := parse(t, record(ids))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			data := appendJSON(t, s, tt.json)
			r := reader(t, mapping.Layout{Lane: tt.fields})
			if got := r.Lane(s, data, []byte("k")); got != tt.want {
				t.Errorf("Lane(%s, %q) = %q, want %q", tt.json, tt.fields, got, tt.want)
			}
			if got := reader(t, mapping.Layout{Lane: fields}).Lane(s, data[:len(data)-1], []byte("k")); got != "k" && len(data) > 1 {
				t.Errorf("Lane of a record that is cut = %q, want k", got)
			}
		})
	}
}

const envelope = `{"name":"id","type":"string"},{"name":"payload","type":["null","string",
	{"type":"record","name":"Inner","fields":[{"name":"type","type":"string"},{"name":"user_id","type":["null","string","double"]},{"name":"properties","type":["null","string"]},
		{"name":"deeper","type":["null",{"type":"record","name":"Deeper","fields":[{"name":"mail","type":"string"}]}]}]},
	{"type":"map","values":["null","string","long"]}]},
	{"name":"body","type":["null",{"type":"string","logicalType":"json"}]},{"name":"list","type":["null",{"type":"array","items":["null","string","Inner"]}]}`

func TestReader_unwrapsRecordsAndTextInAvro(t *testing.T) {
	const inner = `{"type":"track","user_id":"u","properties":"{\"a\":1}"}`
	tests := map[string]struct {
		unwrap, json string
		lane, body   string
	}{
		"a record":           {"payload", `{"id":"x","payload":` + inner + `}`, "u", `{"type":"track","userId":"u","properties":{"a":1},"deeper":null}`},
		"a text":             {"payload", `{"id":"x","payload":"{\"type\":\"track\",\"userId\":\"u\"}"}`, "u", `{"type":"track","userId":"u"}`},
		"a text's own names": {"payload", `{"id":"x","payload":"{\"type\":\"track\",\"user_id\":\"u\"}"}`, "k", `{"type":"track","user_id":"u"}`},
		"a map":              {"payload", `{"id":"x","payload":{"user_id":7,"x":"y"}}`, "7", `{"userId":7,"x":"y"}`},
		"JSON":               {"body", `{"id":"x","body":{"userId":12.0}}`, "12", `{"userId":12.0}`},
		"within JSON":        {"/body/a/0", `{"id":"x","body":{"a":[{"userId":"u"}]}}`, "u", `{"userId":"u"}`},
		"within a list":      {"/list/1", `{"id":"x","list":["a",` + inner + `]}`, "u", `{"type":"track","userId":"u","properties":{"a":1},"deeper":null}`},
		"not there":          {"event", `{"id":"x"}`, "k", "not_an_object"},
		"null":               {"payload", `{"id":"x"}`, "k", "not_an_object"},
		"no JSON":            {"payload", `{"id":"x","payload":"user"}`, "k", "not_json"},
		"a name in a text":   {"/id/a", `{"id":"x"}`, "k", "not_an_object"},
		"text of a list":     {"payload", `{"id":"x","payload":"[]"}`, "k", "not_an_object"},
	}
	s := parse(t, record(envelope))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := reader(t, mapping.Layout{Unwrap: tt.unwrap, Lane: []string{"userId", "key"}})
			data := appendJSON(t, s, tt.json)
			if got := r.Lane(s, data, []byte("k")); got != tt.lane {
				t.Errorf("Lane(%s) = %q, want %q", tt.json, got, tt.lane)
			}
			ev, err := r.Event(s, data)
			got := ev.Body.JSON()
			if fault, ok := errors.AsType[*mapping.Error](err); ok {
				got = string(fault.Code)
			}
			if got != tt.body {
				t.Errorf("Event(%s) = %s, %v; want %s", tt.json, got, err, tt.body)
			}
		})
	}
}

// A record may have ten thousand values of no bytes. The event is found behind them though
// they are passed more than once.
func TestReader_unwrapsBehindManyEmptyValues(t *testing.T) {
	s := parse(t, record(`{"name":"list","type":{"type":"array","items":"null"}},{"name":"payload","type":"string"}`))
	data := appendJSON(t, s, `{"list":[null`+strings.Repeat(",null", 5999)+`],"payload":"{\"userId\":\"u\"}"}`)
	if got := reader(t, mapping.Layout{Unwrap: "payload", Lane: []string{"userId"}}).Lane(s, data, nil); got != "u" {
		t.Errorf("Lane = %q, want u", got)
	}
}

func TestReader_renamesDottedFieldsInAvro(t *testing.T) {
	s := parse(t, record(envelope))
	r := reader(t, mapping.Layout{Unwrap: "payload", Fields: map[string]string{"userId": "deeper.mail"}, Lane: []string{"userId", "key"}})
	data := appendJSON(t, s, `{"id":"x","payload":{"type":"track","user_id":"u","deeper":{"mail":"m"}}}`)
	if got := r.Lane(s, data, []byte("k")); got != "m" {
		t.Errorf("Lane = %q, want m", got)
	}
	if ev, err := r.Event(s, data); err != nil || ev.Body.Get("userId").Str() != "m" {
		t.Errorf("Event = %s, %v; want the userId m", ev.Body.JSON(), err)
	}
}
