package rules_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
)

// rule is a rule with the defaults that a file gives it.
func rule(name string, change func(*rules.Rule)) rules.Rule {
	r := rules.Rule{Name: name, Match: rules.Pattern{Type: "track"}, OnMissing: "warn", Ticket: rules.Ticket{KeyTTL: 90 * 24 * time.Hour}}
	change(&r)
	return r
}

// sameValue compares values of events by their JSON.
var sameValue = cmp.Comparer(func(a, b mapping.Value) bool { return a.JSON() == b.JSON() })

func decide(t *testing.T, event string, list ...rules.Rule) (rules.Decision, bool, error) {
	t.Helper()
	r, err := rules.Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	return r.Decide(decode(t, event), func(rule string, err error) { t.Errorf("fault of %s: %v", rule, err) })
}

func TestDecide_givesTheActionsInOrder(t *testing.T) {
	failed := rule("payment-failed", func(r *rules.Rule) {
		r.Match.Event, r.When = []string{"Payment Failed"}, `properties.amount >= 100`
		r.Default, r.OnMissing = true, "dead"
		r.Contact = rules.Contact{Create: true, Fields: map[string]string{"Plan": "{{ properties.plan }}", "Gone": "{{ properties.gone }}", "City": "Gent"}, Note: "VIP"}
		r.Ticket = rules.Ticket{
			Open: "once", Subject: "Payment of {{ amount }}\nfailed", Channel: "880", Team: "Billing", User: "{{ properties.owner }}",
			Labels: []string{"billing", "{{ properties.plan }}", "{{ properties.gone }}"}, RemoveLabels: []string{"paid"},
			Fields: map[string]string{"Invoice": "{{ properties.big }}"}, Note: "Declined:\n  {{ event }}", Message: "{{ properties.gone }}",
			Status: "closed", Result: "Solved",
		}
	})
	got, ok, err := decide(t, payment, failed)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	want := rules.Decision{
		Rule: "payment-failed", Hash: got.Hash, Default: true, Strict: true,
		Actions: []rules.Action{
			rules.SaveContact{Create: true, Fields: []rules.Named{{Name: "City", Value: "Gent"}, {Name: "Plan", Value: "vip"}}},
			rules.NoteContact{"VIP"},
			rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenOnce, Subject: "Payment of 150 failed", Channel: "880"},
			rules.Assign{Team: "Billing"},
			rules.Label{Names: []string{"billing", "vip"}},
			rules.Label{Names: []string{"paid"}, Off: true},
			rules.SetFields{[]rules.Named{{Name: "Invoice", Value: "9007199254740993", Typed: mapping.Int(9007199254740993)}}},
			rules.Note{"Declined:\n  Payment Failed"},
			rules.SetStatus{Closed: true, Result: "Solved"},
		},
		Warnings: []string{
			"contact.fields.Gone was left out: the event has no value for it",
			"ticket.user was left out: the event has no value for it",
			"ticket.labels[2] was left out: the event has no value for it",
			"ticket.message was left out: the event has no value for it",
		},
	}
	if diff := cmp.Diff(want, got, sameValue); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
}

func TestDecide_partsThatAreNotAskedForAreNoActions(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*rules.Rule)
		want   []rules.Action
	}{
		"a contact only":       {func(r *rules.Rule) { r.Contact.Fields = map[string]string{"Plan": "x"} }, []rules.Action{rules.SaveContact{Fields: []rules.Named{{Name: "Plan", Value: "x"}}}}},
		"a ticket always":      {func(r *rules.Rule) { r.Ticket.Open = "always" }, []rules.Action{rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenAlways}}},
		"a note on a ticket":   {func(r *rules.Rule) { r.Ticket.Open, r.Ticket.Note = "never", "x" }, []rules.Action{rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenNever}, rules.Note{"x"}}},
		"what it does anyway":  {func(r *rules.Rule) { r.Default = true }, nil},
		"a status":             {func(r *rules.Rule) { r.Ticket.Find.Word, r.Ticket.Status = "newest", "open" }, []rules.Action{rules.UseTicket{Find: rules.ByNewest, Open: rules.OpenOnce}, rules.SetStatus{}}},
		"a value that is gone": {func(r *rules.Rule) { r.Ticket.Note = "{{ properties.gone }}" }, nil},
	} {
		got, ok, err := decide(t, payment, rule("r", tt.change))
		if err != nil || !ok {
			t.Fatal(name, ok, err)
		}
		if diff := cmp.Diff(tt.want, got.Actions, sameValue); diff != "" {
			t.Errorf("%s: actions (-want +got):\n%s", name, diff)
		}
	}
}

