package trengo_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// named are the names in a list that ada shows.
func (s *scene) named(list string) (names []string) {
	for _, m := range s.call("GET", "/contacts/"+s.contact, "").Get(list).Members() {
		names = append(names, m.Value.Get("name").Str())
	}
	return names
}

// profiles are the names of the account's profiles.
func (s *scene) profiles() (names []string) {
	for _, m := range s.call("GET", "/profiles", "").Get("data").Members() {
		names = append(names, m.Value.Get("name").Str())
	}
	return names
}

func actions(list ...rules.Action) rules.Decision { return rules.Decision{Actions: list} }

func TestAct_joinsGroups(t *testing.T) {
	tests := map[string]struct {
		there string // groups that ada is in
		join  []string
		put   string // "" for no update
		steps string
	}{
		"none yet":         {"[]", []string{"VIP"}, "[7001]", "groups done"},
		"beside another":   {"[7002]", []string{"VIP"}, "[7001,7002]", "groups done"},
		"one is there":     {"[7001]", []string{"VIP", "Wholesale"}, "[7001,7002]", "groups done"},
		"all are there":    {"[7001,7002]", []string{"7002", "VIP"}, "", "groups skipped"},
		"one does not be":  {"[]", []string{"Nobody", "VIP", "VIP"}, "[7001]", "groups done"},
		"none of them is":  {"[]", []string{"Nobody"}, "", "groups skipped"},
		"an id of nothing": {"[]", []string{"9"}, "[9]", "groups skipped"},
	}
	for name, tt := range tests {
		onStub(t, name, func(s *scene) {
			s.warm()
			s.does(actions(rules.JoinGroups{Names: []string{"unknown"}})) // reads the list
			s.call("PUT", "/contacts/"+s.contact, `{"contact_group_ids":`+tt.there+`}`)
			s.wire.calls = nil
			o := s.does(actions(rules.JoinGroups{Names: tt.join}))
			var want []string
			if tt.steps != "groups skipped" || tt.put != "" || strings.Contains(tt.there, "7") {
				want = []string{"GET /contacts/{C}"}
			}
			if tt.put != "" {
				want = append(want, `PUT /contacts/{C} {"contact_group_ids":`+tt.put+`}`)
			}
			if name == "an id of nothing" {
				want = append(want, "GET /contacts/{C}") // is it so already?
			}
			s.same("", want...)
			if got := strings.Join(stepsOf(o), ", "); got != tt.steps {
				s.t.Errorf("steps %q, want %q", got, tt.steps)
			}
		})
	}
}

