package audit

import (
	"fmt"
	"strings"

	"github.com/deskstream/deskstream/internal/output"
)

// Text returns what was found, for people; a quiet one has what is wrong and the sums only.
func (a *Audit) Text(quiet bool) string {
	var b strings.Builder
	var sum Partition
	list := a.Partitions()
	for i, p := range list {
		if !quiet && (i == 0 || p.Destination != list[i-1].Destination) {
			output.Printf(&b, "%s (group %s)\n", p.Destination, p.Group)
		}
		if !quiet {
			output.Printf(&b, "  %s/%d  %s  %d delivered, %d skipped, %d dead, %d duplicates, %d reprocessed%s\n",
				p.Topic, p.Partition, auditedText(p), p.Delivered, p.Skipped, p.Dead, p.Duplicates, p.Reprocessed, openText(p.Open))
		}
		sum.Delivered += p.Delivered
		sum.Skipped += p.Skipped
		sum.Dead += p.Dead
		sum.Duplicates += p.Duplicates
	}
	for _, f := range a.Findings {
		output.Printf(&b, "%s/%d/%d at %s, round %d: %s\n", f.Topic, f.Partition, f.Offset, f.Destination, f.Round, f.What)
	}
	if more := a.Missing + a.Conflicting + a.Doubled - len(a.Findings); more > 0 {
		output.Printf(&b, "and %d more\n", more)
	}
	output.Printf(&b, "%d outcomes: %d delivered, %d skipped, %d dead; %d duplicates, %d missing, %d conflicting\n",
		sum.Delivered+sum.Skipped+sum.Dead, sum.Delivered, sum.Skipped, sum.Dead, sum.Duplicates, a.Missing, a.Conflicting)
	if a.Doubled > 0 {
		output.Printf(&b, "%s took effect twice\n", output.Count(a.Doubled, "step"))
	}
	return b.String()
}

// openText is shown only where events are on record before their outcome.
func openText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d begun", n)
}

func auditedText(p Partition) string {
	if p.From >= p.End {
		return "nothing to audit"
	}
	return fmt.Sprintf("offsets %d to %d", p.From, p.End-1)
}