func TestDecide_theWholeVocabulary(t *testing.T) {
	got, ok, err := decide(t, payment, rule("r", func(r *rules.Rule) {
		r.Contact = rules.Contact{Groups: []string{"VIP", "{{ gone }}"}, Profile: "{{ properties.plan }} Ltd"}
		r.Ticket.Key, r.Ticket.Reopen, r.Ticket.Queue, r.Ticket.Urgency = "invoice {{ amount }}", true, "Billing", 4
		r.Ticket.Message, r.Ticket.App, r.Ticket.MessageChannel = "Hello", "gmail", "email"
		r.Ticket.Status, r.Ticket.Snooze.For = "snoozed", 24*time.Hour
		r.Send = rules.Send{Channel: "880", Subject: "S", Template: rules.Template{ID: "7", Params: map[string]string{"{{1}}": "{{ amount }}"}}}
		r.Object = rules.Object{Class: "order", ID: "{{ amount }}", Title: "Order {{ amount }}", Data: map[string]string{"totalNum": "{{ properties.amount }}", "textStr": "{{ amount }} EUR"}}
	}))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	want := []rules.Action{
		rules.JoinGroups{[]string{"VIP"}},
		rules.SetProfile{"vip Ltd"},
		rules.UseTicket{Find: rules.ByKey, Key: "invoice 150", KeyTTL: 90 * 24 * time.Hour, Reopen: true, KeepClosed: true, Open: rules.OpenOnce},
		rules.SetQueue{"Billing"},
		rules.SetUrgency{4},
		rules.Message{Text: "Hello", App: "gmail", Channel: "email"},
		rules.SetStatus{Snooze: 24 * time.Hour},
		rules.SendMessage{Channel: "880", Subject: "S", Template: &rules.Approved{ID: "7", Params: []rules.Named{{Name: "{{1}}", Value: "150", Typed: mapping.Int(150)}}}},
		rules.UpsertObject{Class: "order", ID: "150", Title: "Order 150", Data: []rules.Named{{Name: "textStr", Value: "150 EUR"}, {Name: "totalNum", Value: "150", Typed: mapping.Int(150)}}},
	}
	if diff := cmp.Diff(want, got.Actions, sameValue); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

// What says which thing is meant is neither left out nor cut.
func TestDecide_anEventWithoutWhatARuleNeedsDies(t *testing.T) {
	long := `{"type":"track","properties":{"key":"` + strings.Repeat("x", 2<<10) + `"}}`
	for name, change := range map[string]func(*rules.Rule){
		"ticket.key":       func(r *rules.Rule) { r.Ticket.Key, r.Ticket.Note = "{{ gone }}", "x" },
		"ticket.find.id":   func(r *rules.Rule) { r.Ticket.Find.ID, r.Ticket.Note = "{{ gone }}", "x" },
		"object.id":        func(r *rules.Rule) { r.Object = rules.Object{Class: "order", ID: "{{ gone }}"} },
		"object.class":     func(r *rules.Rule) { r.Object = rules.Object{Class: "{{ gone }}", ID: "7"} },
		"send.template.id": func(r *rules.Rule) { r.Send.Template.ID = "{{ gone }}" },
		"ticket.message_channel": func(r *rules.Rule) {
			r.Ticket.Message, r.Ticket.App, r.Ticket.MessageChannel = "x", "gmail", "{{ gone }}"
		},
	} {
		_, ok, err := decide(t, track("E"), rule("r", change))
		if fault, is := errors.AsType[*mapping.Error](err); !ok || !is || fault.Code != mapping.TemplateError || !strings.Contains(fault.Message, name+": the event has no value") {
			t.Errorf("%s: matched %v, error %v", name, ok, err)
		}
	}
	if _, _, err := decide(t, long, rule("r", func(r *rules.Rule) { r.Ticket.Key = "{{ key }}" })); err == nil || !strings.Contains(err.Error(), "longer than 1024 bytes") {
		t.Errorf("a long key: %v", err)
	}
}

func TestDecide_whichTicketIsFoundAndOpened(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*rules.Ticket)
		find   rules.Finding
		open   rules.Opening
	}{
		"nothing said":   {func(*rules.Ticket) {}, rules.ByNewest, rules.OpenAlways},
		"a key":          {func(t *rules.Ticket) { t.Key = "k" }, rules.ByKey, rules.OpenOnce},
		"find":           {func(t *rules.Ticket) { t.Find.Word = "newest" }, rules.ByNewest, rules.OpenOnce},
		"once":           {func(t *rules.Ticket) { t.Open = "once" }, rules.ByNewest, rules.OpenOnce},
		"a key and open": {func(t *rules.Ticket) { t.Key, t.Open = "k", "never" }, rules.ByKey, rules.OpenNever},
		"an id":          {func(t *rules.Ticket) { t.Find.ID = "7" }, rules.ByID, rules.OpenNever},
	} {
		got, _, err := decide(t, payment, rule("r", func(r *rules.Rule) { r.Ticket.Note = "x"; tt.change(&r.Ticket) }))
		if use := got.Actions[0].(rules.UseTicket); err != nil || use.Find != tt.find || use.Open != tt.open {
			t.Errorf("%s: %+v, %v", name, use, err)
		}
	}
}

