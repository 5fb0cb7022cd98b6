package trengo_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/trengo"
)

// lists has the calls of lists answered with pages, of which each call gets the one that it asks
// for, and the last one again beyond them.
func (s *scene) lists(path string, pages ...string) (asked *int) {
	asked = new(int)
	s.wire.before = func(call string) fate {
		var page int
		if n, err := fmt.Sscanf(call, "GET "+path+"?page=%d", &page); n != 1 || err != nil {
			return fate{}
		}
		*asked++
		return fate{status: http.StatusOK, body: pages[min(page, len(pages))-1]}
	}
	return asked
}

func TestAct_readsListsToTheirEnd(t *testing.T) {
	entry := func(id int, name string) string { return fmt.Sprintf(`{"id":%d,"name":%q}`, id, name) }
	tests := map[string]struct {
		pages []string
		want  string // the team's id, "" for none
		asked int
	}{
		"by their links": {[]string{
			`{"data":[` + entry(1, "A") + `],"links":{"next":"x"}}`, `{"data":[` + entry(2, "Sales") + `],"links":{"next":null}}`,
		}, "2", 2},
		"by the number of pages": {[]string{
			`{"data":[` + entry(1, "A") + `],"links":{"next":null},"meta":{"current_page":1,"last_page":"2"}}`,
			`{"data":[` + entry(2, "Sales") + `],"meta":{"current_page":2,"last_page":2}}`,
		}, "2", 2},
		"without either, until nothing is new": {[]string{
			`{"data":[` + entry(1, "A") + `]}`, `{"data":[` + entry(2, "Sales") + `]}`,
		}, "2", 3},
		"as a bare list":            {[]string{`[` + entry(2, "Sales") + `]`, `[]`}, "2", 2},
		"a name that two have":      {[]string{`{"data":[` + entry(1, "Sales") + `,` + entry(2, "Sales") + `],"links":{"next":null}}`}, "", 1},
		"a name with outer blanks":  {[]string{`{"data":[` + entry(2, " Sales ") + `],"links":{"next":null}}`}, "2", 1},
		"an entry without an id":    {[]string{`{"data":[{"name":"Sales"}],"links":{"next":null}}`}, "", 1},
		"one that has no last page": {[]string{`{"data":[` + entry(1, "A") + `],"links":{"next":"x"}}`}, "", 2},
	}
	for name, tt := range tests {
		onStub(t, name, func(s *scene) {
			ticket := s.open()
			asked := s.lists("/teams", tt.pages...)
			o := s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenNever}, rules.Assign{Team: "Sales"}, rules.Label{Names: []string{"vip"}}}})
			if got := s.ticket(ticket).Get("team_id").Text(); o.Outcome != sink.Delivered || *asked != tt.asked || tt.want != "" && got != tt.want || tt.want == "" && len(o.Warnings) != 1 {
				s.t.Errorf("%s to team %s with %d calls and the warnings %q, want %q with %d", verdictOf(o), got, *asked, o.Warnings, tt.want, tt.asked)
			}
		})
	}
}

func TestAct_findsUsersByAddressAndName(t *testing.T) {
	for _, name := range []string{"mila@desk.example", "Mila@Desk.example", "Mila Jansen", "8"} {
		onStub(t, name, func(s *scene) {
			ticket := s.open()
			s.lists("/users", `{"data":[{"id":8,"email":"Mila@desk.example","first_name":"Mila","last_name":"Jansen"}],"links":{"next":null}}`)
			s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenNever}, rules.Assign{User: name}}})
			if got := s.ticket(ticket).Get("user_id").Text(); got != "8" {
				s.t.Errorf("user %s, want 8", got)
			}
		})
	}
}

func TestAct_opensInAChannelByItsTitle(t *testing.T) {
	for _, members := range []string{`"title":"Chat"`, `"title":null,"display_name":"Chat"`} {
		onStub(t, members, func(s *scene) {
			s.lists("/channels", `{"data":[{"id":123457,`+members+`}],"links":{"next":null}}`)
			o := s.does(rules.Decision{Actions: []rules.Action{rules.UseTicket{Open: rules.OpenAlways, Channel: "Chat"}}})
			if got := s.ticket(o.IDs["ticket_id"]).Get("channel", "id").Text(); got != "123457" {
				s.t.Errorf("channel %s, want 123457", got)
			}
		})
	}
}

func TestAct_aContactIsWrittenAlsoWithoutATicket(t *testing.T) {
	onStub(t, "", func(s *scene) {
		o := s.does(rules.Decision{Actions: []rules.Action{
			rules.SaveContact{Fields: []rules.Named{{Name: "Plan", Value: "pro"}}}, rules.UseTicket{Open: rules.OpenNever}, rules.Note{Text: "n"},
		}})
		if got := verdictOf(o); got != "delivered" || len(o.Warnings) != 1 || strings.Join(stepsOf(o), ", ") != "contact_field:Plan done, ticket skipped" {
			s.t.Errorf("%s with the steps %q and the warnings %q", got, stepsOf(o), o.Warnings)
		}
	})
}

// A plan shows the writes, with placeholders for ids that only the real run would give.
func TestAct_isPlanned(t *testing.T) {
	for plan, lookups := range map[sink.Plan]int{sink.PlanWithLookup: 3, sink.PlanOffline: 0} {
		onStub(t, fmt.Sprint(plan), func(s *scene) {
			rate := budget.Rate{Requests: 1_000_000, Per: time.Second}
			dest := sink.NewDestination(sink.Config{
				Name: "support", BaseURL: "http://desk.example", MaxInFlight: 4, Rate: rate, Timeout: time.Second, Version: "test",
				Credential: sink.NewSecret("key-of-the-desk"), Transport: s.wire,
			}, budget.New(rate), slog.New(slog.DiscardHandler))
			defer dest.Close()
			a := trengo.Actions{
				Contact: mapped.Contact{Kind: mapped.Email, Identifier: "nora@example.test", Channel: mapping.Str("123456")},
				Decision: rules.Decision{Strict: true, Actions: []rules.Action{
					rules.SaveContact{Create: true},
					rules.UseTicket{Open: rules.OpenAlways},
					rules.Label{Names: []string{"vip"}},
					rules.Assign{Team: "Billing"},
					rules.Note{Text: "n"},
					rules.SetStatus{Closed: true},
				}},
			}
			route := sink.NewRoute(sink.DestinationInfo{Name: "support", Type: "trengo"}, mapping.Filter{},
				func(mapping.Event) (trengo.Actions, error) { return a, nil }, trengo.New(s.ids).Act)
			o, err := route.Deliver(s.t.Context(), dest.PlanSession(s.t.Context(), plan, nil), []byte(`{"type":"track","userId":"u","event":"E"}`))
			if err != nil || o.Outcome != sink.Planned || len(s.wire.calls) != lookups {
				s.t.Fatalf("%s, %v after %q", verdictOf(o), err, s.wire.calls)
			}
			var writes []string
			for _, call := range o.Calls {
				if !call.Lookup {
					writes = append(writes, call.Method)
				}
			}
			if len(writes) != 6 {
				s.t.Errorf("%d writes %q, want contact, ticket, label, team, note and close", len(writes), writes)
			}
		})
	}
}
