package trengo_test

import (
	"log/slog"
	"net/http/httptest"
	"slices"
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

// apiPath is where the stub's API is below a server's address.
const apiPath = stubtrengo.Path + "/"

// outcomesBy delivers events to the stub by rules.
func outcomesBy(t *testing.T, list []rules.Rule, events ...string) (outcomes []sink.Outcome) {
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
		outcomes = append(outcomes, o)
	}
	return outcomes
}

// ruledBy delivers events to the stub by rules, and returns what becomes of each: the outcome,
// its rule, and the writes.
func ruledBy(t *testing.T, list []rules.Rule, events ...string) (lines []string) {
	t.Helper()
	for _, o := range outcomesBy(t, list, events...) {
		words := []string{string(o.Outcome), "by", o.Rule + ":"}
		if o.Error != nil {
			words = append(words, string(o.Error.Code))
		}
		if o.Reason != nil {
			words = append(words, string(*o.Reason))
		}
		for _, call := range o.Calls {
			if !call.Lookup {
				_, below, _ := strings.Cut(call.URL, apiPath)
				path := strings.Split(below, "/")
				words = append(words, path[0]+"/"+path[len(path)-1])
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

// rule is a rule with the defaults of a file.
func rule(name string, change func(*rules.Rule)) rules.Rule {
	r := rules.Rule{Name: name, Match: rules.Pattern{Type: "track"}, OnMissing: "warn", Ticket: rules.Ticket{Find: rules.Find{Word: "newest"}, KeyTTL: time.Hour}}
	change(&r)
	return r
}

const (
	order   = `{"type":"track","event":"Order Completed","messageId":"m-1","userId":"u-1","properties":{"order_id":"A-1"},"context":{"traits":{"email":"nora@example.com"}}}`
	refund  = `{"type":"track","event":"Refund","messageId":"m-2","userId":"u-1","context":{"traits":{"email":"nora@example.com"}}}`
	group   = `{"type":"group","messageId":"m-3","userId":"u-1","groupId":"g","traits":{"name":"Acme","email":"info@acme.example"},"context":{"traits":{"email":"nora@example.com"}}}`
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
		"what it needs is not there": {
			[]rules.Rule{rule("keyed", func(r *rules.Rule) { r.Ticket.Find.Word, r.Ticket.Key, r.Ticket.Note = "", "{{ gone }}", "x" })},
			[]string{order},
			[]string{"dead by keyed: template_error"},
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

// An event of which a rule leaves everything out says so, whatever the reason that it is skipped for.
func TestRoute_whatIsLeftOutIsSaidOfASkippedEvent(t *testing.T) {
	for name, byDefault := range map[string]bool{"nothing_to_update": false, "event_not_configured": true} {
		o := outcomesBy(t, []rules.Rule{rule("r", func(r *rules.Rule) { r.Default, r.Ticket.Note = byDefault, "{{ gone }}" })}, refund)[0]
		want := []string{"ticket.note was left out: the event has no value for it"}
		if o.Reason == nil || string(*o.Reason) != name || !slices.Equal(o.Warnings, want) {
			t.Errorf("%s with the warnings %q, want %s with %q", o.Outcome, o.Warnings, name, want)
		}
	}
}

// An event of no lane has a ticket of its own, whatever its key, and says so.
func TestRoute_aKeyOfAnEventThatStandsAlone(t *testing.T) {
	keyed := rule("r", func(r *rules.Rule) {
		r.Contact.Create, r.Ticket.Find, r.Ticket.Key, r.Ticket.Subject = true, rules.Find{}, "{{ order_id }}", "Order"
	})
	for _, o := range outcomesBy(t, []rules.Rule{keyed}, order, order) {
		if o.Outcome != sink.Delivered || len(o.Warnings) != 1 || !strings.HasPrefix(o.Warnings[0], "ticket.key: the event names no user") || o.Steps[0].State != sink.StepDone {
			t.Errorf("%s with the warnings %q and the steps %v", o.Outcome, o.Warnings, o.Steps)
		}
	}
}

func TestKind_checksRules(t *testing.T) {
	check := func(r rules.Rule) error {
		return trengo.Kind().CheckRule(r, &trengo.Settings{ChannelIdentifier: "phone"})
	}
	for setting, change := range map[string]func(*rules.Rule){
		"ticket.status":          func(r *rules.Rule) { r.Ticket.Status, r.Ticket.Snooze.For = "snoozed", time.Hour },
		"ticket.queue":           func(r *rules.Rule) { r.Ticket.Queue = "VIP" },
		"ticket.urgency":         func(r *rules.Rule) { r.Ticket.Urgency = 3 },
		"ticket.app":             func(r *rules.Rule) { r.Ticket.App = "gmail" },
		"ticket.message_channel": func(r *rules.Rule) { r.Ticket.MessageChannel = "email" },
		"object":                 func(r *rules.Rule) { r.Object.Class = "order" },
		"send.channel":           func(r *rules.Rule) { r.Send.Channel, r.Send.Template.ID = "Mail", "81" },
		"ticket.template.id":     func(r *rules.Rule) { r.Ticket.Template.ID = "welcome" },
		"send.template.id":       func(r *rules.Rule) { r.Send.Template.ID = "8 1" },
		"send.subject":           func(r *rules.Rule) { r.Send.Subject, r.Send.Template.ID = "x", "81" },
	} {
		if err := check(rule("r", change)); err == nil || !strings.HasPrefix(err.Error(), setting+": ") {
			t.Errorf("%s: %v", setting, err)
		}
	}
	for _, id := range []string{"81", " 81 ", "{{ template }}", "8{{ n }}"} {
		if err := check(rule("r", func(r *rules.Rule) { r.Ticket.Template.ID = id })); err != nil {
			t.Error(err)
		}
	}
	if err := check(rule("r", func(r *rules.Rule) { r.Ticket.Result, r.Ticket.Status = "Solved", "closed" })); err != nil {
		t.Error(err)
	}
}

// A WhatsApp template is refused where the channel's contacts are known by e-mail address.
func TestKind_checksTemplatesByTheChannel(t *testing.T) {
	template := rules.Template{ID: "81"}
	for name, tt := range map[string]struct {
		change func(*rules.Rule)
		refuse string // "" for nothing
	}{
		"sent":                       {func(r *rules.Rule) { r.Send.Template = template }, "send.template: "},
		"in a ticket":                {func(r *rules.Rule) { r.Ticket.Template = template }, "ticket.template: "},
		"in a ticket of a channel":   {func(r *rules.Rule) { r.Ticket.Template, r.Ticket.Channel = template, "WhatsApp" }, ""},
		"in a ticket that has an id": {func(r *rules.Rule) { r.Ticket.Template, r.Ticket.Find = template, rules.Find{ID: "{{ id }}"} }, ""},
		"none":                       {func(r *rules.Rule) { r.Send.Message = "x" }, ""},
	} {
		r := rule("r", tt.change)
		if err := trengo.Kind().CheckRule(r, &trengo.Settings{ChannelIdentifier: "email"}); (err != nil) != (tt.refuse != "") || err != nil && !strings.HasPrefix(err.Error(), tt.refuse) {
			t.Errorf("%s by e-mail: %v, want %q", name, err, tt.refuse)
		}
		for _, s := range []desk.Settings{nil, &trengo.Settings{ChannelIdentifier: "phone"}} {
			if err := trengo.Kind().CheckRule(r, s); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
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
