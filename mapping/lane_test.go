package mapping_test

import (
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

var laneFields = []string{"userId", "anonymousId", mapping.KeyField}

func TestLane(t *testing.T) {
	deep := func(n int) string {
		return `{"userId":"u","x":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	tests := map[string]struct {
		value, key string
		fields     []string
		want       string
	}{
		"first field present":                     {`{"anonymousId":"a","userId":"u"}`, "k", laneFields, "u"},
		"second when the first is missing":        {`{"anonymousId":"a"}`, "k", laneFields, "a"},
		"empty text is absent":                    {`{"userId":"","anonymousId":"a"}`, "k", laneFields, "a"},
		"null is absent":                          {`{"userId":null,"anonymousId":"a"}`, "k", laneFields, "a"},
		"a list is absent":                        {`{"userId":["u"],"anonymousId":"a"}`, "k", laneFields, "a"},
		"an object is absent":                     {`{"userId":{"userId":"u"}}`, "k", laneFields, "k"},
		"a number by its literal":                 {`{"userId":7}`, "", laneFields, "7"},
		"the same as text":                        {`{"userId":"7"}`, "", laneFields, "7"},
		"a long number":                           {`{"userId":12345678901234567890}`, "", laneFields, "12345678901234567890"},
		"zero and false are present":              {`{"userId":0,"anonymousId":false}`, "", laneFields, "0"},
		"a boolean":                               {`{"anonymousId":false}`, "", laneFields, "false"},
		"a blank is a value":                      {`{"userId":" "}`, "k", laneFields, " "},
		"the last of two counts":                  {`{"userId":"u1","userId":"u2"}`, "", laneFields, "u2"},
		"the last of two counts, if absent too":   {`{"userId":"u1","userId":null}`, "k", laneFields, "k"},
		"an escaped name":                         {`{"user\u0049d":"u"}`, "k", laneFields, "u"},
		"a field of that name deeper down":        {`{"context":{"userId":"u"}}`, "k", laneFields, "k"},
		"the key":                                 {`{}`, "k", laneFields, "k"},
		"a member called key is no key":           {`{"key":"member"}`, "", laneFields, ""},
		"the key first":                           {`{"userId":"u"}`, "k", []string{"key", "userId"}, "k"},
		"no key and no field":                     {`{"event":"x"}`, "", laneFields, ""},
		"the key is not asked for":                {`{}`, "k", []string{"userId"}, ""},
		"a key that is not UTF-8":                 {`{}`, "\xff\x00", laneFields, "base64:/wA="},
		"no JSON":                                 {`{"userId":"u"`, "k", laneFields, "k"},
		"more behind the object":                  {`{"userId":"u"} x`, "k", laneFields, "k"},
		"a list":                                  {`[{"userId":"u"}]`, "k", laneFields, "k"},
		"not UTF-8":                               {"{\"userId\":\"u\",\"x\":\"\xff\"}", "k", laneFields, "k"},
		"a tombstone":                             {"", "k", laneFields, "k"},
		"as deep as an event may be":              {deep(mapping.MaxDepth), "k", laneFields, "u"},
		"deeper than that":                        {deep(mapping.MaxDepth + 1), "k", laneFields, "k"},
		"far deeper":                              {deep(100_000), "k", laneFields, "k"},
		"a lone surrogate":                        {`{"userId":"\ud800"}`, "", laneFields, "\uFFFD"},
		"no fields at all":                        {`{"userId":"u"}`, "k", nil, ""},
		"a field given twice in the file":         {`{"userId":"u"}`, "k", []string{"userId", "userId"}, "u"},
		"another member's fault is the record's":  {`{"userId":"u","x":tru}`, "k", laneFields, "k"},
		"a dotted name is one name and no path":   {`{"a":{"b":"1"},"a.b":"2"}`, "", []string{"a.b"}, "2"},
		"a value that decides nothing is skipped": {`{"x":[{"userId":"v"},[1,"2"]],"userId":"u"}`, "", laneFields, "u"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := mapping.Lane([]byte(tt.value), []byte(tt.key), tt.fields); got != tt.want {
				t.Errorf("Lane(%.60q, %q, %q) = %q, want %q", tt.value, tt.key, tt.fields, got, tt.want)
			}
		})
	}
}

// laneByDecode is what Lane must give, by building the whole event.
func laneByDecode(value []byte, key string, fields []string) string {
	ev, err := mapping.Decode(value)
	for _, field := range fields {
		if field == mapping.KeyField {
			if key != "" {
				return key
			}
			continue
		}
		v := ev.Body.Get(field)
		switch v.Kind() {
		case mapping.String, mapping.Number, mapping.Bool:
			if err == nil && v.Text() != "" {
				return v.Text()
			}
		default: // The others are no lane.
		}
	}
	return ""
}

func FuzzLane(f *testing.F) {
	for _, seed := range []string{
		`{"userId":"u","anonymousId":7}`, `{"userId":{"a":[1]},"anonymousId":true}`, `{"userId":"a","userId":""}`,
		`{"userId":"u"}]`, "{\"userId\":\"\xff\"}", `{"key":1}`, `{"anonymousId":"\udead"}`,
	} {
		f.Add([]byte(seed), "k")
	}
	f.Fuzz(func(t *testing.T, value []byte, key string) {
		key = strings.ToValidUTF8(key, "?")
		if got, want := mapping.Lane(value, []byte(key), laneFields), laneByDecode(value, key, laneFields); got != want {
			t.Errorf("Lane(%q, %q) = %q, but Decode says %q", value, key, got, want)
		}
	})
}