func TestAct_setsTheProfile(t *testing.T) {
	onStub(t, "of a name that is new", func(s *scene) {
		s.warm()
		s.call("POST", "/profiles", `{"name":"Acme Ltd"}`)
		o := s.does(actions(rules.SetProfile{Name: "Acme"}))
		s.same(o.IDs["profile_id"],
			"GET /contacts/{C}", "GET /profiles?page=1&term=Acme", `POST /profiles {"name":"Acme"}`,
			`POST /profiles/{T}/contacts {"contact_id":{C},"type":"EMAIL"}`,
		)
		if diff := cmp.Diff([]string{"profile done", "join_profile done"}, stepsOf(o)); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"Acme"}, s.named("profile")); diff != "" {
			t.Errorf("profiles of the contact (-want +got):\n%s", diff)
		}
		// It is there now, and the contact shows it.
		s.wire.calls = nil
		o = s.does(actions(rules.SetProfile{Name: "Acme"}))
		s.same("", "GET /contacts/{C}")
		if verdictOf(o) != "skipped nothing_to_update" || o.IDs["profile_id"] == "" {
			t.Errorf("%s with the ids %v", verdictOf(o), o.IDs)
		}
	})
	onStub(t, "that is there", func(s *scene) {
		s.warm()
		acme := id(s.call("POST", "/profiles", `{"name":"Acme"}`))
		s.call("POST", "/profiles", `{"name":"Acme"}`) // names are not unique: the oldest counts
		o := s.does(actions(rules.SetProfile{Name: "Acme"}))
		s.same(acme, "GET /contacts/{C}", "GET /profiles?page=1&term=Acme", `POST /profiles/{T}/contacts {"contact_id":{C},"type":"EMAIL"}`)
		if o.IDs["profile_id"] != acme || stepsOf(o)[0] != "profile skipped" {
			t.Errorf("ids %v, steps %q", o.IDs, stepsOf(o))
		}
	})
	onStub(t, "that is remembered, and gone", func(s *scene) {
		s.ids.Put("\x00profile\x00Acme", "999")
		o := s.does(actions(rules.SetProfile{Name: "Acme"}))
		if diff := cmp.Diff([]string{"Acme"}, s.named("profile")); diff != "" || verdictOf(o) != "delivered" {
			t.Errorf("%s (-want +got):\n%s", verdictOf(o), diff)
		}
	})
	onStub(t, "whose answer has no id", func(s *scene) {
		s.wire.before = func(call string) fate {
			if strings.HasPrefix(call, "POST /profiles {") {
				return fate{status: 201, body: `{}`}
			}
			return fate{}
		}
		if o := s.does(actions(rules.SetProfile{Name: "Acme"})); verdictOf(o) != "delivered" || len(s.named("profile")) != 1 {
			t.Errorf("%s with the profiles %q", verdictOf(o), s.named("profile"))
		}
	})
	for _, never := range []bool{false, true} {
		onStub(t, fmt.Sprintf("whose answer is lost, without effect %v", never), func(s *scene) {
			lost := false
			s.wire.before = func(call string) fate {
				if lost || !strings.HasPrefix(call, "POST /profiles {") {
					return fate{}
				}
				lost = true
				return fate{lost: true, never: never}
			}
			s.does(actions(rules.SetProfile{Name: "Acme"}))
			if got := s.profiles(); !lost || len(got) != 1 || len(s.named("profile")) != 1 {
				t.Errorf("profiles %q, the contact's %q", got, s.named("profile"))
			}
		})
	}
}

// What Trengo refuses since the contact is in the profile already is done.
func TestAct_aProfileThatRefusesTheContact(t *testing.T) {
	for name, tt := range map[string]struct {
		so, strict bool
		want       string
	}{
		"it is in it":                     {true, true, "delivered"},
		"it is not, and the rule strict":  {false, true, "dead rejected http_422"},
		"it is not, and the rule lenient": {false, false, "delivered"},
	} {
		onStub(t, name, func(s *scene) {
			s.wire.before = func(call string) fate {
				if strings.Contains(call, "/contacts {") && strings.HasPrefix(call, "POST /profiles/") {
					return fate{never: !tt.so, status: 422, body: `{"message":"no"}`}
				}
				return fate{}
			}
			o := s.does(rules.Decision{Strict: tt.strict, Actions: []rules.Action{rules.SetProfile{Name: "Acme"}}})
			if got := verdictOf(o); got != tt.want || len(o.Warnings) > 0 != (!tt.so && !tt.strict) {
				t.Errorf("%s with the warnings %q, want %s", got, o.Warnings, tt.want)
			}
		})
	}
}

// together carries decisions out at once, in lanes of their own, where each call takes a second.
func (s *scene) together(list ...rules.Decision) {
	s.t.Helper()
	s.wire.takes = time.Second
	done := make(chan sink.Outcome, len(list))
	for _, d := range list {
		go func() {
			o, err := s.tries(s.t.Context(), d, nil)
			if err != nil {
				s.t.Error(err)
			}
			done <- o
		}()
	}
	for range list {
		if o := <-done; o.Error != nil {
			s.t.Errorf("%+v", o.Error)
		}
	}
}

// One process makes one profile of a name, and no event undoes another's groups.
func TestAct_eventsOfOneContactTogether(t *testing.T) {
	onStub(t, "profile", func(s *scene) {
		profile := actions(rules.SetProfile{Name: "Acme"})
		s.together(profile, profile, profile)
		if got := s.profiles(); len(got) != 1 {
			s.t.Errorf("profiles %q, want one", got)
		}
	})
	onStub(t, "groups", func(s *scene) {
		s.together(actions(rules.JoinGroups{Names: []string{"VIP"}}), actions(rules.JoinGroups{Names: []string{"Wholesale"}}))
		if got := s.named("groups"); len(got) != 2 {
			s.t.Errorf("groups %q, want both", got)
		}
	})
}

