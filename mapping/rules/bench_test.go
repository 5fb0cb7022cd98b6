package rules_test

import (
	"fmt"
	"testing"

	"github.com/deskstream/deskstream/mapping/rules"
)

// BenchmarkFirst has two hundred rules with two comparisons each, none of which matches.
func BenchmarkFirst(b *testing.B) {
	const when = `properties.amount >= 1000.0 && traits.plan == "vip"`
	for name, events := range map[string]func(i int) []string{
		"of fifty names": func(i int) []string {
			if i%20 == 0 {
				return []string{fmt.Sprintf("Event %d *", i%50)}
			}
			return []string{fmt.Sprintf("Event %d", i%50)}
		},
		"of one name": func(int) []string { return []string{"Event 7"} },
	} {
		b.Run(name, func(b *testing.B) {
			var list []rules.Match
			for i := range 200 {
				list = append(list, rules.Match{Type: "track", Events: events(i), When: when})
			}
			set := compile(b, list...)
			ev := decode(b, `{"type":"track","event":"Event 7","userId":"u","properties":{"amount":150,"invoice":"i-7","currency":"EUR"},"traits":{"plan":"free","email":"a@b.nl"}}`)
			b.ReportAllocs()
			for b.Loop() {
				set.First(ev, func(f rules.Fault) { b.Fatal(f) })
			}
		})
	}
}
