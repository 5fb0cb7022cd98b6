package avro_test

import (
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

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
			if got := s.Lane(data, []byte("k"), tt.fields); got != tt.want {
				t.Errorf("Lane(%s, %q) = %q, want %q", tt.json, tt.fields, got, tt.want)
			}
			if got := s.Lane(data[:len(data)-1], []byte("k"), fields); got != "k" && len(data) > 1 {
				t.Errorf("Lane of a record that is cut = %q, want k", got)
			}
		})
	}
}
