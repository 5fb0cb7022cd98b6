package rules_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
)

// of is a rule for events of a type and names, with a condition.
func of(name, typ, when string, events ...string) rules.Rule {
	return rule(name, func(r *rules.Rule) {
		r.Default, r.When, r.Match = true, when, rules.Pattern{Type: typ, Event: events}
	})
}

func TestUnmatched_namesRulesThatCanNeverMatch(t *testing.T) {
	names := of("names", "track", "", "Order *", "Refund")
	tests := map[string]struct {
		filter mapping.Filter
		rules  []rules.Rule
		want   string // of the last, "" for none
	}{
		"any event":                            {rules: []rules.Rule{of("a", "track", "")}},
		"a type that is not taken":             {mapping.Filter{Types: []string{"identify"}}, []rules.Rule{of("a", "track", "")}, "match.type"},
		"a type that is taken":                 {mapping.Filter{Types: []string{"track"}}, []rules.Rule{of("a", "track", "")}, ""},
		"a name of a type without names":       {rules: []rules.Rule{of("a", "identify", "", "Signed Up")}, want: "match.event"},
		"every name of a type without names":   {rules: []rules.Rule{of("a", "identify", "", "Signed Up", "*")}},
		"a desk's event with a name":           {rules: []rules.Rule{of("a", "ticket.closed", "", "x*")}, want: "match.event"},
		"a name that is not allowed":           {mapping.Filter{Allow: []string{"A"}}, []rules.Rule{of("a", "track", "", "B", "C*")}, "match.event"},
		"a pattern of what is allowed":         {mapping.Filter{Allow: []string{"CD"}}, []rules.Rule{of("a", "track", "", "B", "C*")}, ""},
		"names that are denied":                {mapping.Filter{Deny: []string{"A", "B"}}, []rules.Rule{of("a", "page", "", "B", "A")}, "match.event"},
		"a name that is denied beside another": {mapping.Filter{Deny: []string{"A"}}, []rules.Rule{of("a", "track", "", "A", "C")}, ""},
		"a pattern of what is denied":          {mapping.Filter{Deny: []string{"A"}}, []rules.Rule{of("a", "track", "", "A*")}, ""},
		"a condition that is false":            {rules: []rules.Rule{of("a", "track", "1 == 2")}, want: "when"},
		"false beside a field":                 {rules: []rules.Rule{of("a", "track", "properties.x == 1 && false")}, want: "when"},
		"another type":                         {rules: []rules.Rule{of("a", "track", `type == "page" && properties.x == 1`)}, want: "when"},
		"its own type":                         {rules: []rules.Rule{of("a", "page", `type == "page" && properties.x == 1`)}},
		"a condition that always fails":        {rules: []rules.Rule{of("a", "track", `double("x") > 1`)}, want: "when"},
		"a condition that is true":             {rules: []rules.Rule{of("a", "track", `true || properties.x == 1`)}},
		"a list":                               {rules: []rules.Rule{of("a", "track", `properties.items.exists(i, i.n > 1)`)}},
		"names of a rule before":               {rules: []rules.Rule{names, of("a", "track", "", "Refund", "Order Paid", "Order P*d", "Order *")}, want: "match.event"},
		"a name besides":                       {rules: []rules.Rule{names, of("a", "track", "", "Refund", "Refunded")}},
		"a wider pattern":                      {rules: []rules.Rule{names, of("a", "track", "", "Orde*")}},
		"the same names of another type":       {rules: []rules.Rule{names, of("a", "page", "", "Refund")}},
		"the same names after a condition":     {rules: []rules.Rule{of("b", "track", "properties.x == 1", "A"), of("a", "track", "", "A")}},
		"names of two rules before":            {rules: []rules.Rule{of("b", "track", "", "A"), of("c", "track", "", "B"), of("a", "track", "", "A", "B")}, want: "match.event"},
		"after one for every event":            {rules: []rules.Rule{of("b", "track", "", "*"), of("a", "track", "", "A")}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := rules.Unmatched(tt.rules, tt.filter)
			want := "rules[" + string(rune('0'+len(tt.rules)-1)) + "]." + tt.want + ": can never match: "
			if (err != nil) != (tt.want != "") || err != nil && !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
}

func TestAdvise_saysWhatShouldBeChanged(t *testing.T) {
	saves := func(name string, byDefault bool) rules.Rule {
		r := of(name, "identify", "")
		r.Default, r.Contact.Fields = byDefault, map[string]string{"Plan": "x"}
		return r
	}
	tests := map[string]struct {
		rules []rules.Rule
		want  []string // the paths, and a word of each text
	}{
		"nothing": {rules: []rules.Rule{of("a", "track", `properties.x == 1`), of("b", "track", "", "*"), of("c", "page", "")}},
		"after one for every event": {
			[]rules.Rule{of("a", "track", "", "A", "*"), of("b", "track", "", "B"), of("c", "track", ""), of("d", "page", "")},
			[]string{"rules[1].name: a", "rules[2].name: a"},
		},
		"a type that nobody sends":       {[]rules.Rule{of("a", "trakc", ""), of("b", "ticket.closed", ""), of("c", "unknown", ""), of("d", "ticket.", "")}, []string{"rules[0].match.type: trakc"}},
		"an identify that is not saved":  {[]rules.Rule{saves("a", false)}, []string{"rules[0].contact.fields: default: true"}},
		"an identify that is saved":      {rules: []rules.Rule{saves("a", true)}},
		"unequal":                        {[]rules.Rule{of("a", "track", `properties.plan != "vip"`)}, []string{"rules[0].when: has(properties.plan)"}},
		"unequal, of a part":             {[]rules.Rule{of("a", "track", `properties.plan.lowerAscii() != "vip"`)}, []string{"rules[0].when: has(properties.plan)"}},
		"unequal, guarded":               {rules: []rules.Rule{of("a", "track", `has(properties.plan) && properties.plan != "vip"`)}},
		"unequal, guarded the other way": {rules: []rules.Rule{of("a", "track", `!has(context.traits.plan) || context.traits.plan != "vip"`)}},
		"unequal, another guarded":       {[]rules.Rule{of("a", "track", `has(traits.plan) && properties.plan != traits.plan`)}, []string{"rules[0].when: has(properties.plan)"}},
		"unequal, optional":              {rules: []rules.Rule{of("a", "track", `properties.?plan.orValue("") != "vip"`)}},
		"unequal, by its text":           {[]rules.Rule{of("a", "track", `properties["odd key"] != 1`)}, []string{`rules[0].when: "odd key" in properties`}},
		"unequal, by its text, guarded":  {rules: []rules.Rule{of("a", "track", `"odd key" in properties && properties["odd key"] != 1`)}},
		"unequal, of a member":           {rules: []rules.Rule{of("a", "track", `userId != "u"`)}},
		"not":                            {[]rules.Rule{of("a", "track", `!(properties.a.b == 1 || properties.c)`)}, []string{"rules[0].when: has(properties.a.b)", "rules[0].when: has(properties.c)"}},
		"equal":                          {rules: []rules.Rule{of("a", "track", `properties.plan == "vip" && properties.items.all(i, i.n > 1)`)}},
		"in a list":                      {[]rules.Rule{of("a", "track", `properties.items.all(i, i.n != 1)`)}, []string{"rules[0].when: has(i.n)"}},
		"does not compile":               {rules: []rules.Rule{of("a", "track", `properties.plan !=`)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for i, a := range rules.Advise(tt.rules) {
				path, word := "", ""
				if i < len(tt.want) {
					path, word, _ = strings.Cut(tt.want[i], ": ")
				}
				if a.Path != path || !strings.Contains(a.Text, word) {
					t.Errorf("advice %+v, want %q", a, word)
				}
				got = append(got, a.Path)
			}
			if len(got) != len(tt.want) {
				t.Errorf("advice (-want +got):\n%s", cmp.Diff(tt.want, got))
			}
		})
	}
}
