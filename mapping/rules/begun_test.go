package rules_test

import (
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
)

// An event goes on with the rule by which it has begun, whatever it matches now.
func TestDecide_goesOnWithTheRuleByWhichTheEventHasBegun(t *testing.T) {
	list := []rules.Rule{of("first", "track", "", "Payment Failed"), of("second", "track", "properties.amount > 1000"), of("pages", "page", "")}
	r, err := rules.Compile(list)
	if err != nil {
		t.Fatal(err)
	}
	for begun, want := range map[string]string{"first": "first", "second": "second", "pages": "pages", "gone": "first"} {
		ev := decode(t, payment)
		ev.Begun = &mapping.RuleMark{Name: begun}
		d, ok, err := r.Decide(ev, func(rule string, err error) { t.Errorf("fault of %s: %v", rule, err) })
		if !ok || err != nil || d.Rule != want || d.Hash == "" {
			t.Errorf("begun by %s: goes by %q, %v, %v; want %q", begun, d.Rule, ok, err, want)
		}
	}
}

// The hash of a rule changes when the rule asks for something else, and only then.
func TestDecide_theHashIsOfWhatTheRuleAsksFor(t *testing.T) {
	hash := func(change func(*rules.Rule)) string {
		t.Helper()
		r := of("r", "track", "")
		r.Ticket.Note, r.Ticket.Fields = "Declined", map[string]string{"A": "1", "B": "2"}
		change(&r)
		d, ok, err := decide(t, payment, r)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		return d.Hash
	}
	same := hash(func(*rules.Rule) {})
	for name, tt := range map[string]struct {
		change func(*rules.Rule)
		same   bool
	}{
		"a condition":      {func(r *rules.Rule) { r.When = "true" }, true},
		"a name":           {func(r *rules.Rule) { r.Match.Event = []string{"Payment *"} }, true},
		"a priority":       {func(r *rules.Rule) { r.Priority = "high" }, true},
		"an empty setting": {func(r *rules.Rule) { r.Ticket.Labels, r.Contact.Fields = []string(nil), map[string]string{} }, true},
		"a note":           {func(r *rules.Rule) { r.Ticket.Note = "Refused" }, false},
		"a field":          {func(r *rules.Rule) { r.Ticket.Fields = map[string]string{"A": "1"} }, false},
		"a status":         {func(r *rules.Rule) { r.Ticket.Status = "closed" }, false},
		"the default":      {func(r *rules.Rule) { r.Default = false }, false},
	} {
		if got := hash(tt.change); (got == same) != tt.same {
			t.Errorf("with %s changed the hash is %s, was %s", name, got, same)
		}
	}
	const frozen = "166457bc1129df40" // of the first version: progress of before an upgrade has it
	if same != frozen {
		t.Errorf("the hash is %s, want %s as in the first version", same, frozen)
	}
}
