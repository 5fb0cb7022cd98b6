package unified_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// Nothing of a body is lost, whatever it is.
func TestBody_rawIsAnObjectThatHoldsAll(t *testing.T) {
	deep := strings.Repeat("[", mapping.MaxDepth) + strings.Repeat("]", mapping.MaxDepth)
	tests := []struct {
		name, body, raw string
		form, readable  bool
	}{
		{"an object", ` {"a" : 1.50, "a": "<&>"} `, `{"a":1.50,"a":"<&>"}`, false, true},
		{"a number beyond a double", `{"id":9007199254740993}`, `{"id":9007199254740993}`, false, true},
		{"a byte-order mark", "\uFEFF{}", `{}`, false, true},
		{"no object", `[1, 2]`, `{"body":[1,2]}`, false, false},
		{"no JSON", `{"a":`, `{"text":"{\"a\":"}`, false, false},
		{"nothing", ``, `{"text":""}`, false, false},
		{"no text", "{\"a\":\"\xff\"}", `{"base64":"eyJhIjoi/yJ9"}`, false, false},
		{"too deep", deep, `{"text":"` + deep + `"}`, false, false},
		{"a form", `b=2&a=1&a=%3C`, `{"a":["1","<"],"b":"2"}`, true, true},
		{"an empty form", ``, `{}`, true, true},
		{"no form", `a=%zz`, `{"text":"a=%zz"}`, true, false},
		{"a form that is no text", `a=%ff`, `{"text":"a=%ff"}`, true, true},
		{"a form in other bytes", "a=\xff", `{"base64":"YT3/"}`, true, true},
	}
	for _, tt := range tests {
		read := unified.JSONBody
		if tt.form {
			read = unified.FormBody
		}
		body := read([]byte(tt.body))
		if string(body.Raw) != tt.raw || body.Value.Exists() != tt.readable {
			t.Errorf("%s: raw %.80s, readable %v; want %.80s, %v", tt.name, body.Raw, body.Value.Exists(), tt.raw, tt.readable)
		}
		if _, err := mapping.ParseNested(body.Raw, 3); err != nil {
			t.Errorf("%s: raw inside an event: %v", tt.name, err)
		}
	}
}

func TestParseTime(t *testing.T) {
	amsterdam, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]unified.Time{
		"2024-01-11 10:28:24":           "2024-01-11T09:28:24.000Z",
		"2024-07-11 10:28:24":           "2024-07-11T08:28:24.000Z",
		"2024-07-11T10:28:24":           "2024-07-11T08:28:24.000Z",
		"2024-07-11T10:28:24.000000Z":   "2024-07-11T10:28:24.000Z",
		"2024-07-11T10:28:24.123456Z":   "2024-07-11T10:28:24.123Z",
		"2024-07-11T10:28:24.123Z":      "2024-07-11T10:28:24.123Z",
		"2024-07-11T10:28:24,123Z":      "2024-07-11T10:28:24.123Z",
		"0000-01-01T00:00:00.000Z":      "",
		"0001-01-01T00:00:00.000Z":      "",
		"2024-07-11T10:28:24+02:00":     "2024-07-11T08:28:24.000Z",
		" 2024-07-11T10:28:24Z ":        "2024-07-11T10:28:24.000Z",
		"":                              "",
		"yesterday":                     "",
		"0000-00-00 00:00:00":           "",
		"2024-02-30 00:00:00":           "",
		"9999-12-31T23:59:59-23:00":     "",
		"20240711":                      "",
		"2024-07-11T10:28:24.000000000": "2024-07-11T08:28:24.000Z",
	} {
		if got := unified.ParseTime(text, amsterdam); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if !unified.Time("").Moment().IsZero() || unified.At(time.Time{}) != "" {
		t.Error("no time is a moment")
	}
	if at := unified.Time("2024-07-11T08:28:24.000Z").Moment(); at.Unix() != 1720686504 {
		t.Errorf("the moment is %v", at)
	}
}

func TestRead_takesTheFormsThatDesksHave(t *testing.T) {
	v, err := mapping.ParseJSON([]byte(`{"id":7,"big":9007199254740993,"text":"x","empty":"","null":null,"yes":"1","no":0,"true":true,
		"half":1.5,"count":"12","less":-1,"list":[1,"2",{"id":3,"name":"c","title":"C"},null,[]],"php":[],"object":{"a":null,"b":[1]}}`))
	if err != nil {
		t.Fatal(err)
	}
	text := func(names ...string) string { return unified.Text(v, names...) }
	got := []string{text("id"), text("big"), text("empty", "null", "php", "object", "text"), text("gone"), text("half"), text("true")}
	if diff := cmp.Diff([]string{"7", "9007199254740993", "x", "", "1.5", "true"}, got); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]*bool{new(true), new(false), new(true), nil, nil}, []*bool{
		unified.Flag(v, "yes"), unified.Flag(v, "no"), unified.Flag(v, "true"), unified.Flag(v, "text"), unified.Flag(v, "gone"),
	}); diff != "" {
		t.Errorf("flags (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]*int{new(12), nil, nil, nil}, []*int{
		unified.Count(v, "count"), unified.Count(v, "less"), unified.Count(v, "half"), unified.Count(v, "big2"),
	}); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, unified.IDs(v, "list")); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]unified.Ref{{ID: "1"}, {ID: "2"}, {ID: "3", Name: "C"}}, unified.Refs(v, "list")); diff != "" {
		t.Errorf("refs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(unified.Values{"b": unified.Raw("[1]")}, unified.ValuesOf(v.Get("object"))); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if unified.ValuesOf(v.Get("php")) != nil || unified.IDs(v, "text") != nil {
		t.Error("what is no list or object has elements")
	}
	for word, want := range map[string]string{"": "", "INBOUND": "in", "out": "out", "sideways": "unknown"} {
		if got := unified.Direction(word); got != want {
			t.Errorf("direction %q is %q, want %q", word, got, want)
		}
	}
}

func TestEvent_keyIsTheTicketsElseTheContacts(t *testing.T) {
	meta := func(id string) unified.Meta { return unified.Meta{ID: id} }
	for want, e := range map[string]unified.Event{
		"inbox/ticket/42":  {Ticket: &unified.Ticket{Meta: meta("42")}, Contact: &unified.Contact{Meta: meta("9")}},
		"inbox/ticket/43":  {Comment: &unified.Comment{TicketID: "43"}},
		"inbox/contact/9":  {Ticket: &unified.Ticket{}, Contact: &unified.Contact{Meta: meta("9")}},
		"inbox/user/7":     {User: &unified.User{Meta: meta("7")}},
		"inbox/team/3":     {Team: &unified.Team{Meta: meta("3")}},
		"inbox/label/4001": {Label: &unified.Label{Meta: meta("4001")}},
		"inbox":            {Label: &unified.Label{}},
	} {
		e.Destination = "inbox"
		if got := e.Key(); got != want {
			t.Errorf("key = %q, want %q", got, want)
		}
	}
}

func TestEncode_isOneLineWithoutHTMLEscapes(t *testing.T) {
	text, err := unified.Encode(unified.Event{DeskEvent: "<a&b>", Raw: unified.Raw("{\n}")})
	if err != nil || !bytes.Contains(text, []byte("<a&b>")) || bytes.ContainsRune(text, '\n') {
		t.Errorf("%s, %v", text, err)
	}
}
