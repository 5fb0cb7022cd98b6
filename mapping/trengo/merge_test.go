package trengo

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
)

func TestMerge(t *testing.T) {
	saved := func(name, identifier, id, channel string, warnings ...string) Message {
		c := Contact{Kind: Email, Identifier: identifier, Name: name, Channel: mapping.Str(channel)}
		if id != "" {
			c.ID = mapping.Str(id)
		}
		return Message{Steps: []Step{SaveContact{Contact: c, Search: true}}, Warnings: warnings}
	}
	one := saved("A", "a@b.nl", "", "7", "older")
	for name, tt := range map[string]struct {
		newer Message
		want  string // the name; "" where they do not merge
	}{
		"the newest name":           {saved("B", "a@b.nl", "", "7", "newer"), "B"},
		"the one that has a name":   {saved("", "a@b.nl", "", "7", "newer"), "A"},
		"another address":           {saved("B", "A@b.nl", "", "7"), ""},
		"another channel":           {saved("B", "a@b.nl", "", "8"), ""},
		"the channel as a number":   {Message{Steps: []Step{SaveContact{Contact: Contact{Kind: Email, Identifier: "a@b.nl", Channel: mapping.Num("7")}, Search: true}}}, ""},
		"an id":                     {saved("B", "a@b.nl", "9", "7"), ""},
		"not looked for first":      {Message{Steps: []Step{SaveContact{Contact: Contact{Kind: Email, Identifier: "a@b.nl", Channel: mapping.Str("7")}}}}, ""},
		"a ticket":                  {Message{Steps: []Step{OpenTicket{Contact: Contact{Kind: Email, Identifier: "a@b.nl", Channel: mapping.Str("7")}}}}, ""},
		"nothing":                   {Message{}, ""},
		"more than the one contact": {Message{Steps: append(saved("B", "a@b.nl", "", "7").Steps, OpenTicket{})}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Merge(one, tt.newer)
			if ok != (tt.want != "") {
				t.Fatalf("Merge = %v", ok)
			}
			if want := saved(tt.want, "a@b.nl", "", "7", "newer"); ok && !cmp.Equal(want, got, cmp.AllowUnexported(mapping.Value{})) {
				t.Errorf("merged (-want +got):\n%s", cmp.Diff(want, got, cmp.AllowUnexported(mapping.Value{})))
			}
			if _, ok := Merge(tt.newer, one); ok != (tt.want != "") {
				t.Errorf("the other way round Merge = %v", ok)
			}
		})
	}
	if got, ok := Merge(saved("A", "", "9", ""), saved("B", "", "9", "")); !ok || got.Steps[0].(SaveContact).Name != "B" {
		t.Errorf("contacts of one id do not merge: %v", got)
	}
}
