package trengo_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/deskstream/deskstream/mapping"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
)

func TestSend_onlyExactHitsCount(t *testing.T) {
	email, phone := ada(), mapped.Contact{Kind: mapped.Phone, Identifier: "0031 20-123", Channel: mapping.Int(880)}
	tests := []struct {
		name    string
		contact mapped.Contact
		hits    []string
		want    string // the contact's id, or the outcome
	}{
		{"by identifier", email, []string{`{"id":1,"identifier":" ADA@example.TEST "}`}, "1"},
		{"by e-mail", email, []string{`{"id":"2","identifier":"+31","email":"ada@example.test"}`}, "2"},
		{"by phone", phone, []string{`{"id":3,"phone":"+0031 20123","email":null}`}, "3"},
		{"by a phone with a plus", phone, []string{`{"id":3,"identifier":"+31 (0)20 123"}`}, "3"},
		{"by a WhatsApp id", phone, []string{`{"id":3,"identifier":"3120123@c.us","channels":[{"id":4,"type":"WA_BUSINESS"}]}`}, "3"},
		{"national number", phone, []string{`{"id":3,"phone":"020123"}`}, "invalid contact_not_found"},
		{"national number at the event", mapped.Contact{Kind: mapped.Phone, Identifier: "020123"}, []string{`{"id":3,"phone":"+3120123"}`, `{"id":4,"phone":"20123"}`}, "invalid contact_not_found"},
		{"national number as Trengo stores it", mapped.Contact{Kind: mapped.Phone, Identifier: "020-123"}, []string{`{"id":3,"phone":"+020123"}`}, "3"},
		{"Telegram's id", phone, []string{`{"id":3,"identifier":"3120123","channels":[{"id":4,"type":"TELEGRAM"}]}`}, "invalid contact_not_found"},
		{"Telegram's id, no phone at all", phone, []string{`{"id":3,"identifier":"3120123","is_phone":false}`, `{"id":4,"identifier":"3120123","is_phone":0}`}, "invalid contact_not_found"},
		{"Telegram's id beside the phone", phone, []string{`{"id":3,"identifier":"99","phone":"+3120123","channels":[{"id":4,"type":"TELEGRAM"}]}`}, "3"},
		{"phone channel beside Telegram", phone, []string{`{"id":3,"identifier":"3120123","channels":[{"id":4,"type":"TELEGRAM"},{"id":5,"type":"VOIP"}]}`}, "3"},
		{"id of the owner's own channel", phone, []string{`{"id":3,"identifier":"3120123","is_phone":false,"channels":[{"id":880,"type":"CUSTOM"}]}`}, "3"},
		{"channels without a type", phone, []string{`{"id":3,"identifier":"3120123","is_phone":1,"channels":[null,{"id":4}]}`}, "3"},
		{"by a phone that is a number", mapped.Contact{Kind: mapped.Phone, Identifier: "+3120"}, []string{`{"id":3,"phone":3120}`}, "3"},
		{"one of several", email, []string{`{"id":1,"email":"xada@example.test"}`, `{"id":2,"email":"ada@example.test"}`, `{"id":3,"name":"ada@example.test"}`}, "2"},
		{"none", email, []string{`{"id":1,"email":"ada@example.test.invalid"}`, `{"id":2}`, `{"id":3,"email":["ada@example.test"]}`}, "invalid contact_not_found"},
		{"longer number", phone, []string{`{"id":6,"phone":"+31003120123"}`}, "invalid contact_not_found"},
		{"digits in an e-mail", phone, []string{`{"id":6,"email":"003120123@wa.example"}`}, "invalid contact_not_found"},
		{"stored placeholder", phone, []string{`{"id":6,"phone":"-","identifier":null}`}, "invalid contact_not_found"},
		{"several, none in the channel", email, []string{adaHit, `{"id":8,"email":"ada@example.test","channels":[{"id":1}]}`}, "invalid ambiguous_contact"},
		{"several, two in the channel", email, []string{`{"id":7,"email":"ada@example.test","channels":[{"id":880}]}`, `{"id":8,"email":"ada@example.test","channels":[{"id":"880"}]}`}, "invalid ambiguous_contact"},
		{"several, one in the channel", email, []string{adaHit, `{"id":8,"email":"ada@example.test","channels":[null,{"id":1},{"id":880}]}`}, "8"},
		{"one, in another channel", email, []string{`{"id":8,"email":"ada@example.test","channels":[{"id":1}]}`}, "8"},
		{"fits, no id", email, []string{`{"email":"ada@example.test"}`}, "exhausted bad_answer"},
		{"fits, id 0", email, []string{`{"id":0,"email":"ada@example.test"}`}, "exhausted bad_answer"},
		{"fits, id negative", email, []string{`{"id":-7,"email":"ada@example.test"}`}, "exhausted bad_answer"},
		{"fits, id a fraction", email, []string{`{"id":7.5,"email":"ada@example.test"}`}, "exhausted bad_answer"},
		{"fits, id a whole number", email, []string{`{"id":7.0,"email":"ada@example.test","channels":[{"id":1}]}`, `{"id":8e0,"email":"ada@example.test","channels":[{"id":8.8e2}]}`}, "8"},
		{"fits, phone a whole number", phone, []string{`{"id":7,"phone":3120123.0}`}, "7"},
		{"fits, id too long", email, []string{`{"id":` + strings.Repeat("7", sink.MaxID+1) + `,"email":"ada@example.test"}`}, "exhausted bad_answer"},
		{"fits, id a path", email, []string{`{"id":"../7","email":"ada@example.test"}`}, "exhausted bad_answer"},
		{"does not fit, no id", email, []string{`{"email":"x"}`, adaHit}, "7"},
		{"null among them", email, []string{adaHit, `null`}, "exhausted bad_answer"},
		{"text among them", email, []string{`"x"`}, "exhausted bad_answer"},
	}
	for _, tt := range tests {
		do := script([]answer{hits(tt.hits...)}, nil, []answer{{201, `{"id":42}`}})
		receipt, err := send(t, newIDs(), do, mapped.OpenTicket{Contact: tt.contact})
		if got := outcome(t, err) + receipt.IDs["contact_id"]; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSend_contactsWithoutAnAddressShareNothing(t *testing.T) {
	ids := newIDs()
	for _, c := range []mapped.Contact{
		{Kind: mapped.Phone, Identifier: "-"}, {Kind: mapped.Phone, Identifier: "n/a"}, {Kind: mapped.Email, Identifier: "none"}, {Kind: mapped.Email},
	} {
		c.Channel = mapping.Int(880)
		for _, step := range []mapped.Step{mapped.SaveContact{Contact: c}, mapped.SaveContact{Contact: c, Search: true}, mapped.OpenTicket{Contact: c, Create: true}} {
			do := script([]answer{hits()}, nil, []answer{{201, `{"id":9}`}})
			_, err := send(t, ids, do, step)
			if got := outcome(t, err); got != "invalid missing_identifier" || len(do.calls) > 0 {
				t.Errorf("%T for %q: outcome = %q after %q, want missing_identifier without a call", step, c.Identifier, got, do.seen())
			}
		}
	}
}

func TestSend_spellingsOfOneNumberShareTheRememberedID(t *testing.T) {
	ids := newIDs()
	do := script([]answer{hits(`{"id":7,"phone":"+31612345678"}`)}, nil, []answer{{201, `{"id":42}`}})
	for i, identifier := range []string{"+31612345678", "+31 6 1234 5678", "31612345678", "0612345678"} {
		_, err := send(t, ids, do, mapped.OpenTicket{Contact: mapped.Contact{Kind: mapped.Phone, Identifier: identifier, Channel: mapping.Int(880)}})
		if want := []string{"", "", "", "invalid contact_not_found"}[i]; outcome(t, err) != want {
			t.Errorf("%s: %v, want %q", identifier, err, want)
		}
	}
	var searches []string
	for _, c := range do.calls {
		if c.Lookup {
			searches = append(searches, c.Query)
		}
	}
	if diff := cmp.Diff([]string{"page=1&term=%2B31612345678", "page=1&term=0612345678"}, searches); diff != "" {
		t.Errorf("searches differ (-want +got):\n%s", diff)
	}
}

// Trengo's create gives the contact that is there already: a number that stands there in
// another notation is not found by a search.
func TestSend_createThatAnswersAnOldContactGivesItTheName(t *testing.T) {
	for answered, renames := range map[string]bool{
		`{"id":9,"name":"Ada","identifier":"ada@example.test"}`:              false,
		`{"id":9,"name":" Ada ","email":"ADA@example.test"}`:                 false,
		`{"id":9,"name":"Someone","identifier":"ada@example.test"}`:          true,
		`{"id":9,"name":null,"identifier":"+31","email":"ada@example.test"}`: true,
		`{"id":9,"identifier":"ada@example.test"}`:                           false,
		`{"id":9,"name":"Someone","identifier":"bob@example.test"}`:          false,
		`{"id":9,"name":"Someone"}`:                                          false,
		`{"id":0,"name":"Someone","identifier":"ada@example.test"}`:          false,
	} {
		do := script([]answer{hits()}, []answer{{200, `{}`}}, []answer{{200, answered}})
		_, err := send(t, newIDs(), do, saveAda("Ada"))
		var after []string
		if renames {
			after = []string{`PUT /contacts/9 {"name":"Ada"}`}
		}
		if diff := cmp.Diff(after, do.seen()[2:], cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("answer %s: %v, calls after the create (-want +got):\n%s", answered, err, diff)
		}
	}
	old := answer{200, `{"id":9,"name":"Someone","identifier":"ada@example.test"}`}
	unsearched, mayCreate := saveAda("Ada"), openAda()
	unsearched.Search, mayCreate.Create, mayCreate.Name = false, true, "Ada"
	for _, step := range []mapped.Step{unsearched, saveAda(""), mayCreate} {
		do := script([]answer{hits()}, nil, []answer{old, {201, `{"id":42}`}})
		if _, err := send(t, newIDs(), do, step); err != nil {
			t.Errorf("%+v: %v after %q, want no rename", step, err, do.seen())
		}
	}
}