func TestAct_findsATicketByItsID(t *testing.T) {
	label := rules.Label{Names: []string{"4001"}}
	byID := func(id string) rules.UseTicket {
		return rules.UseTicket{Find: rules.ByID, ID: id, Open: rules.OpenNever}
	}
	theirs := func(s *scene) string {
		bob := id(s.call("POST", "/channels/123456/contacts", `{"identifier":"bob@example.test"}`))
		return id(s.call("POST", "/tickets", `{"contact_id":`+bob+`,"channel_id":123456}`))
	}
	tests := map[string]struct {
		there    func(s *scene) string
		want     string
		warnings int
	}{
		"open":             {(*scene).open, "delivered", 0},
		"the older of two": {func(s *scene) string { t := s.open(); s.open(); return t }, "delivered", 0},
		"closed":           {func(s *scene) string { t := s.open(); s.call("POST", "/tickets/"+t+"/close", "{}"); return t }, "delivered", 0},
		"in another channel": {func(s *scene) string {
			return id(s.call("POST", "/tickets", `{"contact_id":`+s.contact+`,"channel_id":123457}`))
		}, "delivered", 0},
		"not there":            {func(*scene) string { return "41" }, "skipped ticket_not_found", 0},
		"another contact's":    {theirs, "skipped ticket_not_found", 1},
		"no id":                {func(*scene) string { return "../contacts" }, "dead invalid invalid_id", 0},
		"zero":                 {func(*scene) string { return "0" }, "dead invalid invalid_id", 0},
		"a number of many":     {func(*scene) string { return strings.Repeat("9", 30) }, "dead invalid invalid_id", 0},
		"two dots for a thing": {func(*scene) string { return ".." }, "dead invalid invalid_id", 0},
	}
	for name, tt := range tests {
		onStub(t, name, func(s *scene) {
			ticket := tt.there(s)
			s.wire.calls = nil
			o := s.does(actions(byID(ticket), label))
			if got := verdictOf(o); got != tt.want || len(o.Warnings) != tt.warnings {
				s.t.Errorf("%s with the warnings %q, want %s", got, o.Warnings, tt.want)
			}
			wrote := 0
			for _, call := range s.wire.calls {
				if !strings.HasPrefix(call, "GET ") {
					wrote++
				}
			}
			if wrote > 0 != (tt.want == "delivered") {
				s.t.Errorf("calls %q", s.wire.calls)
			}
			if tt.want == "delivered" && (o.IDs["ticket_id"] != ticket || s.ticket(ticket).Get("labels").Len() != 1) {
				s.t.Errorf("ids %v", o.IDs)
			}
		})
	}
	onStub(t, "reopened", func(s *scene) {
		ticket := s.open()
		s.call("POST", "/tickets/"+ticket+"/close", "{}")
		o := s.does(actions(byID(ticket), rules.SetStatus{}))
		s.same(ticket, "GET /contacts?page=1&term=ada%40example.test", "GET /tickets/{T}", "POST /tickets/{T}/reopen {}")
		if got := s.ticket(ticket).Get("status").Str(); got != "OPEN" || verdictOf(o) != "delivered" {
			t.Errorf("%s, and the ticket is %s", verdictOf(o), got)
		}
	})
	// Agents merge it into another between the look and the label: nothing else is touched.
	onStub(t, "gone meanwhile", func(s *scene) {
		target, source := s.open(), s.open()
		s.wire.before = func(call string) fate {
			if strings.HasPrefix(call, "POST /tickets/"+source) {
				s.call("POST", "/tickets/"+target+"/merge", `{"source_ticket_id":`+source+`}`)
			}
			return fate{}
		}
		o := s.does(actions(byID(source), label))
		if diff := cmp.Diff([]string{"ticket skipped", "ticket:again skipped"}, stepsOf(o)); diff != "" || verdictOf(o) != "skipped ticket_not_found" || s.ticket(target).Get("labels").Len() > 0 {
			t.Errorf("%s, steps (-want +got):\n%s", verdictOf(o), diff)
		}
	})
}
