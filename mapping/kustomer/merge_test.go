package kustomer

import (
	"testing"

	"github.com/deskstream/deskstream/mapping"
)

func TestMerge(t *testing.T) {
	for name, tt := range map[string]struct {
		mode         ListMode
		older, newer string // traits
		want         string // the customer; "" where they do not merge
	}{
		"of each field the newest value": {older: `"name":"A","locale":"nl"`, newer: `"name":"B","gender":"f"`, want: `{"name":"B","externalId":"u1","locale":"nl","gender":"f"}`},
		"null says nothing":              {older: `"name":"A"`, newer: `"name":null`, want: `{"name":"A","externalId":"u1"}`},
		"lists are added to each other":  {older: `"tags":["a","b"]`, newer: `"tags":["b","c"]`, want: `{"externalId":"u1","tags":["a","b","c"]}`},
		"an entry that says more is added to the one before": {
			older: `"emails":["a@b.nl"]`, newer: `"emails":[{"email":"A@b.nl","type":"work"}]`,
			want: `{"externalId":"u1","emails":[{"type":"home","email":"a@b.nl"},{"type":"work","email":"A@b.nl"}]}`,
		},
		"whether a type is our default decides": {older: `"emails":["a@b.nl"]`, newer: `"emails":[{"email":"a@b.nl","type":"home"}]`},
		"attributes that the newer names all":   {older: `"customObject":{"aStr":"1"}`, newer: `"customObject":{"aStr":"2","bStr":"3"}`, want: `{"externalId":"u1","custom":{"aStr":"2","bStr":"3"}}`},
		"a cleared attribute":                   {older: `"customObject":{"aStr":"1"}`, newer: `"customObject":{"aStr":null}`, want: `{"externalId":"u1","custom":{"aStr":null}}`},
		"attributes that the newer leaves out":  {older: `"customObject":{"aStr":"1"}`, newer: `"customObject":{"bStr":"3"}`},
		"no attributes in the newer":            {older: `"customObject":{"aStr":"1"}`, newer: `"name":"B"`, want: `{"externalId":"u1","custom":{"aStr":"1"},"name":"B"}`},
		"another e-mail address":                {older: `"email":"a@b.nl"`, newer: `"email":"c@b.nl"`},
		"a revision":                            {older: `"name":"A"`, newer: `"name":"B","rev":3`},
		"replaced":                              {mode: ReplaceLists, older: `"tags":["a"],"phone":"+31612345678"`, newer: `"tags":["b"]`, want: `{"externalId":"u1","phones":[{"type":"home","phone":"+31612345678"}],"tags":["b"]}`},
		"replaced by a list that repeats":       {mode: ReplaceLists, older: `"tags":["a"]`, newer: `"emails":["a@b.nl","A@b.nl"]`},
		"left":                                  {mode: LeaveLists, older: `"tags":["a"]`, newer: `"tags":["b"],"phone":"+31612345678"`, want: `{"externalId":"u1","tags":["a"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(Config{Lists: tt.mode})
			var messages [2]Message
			for i, traits := range []string{tt.older, tt.newer} {
				ev, err := mapping.Decode([]byte(`{"type":"identify","userId":"u1","traits":{` + traits + `}}`))
				if err != nil {
					t.Fatal(err)
				}
				if messages[i], err = m.Map(ev); err != nil {
					t.Fatal(err)
				}
			}
			got, ok := Merge(messages[0], messages[1])
			if !ok {
				if tt.want != "" {
					t.Errorf("they do not merge")
				}
				return
			}
			u := got.Steps[0].(Upsert)
			if text := u.Customer.JSON(); text != tt.want || !u.Several {
				t.Errorf("merged, of several %v:\n%s, want\n%s", u.Several, text, tt.want)
			}
		})
	}
}

func TestMerge_notWithAnythingElse(t *testing.T) {
	one := Message{Steps: []Step{Upsert{ID: "5fc"}}}
	for name, other := range map[string]Message{
		"an event": {Steps: []Step{Track{}}}, "nothing": {}, "another id": {Steps: []Step{Upsert{ID: "5fd"}}},
		"another mode": {Steps: []Step{Upsert{ID: "5fc", Mode: LeaveLists}}}, "two": {Steps: []Step{Upsert{ID: "5fc"}, Upsert{ID: "5fc"}}},
		"another external id": {Steps: []Step{Upsert{ID: "5fc", ExternalIDs: []string{"a"}}}},
	} {
		if _, ok := Merge(one, other); ok {
			t.Errorf("merged with %s", name)
		}
	}
	if _, ok := Merge(one, one); !ok {
		t.Error("not merged with the same")
	}
}
