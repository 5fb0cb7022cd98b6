package call_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/call"
)

func TestRead(t *testing.T) {
	for name, tt := range map[string]struct {
		text       string
		query      string
		body       string
		repeatable bool
		warns      string
	}{
		"a GET":                    {text: `{"method":"GET"}`, repeatable: true},
		"a write":                  {text: `{"method":"POST","body":{"a":[1.50,null]}}`, body: `{"a":[1.50,null]}`},
		"a write that is safe":     {text: `{"method":"PUT","body":[],"idempotent":true}`, body: `[]`, repeatable: true},
		"a list as body":           {text: `{"method":"DELETE","body":["vip"],"idempotent":null}`, body: `["vip"]`},
		"nulls":                    {text: `{"method":"GET","query":null,"body":null,"idempotent":null,"correlationId":null}`, repeatable: true},
		"parameters":               {text: `{"method":"GET","query":{"term":"a+b & c=é","page":2,"deleted":false,"none":null,"":"x"}}`, query: "term=a%2Bb+%26+c%3D%C3%A9&page=2&deleted=false&=x", repeatable: true},
		"lists of parameters":      {text: `{"method":"GET","query":{"labels[]":[1,"2",null],"none":[]}}`, query: "labels%5B%5D=1&labels%5B%5D=2", repeatable: true},
		"the body of a GET":        {text: `{"method":"GET","body":{"a":1}}`, repeatable: true, warns: "a GET has no body"},
		"headers":                  {text: `{"method":"GET","headers":{"Authorization":"x"}}`, repeatable: true, warns: `no member "headers"`},
		"a misspelled member":      {text: `{"method":"POST","idempotant":true}`, warns: `no member "idempotant"`},
		"what orders it":           {text: `{"method":"GET","tenant":{"id":"t"},"userId":"u","messageId":"m","timestamp":"x"}`, repeatable: true},
		"a number as correlation":  {text: `{"method":"GET","correlationId":7}`, repeatable: true},
		"its type in other letter": {text: `{"method":"GET","type":" Call "}`, repeatable: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(t, `{"type":"call","destination":"crm","path":"/v1/x",`+tt.text[1:], "GET /v1/*", "POST /v1/*", "PUT /v1/*", "DELETE /v1/*")
			if err != nil {
				t.Fatal(err)
			}
			body := ""
			if got.Body.Exists() {
				body = got.Body.JSON()
			}
			if got.Query != tt.query || body != tt.body || got.Repeatable != tt.repeatable || !strings.Contains(strings.Join(got.Warnings, ""), tt.warns) || (tt.warns == "") != (len(got.Warnings) == 0) {
				t.Errorf("query %q, body %q, repeatable %v, warnings %q", got.Query, body, got.Repeatable, got.Warnings)
			}
		})
	}
}

func TestRead_refuses(t *testing.T) {
	const path = `,"path":"/v1/x"`
	for text, want := range map[string]string{
		`{"type":"identify","userId":"u"}`:                                                                                 "type_not_taken",
		`{"userId":"u"}`:                                                                                                   "missing_type",
		`{"type":7}`:                                                                                                       "wrong_type",
		`{"type":"call","destination":"other"}`:                                                                            "other_destination",
		`{"type":"call","destination":"CRM"}`:                                                                              "other_destination",
		`{"type":"call"` + path + `,"method":"GET"}`:                                                                       "wrong_type", // no destination
		`{"type":"call","destination":7` + path + `,"method":"GET"}`:                                                       "wrong_type",
		`{"type":"call","destination":""` + path + `,"method":"GET"}`:                                                      "wrong_type",
		`{"type":"call","destination":"crm"` + path + `}`:                                                                  "wrong_type", // no method
		`{"type":"call","destination":"crm"` + path + `,"method":["GET"]}`:                                                 "wrong_type",
		`{"type":"call","destination":"crm","method":"GET"}`:                                                               "invalid_path",
		`{"type":"call","destination":"crm","method":"GET","path":7}`:                                                      "invalid_path",
		`{"type":"call","destination":"crm","method":"GET","path":"/v1/../x"}`:                                             "invalid_path", // not "not_allowed"
		`{"type":"call","destination":"crm","method":"HEAD"` + path + `}`:                                                  "not_allowed",
		`{"type":"call","destination":"crm","method":"GET","path":"/v2/x"}`:                                                "not_allowed",
		`{"type":"call","destination":"crm","method":"GET"` + path + `,"query":"a=b"}`:                                     "wrong_type",
		`{"type":"call","destination":"crm","method":"GET"` + path + `,"query":{"a":{}}}`:                                  "wrong_type",
		`{"type":"call","destination":"crm","method":"GET"` + path + `,"query":{"a":[[1]]}}`:                               "wrong_type",
		`{"type":"call","destination":"crm","method":"POST"` + path + `,"query":{"_method":"DELETE"}}`:                     "not_allowed",
		`{"type":"call","destination":"crm","method":"POST"` + path + `,"query":{".method":"DELETE"}}`:                     "not_allowed",
		`{"type":"call","destination":"crm","method":"POST"` + path + `,"query":{" _method":"DELETE"}}`:                    "not_allowed",
		`{"type":"call","destination":"crm","method":"POST"` + path + `,"query":{"_method\u0000x":"DELETE"}}`:              "not_allowed",
		`{"type":"call","destination":"crm","method":"POST"` + path + `,"query":{" .method":"DELETE"}}`:                    "not_allowed",
		`{"type":"call","destination":"crm","method":"POST"` + path + `,"query":{"_Method":"DELETE"}}`:                     "not_allowed",
		`{"type":"call","destination":"crm","method":"POST"` + path + `,"body":{"_method":"DELETE"}}`:                      "not_allowed",
		`{"type":"call","destination":"crm","method":"POST"` + path + `,"body":{"_method":null}}`:                          "not_allowed",
		`{"type":"call","destination":"crm","method":"GET"` + path + `,"idempotent":"yes"}`:                                "wrong_type",
		`{"type":"call","destination":"crm","method":"GET"` + path + `,"correlationId":{"a":"b"}}`:                         "wrong_type",
		`{"type":"call","destination":"crm","method":"GET"` + path + `,"query":{"a":"` + strings.Repeat("a", 5000) + `"}}`: "invalid_path",
	} {
		_, err := read(t, text, "GET /v1/*", "POST /v1/*")
		got := ""
		if fault, ok := errors.AsType[*mapping.Error](err); ok {
			got = string(fault.Code)
		} else if skip, ok := errors.AsType[mapping.Skip](err); ok {
			got = string(skip)
		}
		if got != want {
			t.Errorf("%.120s gives %v, want %s", text, err, want)
		}
	}
}

func TestIs(t *testing.T) {
	for line, want := range map[string]bool{
		`{"type":"call"}`: true, `{"type":"CALL"}`: true, `{"type":" cAll "}`: true, `{"type":"c\u0061ll"}`: true, `{"type":"track","event":"call"}`: false,
		`{"type":"track"}`: false, `call`: false, `["call"]`: false, ``: false, `{"message":{"type":"call"}}`: false,
	} {
		if got := call.Is([]byte(line)); got != want {
			t.Errorf("%s is a call: %v, want %v", line, got, want)
		}
	}
}
