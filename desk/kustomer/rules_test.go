package kustomer_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/kustomer"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// rule is a rule with the defaults of a file.
func rule(name string, change func(*rules.Rule)) rules.Rule {
	r := rules.Rule{Name: name, Match: rules.Pattern{Type: "track"}, OnMissing: "warn", Ticket: rules.Ticket{KeyTTL: time.Hour}}
	change(&r)
	return r
}

// ruledBy delivers events by rules to a desk, and returns what becomes of each: the outcome, its
// rule, and the writes.
func ruledBy(t *testing.T, api http.Handler, list []rules.Rule, events ...string) (lines []string) {
	t.Helper()
	compiled, err := rules.Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	to := desk.Destination{Name: "crm", Rules: compiled, RuleFault: func(rule string, err error) { t.Errorf("fault of %s: %v", rule, err) }}
	s := settings(server.URL + stubkustomer.Path)
	route, err := kustomer.Kind().Route(to, s, sink.NewIDs(100, time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	rate := budget.Rate{Requests: 1_000_000, Per: time.Minute}
	d := sink.NewDestination(sink.Config{
		Name: "crm", BaseURL: s.Endpoint().URL, Credential: s.Credential().Secret, MaxInFlight: 4, Rate: rate, Timeout: 10 * time.Second,
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
				path := strings.Split(strings.TrimPrefix(call.URL, s.Endpoint().URL+"/v1/"), "/")
				words = append(words, call.Method+":"+path[0]+"/"+path[len(path)-1])
			}
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

func newStub() *stub.Server { return stub.New(stub.Config{Seed: 1}, stubkustomer.New()) }

const (
	signup = `{"type":"identify","messageId":"m-0","userId":"u-1","traits":{"email":"nora@example.com"}}`
	order  = `{"type":"track","event":"Order Completed","messageId":"m-1","userId":"u-1","properties":{"order_id":"A-1"}}`
	refund = `{"type":"track","event":"Refund","messageId":"m-2","userId":"u-1"}`
	group  = `{"type":"group","messageId":"m-3","userId":"u-1","groupId":"g","traits":{"name":"Acme"}}`
	nobody = `{"type":"track","event":"Refund","messageId":"m-4"}`
)

func TestRoute_goesByTheFirstRuleThatMatches(t *testing.T) {
	refunds := rule("refunds", func(r *rules.Rule) {
		r.Match.Event, r.Contact.Create = []string{"Refund"}, true
		r.Ticket.Note, r.Ticket.Team, r.Ticket.Find.Word = "Refund for {{ userId }}", "Billing", "newest"
	})
	tests := map[string]struct {
		rules  []rules.Rule
		events []string
		want   []string
	}{
		"no rule matches": {
			[]rules.Rule{refunds},
			[]string{order, group},
			[]string{"delivered by : POST:tracking/identityEvent", "skipped by : type_not_taken"},
		},
		"a rule": {
			[]rules.Rule{refunds},
			[]string{refund, refund},
			[]string{
				"delivered by refunds: POST:customers/customers POST:customers/conversations POST:conversations/notes",
				"delivered by refunds: POST:conversations/notes", // it has the team
			},
		},
		"the default first": {
			[]rules.Rule{rule("vip", func(r *rules.Rule) { r.Match.Event, r.Default, r.Ticket.Note = []string{"Order *"}, true, "VIP" })},
			[]string{order},
			[]string{"delivered by vip: POST:tracking/identityEvent POST:customers/conversations POST:conversations/notes"},
		},
		"the default only": {
			[]rules.Rule{rule("plain", func(r *rules.Rule) { r.Default, r.Ticket.Note = true, "{{ gone }}" })},
			[]string{order},
			[]string{"delivered by plain: POST:tracking/identityEvent"},
		},
		"an identify with the rule's": {
			[]rules.Rule{rule("vips", func(r *rules.Rule) { r.Match.Type, r.Default, r.Contact.Groups = "identify", true, []string{"vip"} })},
			[]string{signup},
			[]string{"delivered by vips: POST:customers/customers"},
		},
		"nothing is left of it": {
			[]rules.Rule{rule("empty", func(r *rules.Rule) { r.Ticket.Note = "{{ gone }}" })},
			[]string{order},
			[]string{"skipped by empty: nothing_to_update"},
		},
		"a group sets the company": {
			[]rules.Rule{rule("groups", func(r *rules.Rule) {
				r.Match.Type, r.Contact.Create, r.Contact.Profile = "group", true, "{{ traits.name }}"
			})},
			[]string{group, group},
			[]string{"delivered by groups: POST:companies/companies POST:customers/customers", "delivered by groups: PUT:customers/"},
		},
		"whom is not known": {[]rules.Rule{refunds}, []string{nobody}, []string{"dead by refunds: missing_identifier"}},
		"no customer":       {[]rules.Rule{rule("r", func(r *rules.Rule) { r.Ticket.Note = "x" })}, []string{refund}, []string{"dead by r: contact_not_found"}},
		"a name that is not there": {
			[]rules.Rule{rule("r", func(r *rules.Rule) { r.OnMissing, r.Contact.Create, r.Ticket.Team = "dead", true, "Nobody" })},
			[]string{refund},
			[]string{"dead by r: unknown_name"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := ruledBy(t, newStub(), tt.rules, tt.events...)
			if len(got) != len(tt.want) {
				t.Fatalf("%q", got)
			}
			for i := range got {
				if got[i] != tt.want[i] && (!strings.HasSuffix(tt.want[i], "/") || !strings.HasPrefix(got[i], tt.want[i])) {
					t.Errorf("%s, want %s", got[i], tt.want[i])
				}
			}
		})
	}
}

// findsNamesOnLaterPages: a team that stands on the second page of its list is found.
func findsNamesOnLaterPages(t *testing.T) {
	server := newStub()
	pages := map[string]string{
		"":       `{"data":[{"type":"team","id":"5f0000000000000000000001","attributes":{"name":"Sales"}}],"links":{"next":"/v1/teams?page=2&pageSize=1"}}`,
		"page=2": `{"data":[{"type":"team","id":"5f0000000000000000000002","attributes":{"name":"Billing"}}],"links":{"next":null}}`,
	}
	asked := 0
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/v1/teams") {
			asked++
			page, _, _ := strings.Cut(r.URL.RawQuery, "&")
			fmt.Fprint(w, pages[page])
			return
		}
		server.ServeHTTP(w, r)
	})
	r := rule("r", func(r *rules.Rule) { r.OnMissing, r.Contact.Create, r.Ticket.Team = "dead", true, "Billing" })
	want := []string{"delivered by r: POST:customers/customers POST:customers/conversations", "delivered by r: POST:customers/conversations"}
	if diff := cmp.Diff(want, ruledBy(t, api, []rules.Rule{r}, order, order)); diff != "" || asked != 2 {
		t.Errorf("%d pages were asked for (-want +got):\n%s", asked, diff)
	}
}

func TestKind_checksRules(t *testing.T) {
	check := func(r rules.Rule) error { return kustomer.Kind().CheckRule(r, new(kustomer.Settings)) }
	for setting, change := range map[string]func(*rules.Rule){
		"contact.note: ":                func(r *rules.Rule) { r.Contact.Note = "x" },
		"contact.fields.Plan: ":         func(r *rules.Rule) { r.Contact.Fields = map[string]string{"Plan": "x"} },
		"contact.groups[0]: ":           func(r *rules.Rule) { r.Contact.Groups = []string{"a&b"} },
		"ticket.fields.Invoice: ":       func(r *rules.Rule) { r.Ticket.Fields = map[string]string{"Invoice": "x", "noStr": "y"} },
		"ticket.fields.kindTree: ":      func(r *rules.Rule) { r.Ticket.Fields = map[string]string{"kindTree": "a.b"} },
		"ticket.labels[1]: ":            func(r *rules.Rule) { r.Ticket.Labels = []string{"{{ a }}", "a&b"} },
		"ticket.remove_labels[0]: ":     func(r *rules.Rule) { r.Ticket.RemoveLabels = []string{"a:b"} },
		"ticket.labels: ":               func(r *rules.Rule) { r.Ticket.Labels = make([]string, 21) },
		"ticket.channel: ":              func(r *rules.Rule) { r.Ticket.Channel = "7" },
		"ticket.template: ":             func(r *rules.Rule) { r.Ticket.Template.ID = "7" },
		"ticket.result: ":               func(r *rules.Rule) { r.Ticket.Result = "Paid" },
		"send: ":                        func(r *rules.Rule) { r.Send.Message = "x" },
		"ticket.app: is missing":        func(r *rules.Rule) { r.Ticket.Message, r.Ticket.MessageChannel = "x", "sms" },
		"ticket.message_channel: is mi": func(r *rules.Rule) { r.Ticket.Message, r.Ticket.App = "x", "shop" },
		"ticket.message_channel: must":  func(r *rules.Rule) { r.Ticket.Message, r.Ticket.App, r.Ticket.MessageChannel = "x", "shop", "fax" },
		"ticket.app: needs":             func(r *rules.Rule) { r.Ticket.App = "shop" },
	} {
		if err := check(rule("r", change)); err == nil || !strings.HasPrefix(err.Error(), setting) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", setting, err)
		}
	}
	if err := check(rule("r", func(r *rules.Rule) {
		r.Contact.Fields, r.Contact.Profile, r.Contact.Groups = map[string]string{"planStr": "x"}, "Acme", []string{"vip"}
		r.Object = rules.Object{Class: "order", ID: "7"}
		r.Ticket.Status, r.Ticket.Snooze.For, r.Ticket.Queue, r.Ticket.Urgency = "snoozed", time.Hour, "VIP", 3
		r.Ticket.Message, r.Ticket.App, r.Ticket.MessageChannel = "x", "{{ app }}", "{{ channel }}"
	})); err != nil {
		t.Error(err)
	}
}

