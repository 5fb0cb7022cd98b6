package rules_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping/rules"
)

func TestVerdicts_sayWhyEachRuleDoesNotDecide(t *testing.T) {
	of := func(name, typ, when string, events ...string) rules.Rule {
		return rule(name, func(r *rules.Rule) {
			r.Default, r.When, r.Match = true, when, rules.Pattern{Type: typ, Event: events}
		})
	}
	r, err := rules.Compile([]rules.Rule{
		of("pages", "page", ""),
		of("orders", "track", "", "Order *", "Refund"),
		of("small", "track", "properties.amount < 100", "Payment Failed"),
		of("gone", "track", "properties.gone == 1"),
		of("text", "track", "properties.plan"),
		of("vip", "track", `properties.plan == "vip"`, "Payment *"),
		of("orders-too", "track", "", "Order Completed"),
		of("large", "track", "properties.amount > 100"),
		of("rest", "track", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []rules.Verdict{
		{Rule: "pages", Reason: rules.OtherType},
		{Rule: "orders", Reason: rules.OtherName},
		{Rule: "small", Reason: rules.ConditionFalse},
		{Rule: "gone", Reason: rules.ConditionFailed, Detail: rules.ErrMissing.Error() + ": no such key: gone"},
		{Rule: "text", Reason: rules.ConditionFailed, Detail: rules.ErrNotBool.Error()},
		{Rule: "vip", Matched: true},
		{Rule: "orders-too", Reason: rules.OtherName},
		{Rule: "large", Reason: rules.EarlierRule, Detail: "vip"},
		{Rule: "rest", Reason: rules.EarlierRule, Detail: "vip"},
	}
	if diff := cmp.Diff(want, r.Verdicts(decode(t, payment))); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

// What plan says of a rule is what a delivery does.
func FuzzVerdicts(f *testing.F) {
	f.Add("Payment Failed", "Payment *", "*Failed", 7)
	f.Add("aXbXc", "a*b*c", "*", 3)
	f.Fuzz(func(t *testing.T, name, first, second string, conditions int) {
		when := []string{"", "properties.x == 1", "properties.gone == 1", "true"}
		var list []rules.Rule
		for i, event := range []string{first, second, first + "*", name} {
			if event == "" {
				return
			}
			list = append(list, rule(string(rune('a'+i)), func(r *rules.Rule) {
				r.Default, r.Match.Event, r.When = true, []string{event}, when[(conditions>>(2*i))&3]
			}))
		}
		r, err := rules.Compile(list)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		ev := decode(t, `{"type":"track","properties":{"x":1},"event":`+string(text)+`}`)
		d, ok, _ := r.Decide(ev, func(string, error) {})
		for _, v := range r.Verdicts(ev) {
			if v.Matched != (ok && v.Rule == d.Rule) {
				t.Errorf("rule %s: %+v, but a delivery goes by %q", v.Rule, v, d.Rule)
			}
		}
	})
}
