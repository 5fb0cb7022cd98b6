package tally

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Write prints the report for people.
func (r Report) Write(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, a := range r.Destinations {
		a.write(w)
	}
	if r.OK() {
		fmt.Fprintln(w, "It adds up: every event is accounted for at every destination.")
	} else {
		fmt.Fprintln(w, "It does NOT add up:")
		for _, f := range r.Faults {
			fmt.Fprintf(w, "  %s\n", f)
		}
	}
	return w.Flush() // what was printed before is kept in memory, so this is the only error
}

func (a Account) write(w io.Writer) {
	fmt.Fprintf(w, "%s (%s)\n", a.Name, a.Type)
	fmt.Fprintf(w, "  events in\t%d\n", a.Events)
	sum := 0
	for _, became := range slices.Sorted(maps.Keys(a.Became)) {
		sum += a.Became[became]
		fmt.Fprintf(w, "  %s\t%d\n", became, a.Became[became])
	}
	fmt.Fprintf(w, "  outcomes\t%d\n", sum)
	fmt.Fprintf(w, "  dead letters\t%d\n", a.Letters)
	for _, op := range slices.Sorted(maps.Keys(a.Calls)) {
		fmt.Fprintf(w, "  %s\t%s\n", op, answers(a.Calls[op]))
	}
	for _, name := range slices.Sorted(maps.Keys(a.Kinds)) {
		k := a.Kinds[name]
		fmt.Fprintf(w, "  calls per %s\t%.2f\t(%d calls of %d events)\n", name, float64(k.Calls)/float64(k.Events), k.Calls, k.Events)
		if k.WarmEvents > 0 {
			fmt.Fprintf(w, "  calls per %s, user known\t%.2f\t(%d calls of %d events)\n", name, float64(k.WarmCalls)/float64(k.WarmEvents), k.WarmCalls, k.WarmEvents)
		}
	}
	fmt.Fprintf(w, "  repeated after a lost answer\t%d\n", a.Repeated)
	fmt.Fprintf(w, "  duplicates\t%d\n", a.Duplicates)
	fmt.Fprintf(w, "  out of order\t%d\n", a.OutOfOrder)
	fmt.Fprintf(w, "  writes that show no event\t%d\n\n", a.Unmarked)
}

func answers(counts map[string]int) string {
	total, parts := 0, []string{}
	for _, answer := range slices.Sorted(maps.Keys(counts)) {
		total += counts[answer]
		parts = append(parts, fmt.Sprintf("%d x %s", counts[answer], answer))
	}
	return fmt.Sprintf("%d\t(%s)", total, strings.Join(parts, ", "))
}