func TestKind_listsTheNamesOfRules(t *testing.T) {
	server := httptest.NewServer(newStub())
	t.Cleanup(server.Close)
	s := settings(server.URL + stubkustomer.Path)
	rate := budget.Rate{Requests: 1_000_000, Per: time.Minute}
	d := sink.NewDestination(sink.Config{
		Name: "crm", BaseURL: s.Endpoint().URL, Credential: s.Credential().Secret, MaxInFlight: 4, Rate: rate, Timeout: 10 * time.Second, Alone: true, Version: "test",
	}, budget.New(rate), slog.New(slog.DiscardHandler))
	t.Cleanup(d.Close)
	for sort, want := range map[rules.Sort]string{
		rules.TeamNames: "Billing", rules.UserNames: "mila@desk.example", rules.QueueNames: "Payments", rules.LabelNames: "vip", rules.ClassNames: "order",
		rules.ContactFieldNames: "", rules.GroupNames: "",
	} {
		err := d.Look(t.Context(), func(ctx context.Context, do sink.Doer) error {
			names, ok, err := kustomer.Kind().Names(ctx, do, sort)
			if ok != (want != "") || ok && !names.Has(want) {
				t.Errorf("%s: %v %q, want %q among them", sort, ok, names.Known(), want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// What a rule makes is put on record; without rules nothing is.
func TestRoute_rulesPutTheirStepsOnRecord(t *testing.T) {
	compiled, err := rules.Compile([]rules.Rule{rule("r", func(r *rules.Rule) { r.Ticket.Note = "x" })})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		rules *rules.Rules
		want  bool
	}{"with rules": {compiled, true}, "without": {nil, false}} {
		route, err := kustomer.Kind().Route(desk.Destination{Rules: tt.rules}, &kustomer.Settings{}, sink.NewIDs(1, time.Minute))
		if err != nil || (route.OnRecord != nil) != tt.want {
			t.Errorf("%s: on record %v, %v", name, route.OnRecord != nil, err)
		}
	}
}
