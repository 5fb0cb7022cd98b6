package trengo_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo"
)

func decode(t testing.TB, s string) mapping.Event {
	t.Helper()
	ev, err := mapping.Decode([]byte(s))
	if err != nil {
		t.Fatalf("decoding %s: %v", s, err)
	}
	return ev
}

func newMapper(t testing.TB, c trengo.Config) *trengo.Mapper {
	t.Helper()
	m, err := trengo.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// config is an e-mail channel with dedup; change, if set, changes it.
func config(change func(c *trengo.Config)) trengo.Config {
	c := trengo.Config{
		ChannelID: "880", ChannelIdentifier: trengo.Email, Dedup: true,
		Templates: []trengo.EventTemplate{{Event: "E", Template: "{{event}}"}, {Event: "Plain"}},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func noChannel(c *trengo.Config) { c.ChannelID = "" }
func dedupOff(c *trengo.Config)  { c.Dedup = false }
func byPhone(c *trengo.Config)   { c.ChannelIdentifier = trengo.Phone }

func TestMap_faultsAndSkipsCostNoCall(t *testing.T) {
	known := `"context":{"externalId":[{"type":"trengoContactId","id":7}]}`
	tests := []struct {
		name   string
		change func(*trengo.Config)
		event  string
		want   string
	}{
		{"no type", nil, `{}`, "missing_type"},
		{"type of the wrong type", nil, `{"type":5}`, "wrong_type"},
		{"a type not taken", nil, `{"type":"page"}`, "type_not_taken"},
		{"no event name", nil, `{"type":"track"}`, "missing_event"},
		{"null event name", nil, `{"type":"track","event":null}`, "missing_event"},
		{"blank event name", nil, `{"type":"track","event":" "}`, "missing_event"},
		{"numeric event name", nil, `{"type":"track","event":5}`, "wrong_type"},
		{"event in another case", nil, `{"type":"track","event":"e"}`, "event_not_configured"},
		{"event with blanks around", nil, `{"type":"track","event":" E"}`, "event_not_configured"},
		{"identify without identifier", nil, `{"type":"identify","traits":{"name":"N","phone":"1"}}`, "missing_identifier"},
		{"identifier that is no text", nil, `{"type":"identify","traits":{"email":false}}`, "missing_identifier"},
		{"blank identifier", nil, `{"type":"identify","traits":{"email":"  "}}`, "missing_identifier"},
		{"a number as e-mail", nil, `{"type":"identify","traits":{"email":12.50}}`, "missing_identifier"},
		{"no at sign", nil, `{"type":"identify","traits":{"email":"none"}}`, "missing_identifier"},
		{"nothing before the at sign", nil, `{"type":"track","event":"E","properties":{"email":"@example.test"}}`, "missing_identifier"},
		{"nothing behind the at sign", nil, `{"type":"identify","traits":{"email":"ada@"}}`, "missing_identifier"},
		{"two at signs", nil, `{"type":"identify","traits":{"email":"a@b@example.test"}}`, "missing_identifier"},
		{"empty list of e-mails", nil, `{"type":"identify","traits":{"email":[]}}`, "missing_identifier"},
		{"list without an e-mail", nil, `{"type":"identify","traits":{"email":[null,"","none",7,{"email":"a@b"},["a@b"]]}}`, "missing_identifier"},
		{"a word in an address", func(c *trengo.Config) { byPhone(c); dedupOff(c) }, `{"type":"identify","traits":{"phone":"undefined"}}`, "missing_identifier"},
		{"a dash", byPhone, `{"type":"identify","traits":{"phone":"-"}}`, "missing_identifier"},
		{"a plus", byPhone, `{"type":"track","event":"E","properties":{"phone":" + "}}`, "missing_identifier"},
		{"zeros", byPhone, `{"type":"identify","traits":{"phone":"00000"}}`, "missing_identifier"},
		{"letters in a number", byPhone, `{"type":"identify","traits":{"phone":"call me 5pm"}}`, "missing_identifier"},
		{"an e-mail address as phone", byPhone, `{"type":"identify","traits":{"phone":"31612@example.test"}}`, "missing_identifier"},
		{"phone with a fraction", byPhone, `{"type":"identify","traits":{"phone":31612345678.5}}`, "missing_identifier"},
		{"phone of too many digits", byPhone, `{"type":"identify","traits":{"phone":1e1000000000}}`, "missing_identifier"},
		{"phone below zero", byPhone, `{"type":"identify","traits":{"phone":-1}}`, "missing_identifier"},
		{"contact id with a fraction", nil, `{"type":"identify","traits":{"name":"N"},"context":{"externalId":[{"type":"trengoContactId","id":7.5}]}}`, "invalid_id"},
		{"ticket's contact id with a fraction", nil, `{"type":"track","event":"E","context":{"externalId":[{"type":"trengoContactId","id":7e-1}]}}`, "invalid_id"},
		{"contact id of too many digits", nil, `{"type":"track","event":"E","context":{"externalId":[{"type":"trengoContactId","id":1e300}]}}`, "invalid_id"},
		{"channel id with a fraction", noChannel, `{"type":"identify","traits":{"email":"a@b"},"context":{"externalId":[{"type":"trengoChannelId","id":7.5}]}}`, "invalid_id"},
		{"contact id that is a word", nil, `{"type":"track","event":"E","context":{"externalId":[{"type":"trengoContactId","id":"[object Object]"}]}}`, "missing_identifier"},
		{"phone 0", byPhone, `{"type":"identify","traits":{"phone":0}}`, "missing_identifier"},
		{"phone 0.0e5", byPhone, `{"type":"identify","traits":{"phone":0.0e5}}`, "missing_identifier"},
		{"track without identifier", nil, `{"type":"track","event":"E"}`, "missing_identifier"},
		{"contact id without dedup", dedupOff, `{"type":"identify","traits":{"name":"N"},` + known + `}`, "missing_identifier"},
		{"external id is no e-mail", nil, `{"type":"identify","context":{"externalId":[{"type":"trengoChannelId","id":"x"}]}}`, "missing_identifier"},
		{"known contact without a name", nil, `{"type":"identify",` + known + `}`, "nothing_to_update"},
		{"no channel for a create", func(c *trengo.Config) { noChannel(c); dedupOff(c) }, `{"type":"identify","traits":{"email":"a@b"}}`, "missing_channel"},
		{"no channel for a ticket", noChannel, `{"type":"track","event":"E",` + known + `}`, "missing_channel"},
	}
	for _, tt := range tests {
		_, err := newMapper(t, config(tt.change)).Map(decode(t, tt.event))
		if got := resultOf(t, trengo.Message{}, err); got.Code+got.Skip != tt.want {
			t.Errorf("%s: Map = %+v, want %s", tt.name, got, tt.want)
		}
	}
}

func TestMap_externalIDsAreChecked(t *testing.T) {
	for id, want := range map[string]mapping.Code{
		`"a/b"`: mapping.InvalidID, `"a\\b"`: mapping.InvalidID, `"a\nb"`: mapping.InvalidID, `"a\u0085"`: mapping.InvalidID,
		`"."`: mapping.InvalidID, `".."`: mapping.InvalidID, `{"a":1}`: mapping.InvalidID, `[7]`: mapping.InvalidID, `true`: mapping.InvalidID,
		`"a?b#c%"`: "", `"..."`: "", `7`: "", `9007199254740993`: "", `"x y"`: "",
	} {
		for _, typ := range []string{"trengoContactId", "trengoChannelId"} {
			event := `{"type":"track","event":"E","traits":{"email":"a@b"},"context":{"externalId":[{"type":"` + typ + `","id":` + id + `}]}}`
			_, err := newMapper(t, config(nil)).Map(decode(t, event))
			fault, _ := errors.AsType[*mapping.Error](err)
			if got := err != nil; got != (want != "") || got && fault.Code != want {
				t.Errorf("%s %s: Map = %v, want %q", typ, id, err, want)
			}
		}
	}
}

func TestMap_firstExternalIDOfTheTypeCounts(t *testing.T) {
	for list, want := range map[string]string{
		`[{"type":"trengoChannelId","id":"first"},{"type":"trengoChannelId","id":"second"}]`: `"first"`,
		`[null,7,{"type":"other","id":1},{"type":"trengoChannelId","id":71}]`:                `71`,
		`[{"type":"trengoChannelId","id":71.0}]`:                                             `71`,
		`[{"type":"trengoChannelId","id":7.1e1}]`:                                            `71`,
		`[{"type":"trengoChannelId","id":"71.0"}]`:                                           `"71.0"`,
		`[{"type":"trengoChannelId","id":""},{"type":"trengoChannelId","id":"second"}]`:      `"880"`,
		`[{"type":"trengoChannelId","id":0}]`:                                                `"880"`,
		`[{"type":"trengoChannelId","id":false}]`:                                            `"880"`,
		`[{"type":"trengoChannelId","id":null}]`:                                             `"880"`,
		`[{"type":"trengoChannelId","id":" undefined "}]`:                                    `"880"`,
		`[{"type":"trengoChannelId","id":7.5}]`:                                              `"880"`,
		`[{"type":"trengoChannelId","value":"x"}]`:                                           `"880"`,
		`[{"type":"trengoChannelId","id":"undefined"},{"type":"trengoChannelId","id":72.0}]`: `72`,
		`{"type":"trengoChannelId","id":"x"}`:                                                `"x"`,
		`{"a":{"type":"trengoChannelId","id":"x"}}`:                                          `"880"`,
		`[]`: `"880"`,
	} {
		m, err := newMapper(t, config(nil)).Map(decode(t, `{"type":"identify","traits":{"email":"a@b"},"context":{"externalId":`+list+`}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Steps[0].(trengo.SaveContact).Channel.JSON(); got != want {
			t.Errorf("channel of %s = %s, want %s", list, got, want)
		}
	}
}

func TestMap_fieldsComeFromTheFirstUsablePath(t *testing.T) {
	tests := []struct{ body, identifier, name string }{
		{`"traits":{"email":"t@x"},"context":{"traits":{"email":"c@x"}},"properties":{"email":"p@x"}`, "t@x", ""},
		{`"traits":{"email":""},"context":{"traits":{"email":"c@x"}},"properties":{"email":"p@x"}`, "c@x", ""},
		{`"traits":{"email":null},"properties":{"email":" P@x "}`, "P@x", ""},
		{`"traits":{"email":"none"},"context":{"traits":{"email":"@"}},"properties":{"email":"p@x"}`, "p@x", ""},
		{`"traits":{"email":["t@x"]},"properties":{"email":"p@x"}`, "t@x", ""},
		{`"traits":{"email":[]},"properties":{"email":"p@x"}`, "p@x", ""},
		{`"traits":{"email":["none",5]},"properties":{"email":[null,"none","p@x","q@x"]}`, "p@x", ""},
		{`"traits.email":"flat@x","traits":{"email":"t@x"}`, "flat@x", ""},
		{`"traits":{"email":"a@b","name":"Ann Lee","firstName":"No"}`, "a@b", "Ann Lee"},
		{`"traits":{"email":"a@b"},"context":{"traits":{"name":"Ann Lee"}}`, "a@b", "Ann Lee"},
		{`"traits":{"email":"a@b","firstName":"Ann","lastname":"Lee"}`, "a@b", "Ann Lee"},
		{`"traits":{"email":"a@b","first_name":"Ann"}`, "a@b", "Ann"},
		{`"traits":{"email":"a@b","last_name":"Lee"}`, "a@b", "Lee"},
		{`"traits":{"email":"a@b","firstname":"Ann"},"context":{"traits":{"lastName":"Lee"}}`, "a@b", "Ann Lee"},
		{`"traits":{"email":"a@b","name":5,"firstName":"Ann","lastName":false}`, "a@b", "Ann"},
		{`"traits":{"email":"a@b","name":" ","firstName":""}`, "a@b", ""},
		{`"traits":{"email":"a@b","name":"\u0000\u200b","firstName":"\n","lastName":" Lee\t"}`, "a@b", "Lee"},
		{`"traits":{"email":"a@b","name":" Ann \r\n  Lee\u0000 "}`, "a@b", "Ann Lee"},
		{`"traits":{"email":"a@b","name":"Ann  Lee"}`, "a@b", "Ann  Lee"},
		{`"traits":{"email":"a@b","firstName":"Ann\n","lastName":"van\tLee"}`, "a@b", "Ann van Lee"},
	}
	for _, tt := range tests {
		m, err := newMapper(t, config(nil)).Map(decode(t, `{"type":"identify",`+tt.body+`}`))
		if err != nil {
			t.Errorf("%s: %v", tt.body, err)
			continue
		}
		if c := m.Steps[0].(trengo.SaveContact); c.Identifier != tt.identifier || c.Name != tt.name {
			t.Errorf("%s = %q, %q; want %q, %q", tt.body, c.Identifier, c.Name, tt.identifier, tt.name)
		}
	}
}

func TestMap_warningsNameWhatWasCoercedOrLeftOut(t *testing.T) {
	m, err := newMapper(t, config(byPhone)).Map(decode(t, `{"type":"track","event":"Plain","traits":{"phone":true,"name":["secret"]},
		"properties":{"phone":612},"context.traits.phone":["secret",null,true]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"traits.phone is no phone number and was left out",
		"what is no phone number in the list context.traits.phone was left out",
		"properties.phone is a number and goes out as text",
	}
	if diff := cmp.Diff(want, m.Warnings); diff != "" {
		t.Errorf("warnings differ (-want +got):\n%s", diff)
	}
}

func TestMap_subjectsAreRenderedFromTheEvent(t *testing.T) {
	long := strings.Repeat("x", trengo.MaxSubject+10)
	tests := []struct{ template, body, want string }{
		{"{{ event }} from our store", ``, "E from our store"},
		{"{{event}}", `"properties":{"event":"hidden"}`, "E"},
		{"{{properties.event}} {{this.event}} {{@root.event}}", `"properties":{"event":"x"}`, "x E E"},
		{"  {{a}}  ", `"properties":{"a":" 1 "}`, "1"},
		{"{{a}}", ``, ""},
		{"Order {{a}}\n  for {{b}}\t", `"properties":{"a":7,"b":"Ada"}`, "Order 7 for Ada"},
		{"{{a}}", `"properties":{"a":"one \r\ntwo\u0000end\n"}`, "one two end"},
		{"{{a}}  {{b}}", `"properties":{"a":"two  blanks"}`, "two  blanks"},
		{"{{a}}", `"properties":{"a":"\r\n\u200b"}`, ""},
		{"   ", ``, ""},
		{"{{EVENT}} {{Event}}", ``, ""},
		{"{event}", ``, "{event}"},
		{"{{properties}}", `"properties":{"a":1.0}`, `{"a":1.0}`},
		{"{{properties.b}}", `"properties":{"properties":{"b":1},"b":2}`, "2"},
		{"{{traits.a}}{{traits.b}}{{traits.c}}", `"traits":{"a":1,"b":null},"context":{"traits":{"a":9,"b":2,"c":3}}`, "123"},
		{"{{traits.a}}", `"traits":{"a":1}`, "1"},
		{"{{traits.a}}", `"context":{"traits":{"a":2}},"properties":{"traits":{"a":9}}`, "2"},
		{"{{traits.a}}", `"properties":{"traits":{"a":9}}`, "9"},
		{"{{userId}}{{context}}{{messageId}}", `"userId":"u","messageId":"m","context":{"a":1}`, ""},
		{"{{a}}{{length}}", `"properties":[1]`, ""},
		{"{{a}}", `"properties":{"a":"` + long + `"}`, long[:trengo.MaxSubject]},
	}
	for _, tt := range tests {
		mapper := newMapper(t, config(func(c *trengo.Config) {
			c.ChannelIdentifier = trengo.Email
			c.Templates = []trengo.EventTemplate{{Event: "E", Template: tt.template}}
		}))
		event := `{"type":"track","event":"E","email":"a@b"` + strings.Replace(","+tt.body, ",", ",", 1)
		event = strings.TrimSuffix(event, ",") + `,"traits.email":"a@b"}`
		m, err := mapper.Map(decode(t, event))
		if err != nil {
			t.Fatalf("%q: %v", tt.template, err)
		}
		if got := m.Steps[0].(trengo.OpenTicket).Subject; got != tt.want {
			t.Errorf("%q over %.200s = %.100q, want %.100q", tt.template, tt.body, got, tt.want)
		}
		if cut := slices.Contains(m.Warnings, fmt.Sprintf("the subject was cut at %d bytes", trengo.MaxSubject)); cut != (len(tt.want) == trengo.MaxSubject) {
			t.Errorf("%q: warnings %q", tt.template, m.Warnings)
		}
	}
}

func TestMap_onlySubjectsOfEMailChannelsHaveAReference(t *testing.T) {
	for _, tt := range []struct {
		kind     trengo.Identifier
		template string
		on, want bool
	}{
		{trengo.Email, "Order", true, true},
		{trengo.Email, "Order", false, false},
		{trengo.Email, "{{ properties.no }}", true, false},
		{trengo.Email, "", true, false},
		{trengo.Phone, "Order", true, false},
	} {
		mapper := newMapper(t, config(func(c *trengo.Config) {
			c.ChannelIdentifier, c.SubjectRef = tt.kind, tt.on
			c.Templates = []trengo.EventTemplate{{Event: "E", Template: tt.template}}
		}))
		m, err := mapper.Map(decode(t, `{"type":"track","event":"E","context":{"traits":{"email":"a@b","phone":"+31612345678"}}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Steps[0].(trengo.OpenTicket).Referenced; got != tt.want {
			t.Errorf("%s, %q, subject_ref %v: %v, want %v", tt.kind, tt.template, tt.on, got, tt.want)
		}
	}
}

func TestMap_templateThatTakesTooLongIsTheEventsFault(t *testing.T) {
	mapper := newMapper(t, config(func(c *trengo.Config) {
		c.Templates = []trengo.EventTemplate{{Event: "E", Template: "{{#each a}}{{#each ../a}}{{#each ../a}}{{/each}}{{/each}}{{/each}}"}}
	}))
	list := strings.Repeat("1,", 600) + "1"
	_, err := mapper.Map(decode(t, `{"type":"track","event":"E","traits":{"email":"a@b"},"properties":{"a":[`+list+`]}}`))
	if fault, ok := errors.AsType[*mapping.Error](err); !ok || fault.Code != mapping.TemplateError {
		t.Errorf("Map = %v, want template_error", err)
	}
}

func TestConfig_validateNamesAllMistakes(t *testing.T) {
	c := trengo.Config{ChannelID: "a/b", ChannelIdentifier: "Email", Templates: []trengo.EventTemplate{
		{Event: "E", Template: "{{event}}"}, {Event: " "}, {Event: "X", Template: "{{> p}}"}, {Event: "E"},
	}}
	err := c.Validate()
	want := []string{
		"channel_id: holds a slash or a backslash",
		"channel_identifier: is neither email nor phone",
		"event_templates[1].event: is blank",
		"event_templates[2].template: at offset 0: partials are not supported",
		`event_templates[3].event: "E" is named twice`,
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("Validate = %v, want\n%s", err, strings.Join(want, "\n"))
	}
	if _, again := trengo.New(c); again == nil || again.Error() != err.Error() {
		t.Errorf("New = %v, want what Validate says", again)
	}
	if err := (trengo.Config{ChannelID: "  ", ChannelIdentifier: trengo.Phone}).Validate(); err == nil || err.Error() != "channel_id: is blank" {
		t.Errorf("Validate = %v, want a blank channel_id", err)
	}
	if err := (trengo.Config{ChannelIdentifier: trengo.Phone}).Validate(); err != nil {
		t.Errorf("Validate = %v for the least that is needed", err)
	}
}
