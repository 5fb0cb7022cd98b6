package trengo_test

import (
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo"
)

func TestMap_addressesGoOutInTheirPlainForm(t *testing.T) {
	tests := []struct {
		kind trengo.Identifier
		want map[string]string
	}{
		{trengo.Email, map[string]string{
			`" d@example.test\t"`:                `d@example.test`,
			`"\u00a0d@example.test\u200b\u0000"`: `d@example.test`,
			`"Dee V <D@example.test>"`:           `D@example.test`,
			`"none, d@example.test;e@x"`:         `d@example.test`,
			`"mailto:d@example.test"`:            `d@example.test`,
			`["Dee <d@example.test>","e@x"]`:     `d@example.test`,
		}},
		{trengo.Phone, map[string]string{
			`31612345678`:                       `31612345678`,
			`31612345678.0`:                     `31612345678`,
			`3.1612345678e10`:                   `31612345678`,
			`"31612345678.0"`:                   `31612345678`,
			`"3.1612345678E+10"`:                `31612345678`,
			`["-",3.1612345678e10]`:             `31612345678`,
			`"\u00a0+31612345678\u200b"`:        `+31612345678`,
			`"0031612345678"`:                   `+31612345678`,
			`"00 31 6 1234 5678"`:               `+31 6 1234 5678`,
			`"+31(0)612345678"`:                 `+31612345678`,
			`"+31 (0)6 1234 5678"`:              `+31 6 1234 5678`,
			`"0031 (0) 6 1234 5678"`:            `+31 6 1234 5678`,
			`"tel:0031612345678"`:               `+31612345678`,
			`"whatsapp:+31612345678"`:           `+31612345678`,
			`"31612345678@c.us"`:                `31612345678`,
			`"31612345678@s.whatsapp.net"`:      `31612345678`,
			`"+\u0663\u0661\u0666"`:             `+316`,
			`"\uff0b\uff13\uff11\uff16"`:        `+316`,
			`"+31201234567 ext. 12"`:            `+31201234567`,
			`"+31201234567;ext=12"`:             `+31201234567`,
			`"n/a; +31201234567, +31201234568"`: `+31201234567`,
			`["n/a","+31201234567"]`:            `+31201234567`,
			`"020/1234567"`:                     `020/1234567`,
			`"(06) 12345678"`:                   `(06) 12345678`,
			`"+31 6 12-34 56.78"`:               `+31 6 12-34 56.78`,
			`"612"`:                             `612`,
		}},
	}
	for _, tt := range tests {
		for value, want := range tt.want {
			m, err := newMapper(t, config(func(c *trengo.Config) { c.ChannelIdentifier = tt.kind })).Map(
				decode(t, `{"type":"identify","traits":{"`+string(tt.kind)+`":`+value+`}}`))
			if err != nil {
				t.Errorf("%s: %v", value, err)
			} else if got := m.Steps[0].(trengo.SaveContact).Identifier; got != want {
				t.Errorf("%s %s = %q, want %q", tt.kind, value, got, want)
			}
		}
	}
}

func TestMap_contactIDsThatAreNoneLeaveTheAddress(t *testing.T) {
	for id, want := range map[string]struct{ id, identifier, warning string }{
		`9001`:              {`9001`, "", ""},
		`9001.0`:            {`9001`, "", ""},
		`9.001e3`:           {`9001`, "", ""},
		`"9001"`:            {`"9001"`, "", ""},
		`"undefined"`:       {`null`, "a@b", "context.externalId of type trengoContactId is a word that means nobody and was left out"},
		`"[object Object]"`: {`null`, "a@b", "context.externalId of type trengoContactId is a word that means nobody and was left out"},
		`9001.5`:            {`null`, "a@b", "context.externalId of type trengoContactId is a number with a fraction, or a very long one, and was left out"},
		`0.0`:               {`null`, "a@b", "context.externalId of type trengoContactId is the number 0, which means nobody, and was left out"},
		`"\u200b"`:          {`null`, "a@b", ""},
	} {
		m, err := newMapper(t, config(nil)).Map(decode(t, `{"type":"track","event":"E","properties":{"email":"a@b"},"context":{"externalId":[{"type":"trengoContactId","id":`+id+`}]}}`))
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		c := m.Steps[0].(trengo.OpenTicket).Contact
		if c.ID.JSON() != want.id || c.Identifier != want.identifier || strings.Join(m.Warnings, ", ") != want.warning {
			t.Errorf("%s = %s, %q, warnings %q; want %+v", id, c.ID.JSON(), c.Identifier, m.Warnings, want)
		}
	}
}

func TestMap_wordsOfTheConfigurationAreNoAddressAndNoID(t *testing.T) {
	ev := decode(t, `{"type":"track","event":"E","traits":{"phone":"0000001"},"properties":{"phone":"+31612345678"},
		"context":{"externalId":[{"type":"trengoContactId","id":"guest"}]}}`)
	ev.NoIDs = mapping.NoIDs{"guest", "0000001"}
	m, err := newMapper(t, config(byPhone)).Map(ev)
	if err != nil {
		t.Fatal(err)
	}
	if c := m.Steps[0].(trengo.OpenTicket).Contact; c.ID.Exists() || c.Identifier != "+31612345678" || len(m.Warnings) != 2 {
		t.Errorf("Map = %v, %q with warnings %q; want the phone number of the properties and two warnings", c.ID, c.Identifier, m.Warnings)
	}
}

func TestIdentifier_normalFormsAgreeForOneAddress(t *testing.T) {
	tests := []struct {
		kind trengo.Identifier
		a, b string
		same bool
	}{
		{trengo.Email, "Ada@Example.test", " ada@example.TEST\t", true},
		{trengo.Email, "STRASSE@x", "strasse@x", true},
		{trengo.Email, "\u0130da@x", "ida@x", false},
		{trengo.Email, "\u0131da@x", "ida@x", false},
		{trengo.Email, "a.b@x", "ab@x", false},
		{trengo.Phone, "+31 (20) 123-45", "312012345", true},
		{trengo.Phone, "+31612345678", "0031 612345678", true},
		{trengo.Phone, "+31612345678", "+31 (0)6 1234 5678", true},
		{trengo.Phone, "+31612345678", "31612345678@c.us", true},
		{trengo.Phone, "0612", "+31612", false},
		{trengo.Phone, "0612345678", "612345678", false},
	}
	for _, tt := range tests {
		if got := tt.kind.Normal(tt.a) == tt.kind.Normal(tt.b); got != tt.same {
			t.Errorf("%s: %q and %q are the same: %v, want %v", tt.kind, tt.a, tt.b, got, tt.same)
		}
	}
	for _, none := range []string{"", "-", "n/a", "undefined", "00000", "31612@wa.example"} {
		if got := trengo.Phone.Normal(none); got != "" {
			t.Errorf("the normal form of phone number %q = %q, want none", none, got)
		}
	}
	for _, none := range []string{"", "none", "@", "+31612345678"} {
		if got := trengo.Email.Normal(none); got != "" {
			t.Errorf("the normal form of e-mail address %q = %q, want none", none, got)
		}
	}
}