func TestDecide_templatesNameTheWholeEvent(t *testing.T) {
	const event = `{"type":"track","event":"E","userId":"u-1","anonymousId":"a-1","messageId":"m-1","timestamp":"2026-01-02T03:04:05Z",
		"properties":{"userId":"hidden","amount":1,"type":"hidden","groupId":"hidden"},"traits":{"plan":"own"},"context":{"ip":"1.2.3.4","traits":{"plan":"hidden","city":"Gent"}}}`
	for template, want := range map[string]string{
		"{{ userId }} {{ anonymousId }} {{ messageId }} {{ timestamp }}": "u-1 a-1 m-1 2026-01-02T03:04:05Z",
		"{{ type }} {{ event }} {{ amount }} {{ properties.amount }}":    "track E 1 1",
		"{{ properties.userId }} {{ context.ip }}":                       "hidden 1.2.3.4",
		"{{ traits.plan }} {{ traits.city }}":                            "own Gent",
		"  {{ gone }}{{ groupId }}x  ":                                   "x",
	} {
		got, _, err := decide(t, event, rule("r", func(r *rules.Rule) { r.Ticket.Note = template }))
		if err != nil || len(got.Actions) != 2 || got.Actions[1] != (rules.Note{want}) {
			t.Errorf("%q: %v, %v, want the note %q", template, got.Actions, err, want)
		}
	}
}

func TestDecide_longTextsAreCut(t *testing.T) {
	event := `{"type":"track","properties":{"long":"` + strings.Repeat("x", 20<<10) + `"}}`
	got, _, err := decide(t, event, rule("r", func(r *rules.Rule) { r.Ticket.Subject, r.Ticket.Note = "{{ long }}", "{{ long }}" }))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Actions[0].(rules.UseTicket).Subject); n != rules.MaxLine {
		t.Errorf("the subject has %d bytes, want %d", n, rules.MaxLine)
	}
	if n := len(got.Actions[1].(rules.Note).Text); n != rules.MaxBody || len(got.Warnings) != 2 {
		t.Errorf("the note has %d bytes, want %d; warnings %q", n, rules.MaxBody, got.Warnings)
	}
}

func TestDecide_aTemplateThatTakesTooLongIsTheEventsFault(t *testing.T) {
	loop := "{{#each properties.items}}{{#each @root.properties.items}}{{/each}}{{/each}}"
	event := `{"type":"track","properties":{"items":[` + strings.TrimSuffix(strings.Repeat("1,", 1000), ",") + `]}}`
	_, ok, err := decide(t, event, rule("r", func(r *rules.Rule) { r.Ticket.Note = loop + loop }))
	fault, isFault := errors.AsType[*mapping.Error](err)
	if !ok || !isFault || fault.Code != mapping.TemplateError || !strings.Contains(fault.Message, "ticket.note") {
		t.Errorf("matched %v, error %v", ok, err)
	}
}

func TestDecide_anEventOfNoRuleIsLeftAlone(t *testing.T) {
	got, ok, err := decide(t, track("Other"), rule("r", func(r *rules.Rule) { r.Match.Event, r.Ticket.Note = []string{"E"}, "x" }))
	if ok || err != nil || len(got.Actions) != 0 {
		t.Errorf("%v, %v, %v", got, ok, err)
	}
}

func TestCompile_namesAllFaults(t *testing.T) {
	_, err := rules.Compile([]rules.Rule{
		rule("a", func(r *rules.Rule) { r.When, r.Ticket.Note = "(", "{{" }),
		rule("a", func(r *rules.Rule) { r.Contact.Fields = map[string]string{"Plan": "{{#if}}"} }),
		rule("b", func(r *rules.Rule) { r.Ticket.Labels = []string{"x", "{{/if}}"} }),
		rule("c", func(*rules.Rule) {}),
		rule("d", func(r *rules.Rule) { r.Match.Type, r.Default = "Track", true }),
	})
	for _, want := range []string{
		"rules[0].when: ", "rules[0].ticket.note: ", "rules[1].contact.fields.Plan: ", `rules[1].name: "a" is another rule's`, "rules[2].ticket.labels[1]: ", "rules[3]: asks for nothing",
		"rules[4].match.type: ",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

func TestDecide_namesTheRuleOfAFault(t *testing.T) {
	r, err := rules.Compile([]rules.Rule{rule("broken", func(r *rules.Rule) { r.When, r.Default = "properties.gone > 1", true })})
	if err != nil {
		t.Fatal(err)
	}
	var of []string
	if _, ok, err := r.Decide(decode(t, payment), func(rule string, _ error) { of = append(of, rule) }); ok || err != nil || !cmp.Equal(of, []string{"broken"}) {
		t.Errorf("matched %v, %v, faults of %q", ok, err, of)
	}
}
