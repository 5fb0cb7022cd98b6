package trengo_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/trengo"
	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// ruledBy delivers events to the stub by rules, and returns what becomes of each: the outcome,
// its rule, and the writes.
func ruledBy(t *testing.T, list []rules.Rule, events ...string) (lines []string) {
	t.Helper()
	compiled, err := rules.Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(stub.New(stub.Config{Seed: 1}, stubtrengo.New(map[string]string{"123456": stubtrengo.EMAIL})))
	t.Cleanup(server.Close)
	to := desk.Destination{Name: "inbox", Rules: compiled, RuleFault: func(rule string, err error) { t.Errorf("fault of %s: %v", rule, err) }}
	kind, s := trengo.Kind(), settings(server.URL+stubtrengo.Path)
	route, err := kind.Route(to, s, sink.NewIDs(100, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	rate := budget.Rate{Requests: 1_000_000, Per: time.Minute}
	d := sink.NewDestination(sink.Config{
		Name: "inbox", BaseURL: s.Endpoint().URL, Credential: s.Credential().Secret, MaxInFlight: 4, Rate: rate, Timeout: 10 * time.Second,
		Alone: true, Version: "test", Retry: sink.Policy{MaxAttempts: 1, Initial: time.Millisecond, Max: time.Millisecond},
	}, budget.New(rate), slog.New(slog.DiscardHandler))
	t.Cleanup(d.Close)
	for _, event := range events {
		pass, err := d.Gate().Enter(t.Context(), "l")
		if err != nil {
			t.Fatal(err)
		}
		o, err := route.Deliver(t.Context(), d.Session(pass, sink.Stop{Soft: t.Context(), Hard: t.Context()}), []byte(event))
		if err != nil {
			t.Fatal(err)
		}
		words := []string{string(o.Outcome), "by", o.Rule + ":"}
		if o.Error != nil {
			words = append(words, string(o.Error.Code))
		}
		if o.Reason != nil {
			words = append(words, string(*o.Reason))
		}
		for _, call := range o.Calls {
			if !call.Lookup {
				path := strings.Split(strings.TrimPrefix(call.URL, s.Endpoint().URL+"/"), "/")
				words = append(words, path[0]+"/"+path[len(path)-1])
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

// rule is a rule with the defaults of a file.
func rule(name string, change func(*rules.Rule)) rules.Rule {
	r := rules.Rule{Name: name, Match: rules.Pattern{Type: "track"}, OnMissing: "warn", Ticket: rules.Ticket{Find: "newest", Open: "once"}}
	change(&r)
	return r
}

const (
	order   = `{"type":"track","event":"Order Completed","messageId":"m-1","userId":"u-1","properties":{"order_id":"A-1"},"context":{"traits":{"email":"nora@example.com"}}}`
	refund  = `{"type":"track","event":"Refund","messageId":"m-2","userId":"u-1","context":{"traits":{"email":"nora@example.com"}}}`
	group   = `{"type":"group","messageId":"m-3","userId":"u-1","groupId":"g","traits":{"email":"nora@example.com"}}`
	nobody  = `{"type":"track","event":"Refund","messageId":"m-4","userId":"u-1"}`
	unnamed = `{"type":"page","messageId":"m-5","userId":"u-1"}`
)

func TestRoute_goesByTheFirstRuleThatMatches(t *testing.T) {
	refunds := rule("refunds", func(r *rules.Rule) {
		r.Match.Event, r.Contact.Create = []string{"Refund"}, true
		r.Ticket.Note, r.Ticket.Team = "Refund for {{ userId }}", "Billing"
	})
	tests := map[string]struct {
		rules  []rules.Rule
		events []string
		want   []string
	}{
		"no rule matches": {
			[]rules.Rule{refunds},
			[]string{order, unnamed},
			[]string{"delivered by : channels/contacts tickets/tickets", "skipped by : type_not_taken"},
		},
		"a rule": {
			[]rules.Rule{refunds},
			[]string{refund},
			[]string{"delivered by refunds: channels/contacts tickets/tickets tickets/assign tickets/messages"},
		},
		"the ticket that is open": {
			[]rules.Rule{refunds},
			[]string{order, refund},
			[]string{"delivered by : channels/contacts tickets/tickets", "delivered by refunds: tickets/assign tickets/messages"},
		},
		"the default first": {
			[]rules.Rule{rule("vip", func(r *rules.Rule) { r.Match.Event, r.Default, r.Ticket.Note = []string{"Order *"}, true, "VIP" })},
			[]string{order},
			[]string{"delivered by vip: channels/contacts tickets/tickets tickets/messages"},
		},
		"the default only": {
			[]rules.Rule{rule("plain", func(r *rules.Rule) { r.Default, r.Ticket.Note = true, "{{ gone }}" })},
			[]string{order, refund},
			[]string{"delivered by plain: channels/contacts tickets/tickets", "skipped by plain: event_not_configured"},
		},
		"nothing is left of it": {
			[]rules.Rule{rule("empty", func(r *rules.Rule) { r.Ticket.Note = "{{ gone }}" })},
			[]string{order},
			[]string{"skipped by empty: nothing_to_update"},
		},
		"another type of event": {
			[]rules.Rule{rule("groups", func(r *rules.Rule) { r.Match.Type, r.Contact.Create, r.Ticket.Subject = "group", true, "{{ groupId }}" })},
			[]string{group},
			[]string{"delivered by groups: channels/contacts tickets/tickets"},
		},
		"whom is not known": {[]rules.Rule{refunds}, []string{nobody}, []string{"dead by refunds: missing_identifier"}},
		"no contact":        {[]rules.Rule{rule("r", func(r *rules.Rule) { r.Ticket.Note = "x" })}, []string{refund}, []string{"dead by r: contact_not_found"}},
		"no ticket": {
			[]rules.Rule{rule("r", func(r *rules.Rule) { r.Contact.Create, r.Ticket.Open, r.Ticket.Status = false, "never", "closed" })},
			[]string{group, refund},
			[]string{"skipped by : type_not_taken", "dead by r: contact_not_found"},
		},
		"a name that is not there": {
			[]rules.Rule{rule("r", func(r *rules.Rule) { r.OnMissing, r.Contact.Create, r.Ticket.Team = "dead", true, "Nobody" })},
			[]string{refund},
			[]string{"dead by r: unknown_name"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ruledBy(t, tt.rules, tt.events...)); diff != "" {
				t.Errorf("what became of them (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKind_checksRules(t *testing.T) {
	check := trengo.Kind().CheckRule
	if err := check(rule("r", func(r *rules.Rule) { r.Ticket.Result = "Solved" })); err == nil || !strings.HasPrefix(err.Error(), "ticket.result: ") {
		t.Errorf("a result without closing: %v", err)
	}
	if err := check(rule("r", func(r *rules.Rule) { r.Ticket.Result, r.Ticket.Status = "Solved", "closed" })); err != nil {
		t.Error(err)
	}
}

// What a rule opens is put on record, also where no event opens a ticket without rules.
func TestRoute_rulesPutTheirStepsOnRecord(t *testing.T) {
	compiled, err := rules.Compile([]rules.Rule{rule("r", func(r *rules.Rule) { r.Ticket.Note = "x" })})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		rules *rules.Rules
		want  bool
	}{"with rules": {compiled, true}, "without": {nil, false}} {
		route, err := trengo.Kind().Route(desk.Destination{Rules: tt.rules}, &trengo.Settings{ChannelIdentifier: "email"}, sink.NewIDs(1, time.Minute))
		if err != nil || (route.OnRecord != nil) != tt.want {
			t.Errorf("%s: on record %v, %v", name, route.OnRecord != nil, err)
		}
	}
}
