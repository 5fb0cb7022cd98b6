package rules_test

import (
	"fmt"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
)

// manyRules are two hundred rules of events with two comparisons each, of which the event matches
// none.
func manyRules(t testing.TB, events func(i int) []string) (*rules.Set, mapping.Event) {
	t.Helper()
	const when = `properties.amount >= 1000.0 && traits.plan == "vip"`
	var list []rules.Match
	for i := range 200 {
		list = append(list, rules.Match{Type: "track", Events: events(i), When: when})
	}
	return compile(t, list...), decode(t, `{"type":"track","event":"Event 7","userId":"u","properties":{"amount":150,"invoice":"i-7","currency":"EUR"},"traits":{"plan":"free","email":"a@b.nl"}}`)
}

// ofFiftyNames are the names of the rules: a tenth are patterns.
func ofFiftyNames(i int) []string {
	if i%20 == 0 {
		return []string{fmt.Sprintf("Event %d *", i%50)}
	}
	return []string{fmt.Sprintf("Event %d", i%50)}
}

// BenchmarkFirst: of fifty names at most 3 us and 16 allocations are wanted, of one name 50 us.
func BenchmarkFirst(b *testing.B) {
	for name, events := range map[string]func(i int) []string{
		"of fifty names": ofFiftyNames,
		"of one name":    func(int) []string { return []string{"Event 7"} },
	} {
		b.Run(name, func(b *testing.B) {
			set, ev := manyRules(b, events)
			b.ReportAllocs()
			for b.Loop() {
				set.First(ev, func(f rules.Fault) { b.Fatal(f) })
			}
		})
	}
}

func TestFirst_allocatesLittleForManyRules(t *testing.T) {
	set, ev := manyRules(t, ofFiftyNames)
	if n := testing.AllocsPerRun(100, func() { set.First(ev, func(f rules.Fault) { t.Fatal(f) }) }); n > 16 {
		t.Errorf("%v allocations, want 16 at most", n)
	}
}
