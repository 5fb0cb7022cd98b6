package rules_test

import (
	"fmt"
	"testing"

	"github.com/deskstream/deskstream/mapping/rules"
)

// BenchmarkDecide has two hundred rules over fifty names, each with a ticket of nine templates.
func BenchmarkDecide(b *testing.B) {
	var list []rules.Rule
	for i := range 200 {
		list = append(list, rule(fmt.Sprintf("r-%d", i), func(r *rules.Rule) {
			r.Match.Event = []string{fmt.Sprintf("Event %d", i%50)}
			r.When = fmt.Sprintf(`properties.amount >= 100.0 && traits.plan == "vip" && properties.rule == %d.0`, i)
			r.Contact.Create, r.Contact.Fields = true, map[string]string{"Plan": "{{ traits.plan }}"}
			r.Ticket = rules.Ticket{
				Subject: "Payment of {{ amount }} failed", Team: "Billing", Labels: []string{"billing", "urgent"},
				Fields: map[string]string{"Invoice": "{{ invoice }}"}, Note: "Card declined: {{ properties.reason }} ({{ currency }})", Status: "open",
			}
		}))
	}
	compiled, err := rules.Compile(list)
	if err != nil {
		b.Fatal(err)
	}
	const event = `{"type":"track","event":"%s","userId":"u","properties":{"amount":150,"rule":%d,"invoice":"i-7","currency":"EUR","reason":"expired"},"traits":{"plan":"vip","email":"a@b.nl"}}`
	for name, text := range map[string]string{
		"no rule names the event": fmt.Sprintf(event, "Event 77", 7),
		"no rule matches":         fmt.Sprintf(event, "Event 7", 8),
		"the last rule matches":   fmt.Sprintf(event, "Event 7", 157),
	} {
		b.Run(name, func(b *testing.B) {
			ev := decode(b, text)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := compiled.Decide(ev, func(rule string, err error) { b.Fatal(rule, err) }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
