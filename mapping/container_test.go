package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

func TestDecode_containersOfTheWrongTypeAreAbsent(t *testing.T) {
	for text, want := range map[string]struct {
		body     string
		warnings []string
	}{
		`{"traits":{},"properties":{},"context":{"traits":{},"externalId":[]}}`: {`{"traits":{},"properties":{},"context":{"traits":{},"externalId":[]}}`, nil},
		`{"traits":null,"properties":null,"context":null}`:                      {`{"traits":null,"properties":null,"context":null}`, nil},
		`{"traits":[],"a":1}`:                      {`{"a":1}`, []string{"traits is a list and was left out"}},
		`{"traits":5}`:                             {`{}`, []string{"traits is a number and was left out"}},
		`{"properties":["a"],"a":1}`:               {`{"a":1}`, []string{"properties is a list and was left out"}},
		`{"properties":"p=1"}`:                     {`{}`, []string{"properties is text and was left out"}},
		`{"properties":true}`:                      {`{}`, []string{"properties is a boolean and was left out"}},
		`{"context":"","traits":{}}`:               {`{"traits":{}}`, []string{"context is text and was left out"}},
		`{"context":[{"traits":[]}]}`:              {`{}`, []string{"context is a list and was left out"}},
		`{"context":{"traits":"x","locale":"nl"}}`: {`{"context":{"locale":"nl"}}`, []string{"context.traits is text and was left out"}},
		`{"context":{"externalId":"x","externalIds":7,"traits":{}}}`: {`{"context":{"traits":{}}}`, []string{
			"context.externalId is text and was left out", "context.externalIds is a number and was left out",
		}},
		`{"traits":[],"context":{"traits":[]},"properties":[]}`: {`{"context":{}}`, []string{
			"traits is a list and was left out", "context.traits is a list and was left out", "properties is a list and was left out",
		}},
	} {
		ev := mustDecode(t, text)
		if ev.Body.JSON() != want.body || !slices.Equal(ev.Warnings, want.warnings) {
			t.Errorf("%s is read as %s, warnings %q; want %s, %q", text, ev.Body.JSON(), ev.Warnings, want.body, want.warnings)
		}
	}
}

func TestDecode_warnsOfIDsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		`{"userId":"u","anonymousId":7}`:           "",
		`{"userId":"","anonymousId":null}`:         "",
		`{"userId":" ","anonymousId":"0"}`:         "",
		`{"userId":["undefined"],"groupId":"nil"}`: "",
		`{"userId":"undefined"}`:                   "userId is a word that means nobody and was left out",
		`{"anonymousId":"\t(null) "}`:              "anonymousId is a word that means nobody and was left out",
		`{"userId":0.0}`:                           "userId is the number 0, which means nobody, and was left out",
		`{"userId":7.5}`:                           "userId is a number with a fraction, or a very long one, and was left out",
		`{"userId":1e256,"anonymousId":"a"}`:       "userId is a number with a fraction, or a very long one, and was left out",
	} {
		ev := mustDecode(t, text)
		if got := strings.Join(ev.Warnings, ";"); got != want {
			t.Errorf("warnings of %s = %q, want %q", text, got, want)
		}
		if got := ev.Body.JSON(); got != text && !strings.Contains(text, `\t`) {
			t.Errorf("%s is read as %s", text, got)
		}
	}
}

func TestEvent_externalID(t *testing.T) {
	const two = `"externalId":[{"type":"x","id":"first"},{"type":"x","id":"second"}],"externalIds":[{"type":"x","id":"third"}]`
	for context, want := range map[string]struct {
		id, path string
		warning  string
	}{
		two:                                     {`"first"`, "context.externalId", ""},
		`"externalIds":[{"type":"x","id":"s"}]`: {`"s"`, "context.externalIds", ""},
		`"externalIds":{"id":"s","type":"x","collection":"users","encoding":"none"}`:               {`"s"`, "context.externalIds", ""},
		`"externalId":{"type":"x","id":7}`:                                                         {`7`, "context.externalId", ""},
		`"externalId":[null,7,"x",{"type":"y","id":1}],"externalIds":[{"type":"x","id":9001.0}]`:   {`9001`, "context.externalIds", ""},
		`"externalId":[{"type":"x","id":""},{"type":"x","id":"second"}]`:                           {``, "", ""},
		`"externalId":[{"type":"x","id":false}],"externalIds":[{"type":"x","id":"s"}]`:             {``, "", ""},
		`"externalId":[{"type":"x","value":"v"}]`:                                                  {``, "", ""},
		`"externalId":[{"type":"x","id":" undefined "},{"type":"x","id":"second"}]`:                {`"second"`, "context.externalId", "context.externalId of type x is a word that means nobody and was left out"},
		`"externalId":[{"type":"x","id":-0.0}]`:                                                    {``, "", "context.externalId of type x is the number 0, which means nobody, and was left out"},
		`"externalId":[{"type":"x","id":7.5}],"externalIds":[{"type":"x","id":"s"}]`:               {`"s"`, "context.externalIds", "context.externalId of type x is a number with a fraction, or a very long one, and was left out"},
		`"externalId":[{"type":"x","id":7.5},{"type":"x","id":null}]`:                              {`7.5`, "context.externalId", "context.externalId of type x is a number with a fraction, or a very long one, and was left out"},
		`"externalId":[{"type":"x","id":true},{"type":"x","id":true},{"type":"x","id":"s"}]`:       {`"s"`, "context.externalId", "context.externalId of type x is a boolean, no id, and was left out"},
		`"externalId":[{"type":"x","id":["s"]}],"externalIds":[{"type":"y","id":"s"},{"id":"s"}]`:  {`["s"]`, "context.externalId", "context.externalId of type x is a list, no id, and was left out"},
		`"traits":{"externalId":[{"type":"x","id":"s"}]},"externalId":[[{"type":"x","id":"s"}]]`:   {``, "", ""},
		`"externalId":[{"type":"x","id":"guest"}],"externalIds":[{"type":"x","id":"s"}],"a":"nil"`: {`"guest"`, "context.externalId", ""},
	} {
		ev := mustDecode(t, `{"context":{`+context+`}}`)
		id, path, warnings := ev.ExternalID("x")
		got := ""
		if id.Kind() != mapping.Absent {
			got = id.JSON()
		}
		wanted := []string{want.warning}
		if want.warning == "" {
			wanted = nil
		}
		if got != want.id || path != want.path || !slices.Equal(warnings, wanted) {
			t.Errorf("ExternalID of %s = %s, %q, %q; want %s, %q, %q", context, got, path, warnings, want.id, want.path, want.warning)
		}
	}
	own := mapping.Event{NoIDs: mapping.NoIDs{"guest"}, Body: mustParse(t, `{"context":{"externalIds":[{"type":"x","id":"guest"},{"type":"x","id":"undefined"}]}}`)}
	if id, _, _ := own.ExternalID("x"); id.Str() != "undefined" {
		t.Errorf("ExternalID with words of its own = %s, want undefined", id.JSON())
	}
}
