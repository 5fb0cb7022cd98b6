package redrive

import (
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink"
)

// describePlanned returns a plan's entry of one letter for people: its verdict and, beside
// what was sent then, what would be sent now.
func describePlanned(c *candidate, p *letters.Planned, now *sink.Outcome) string {
	var b strings.Builder
	l := &c.letter
	output.Printf(&b, "%s  %s\n", p.ID, output.Words(c.destination, l.EventType, l.EventID, output.Named("of", l.Lane), output.Named("from", c.original.Topic)))
	output.Printf(&b, "  %s\n", verdictText(p))
	for _, text := range letters.StepTexts(c.inherited()) {
		output.Printf(&b, "  before: %s\n", text)
	}
	for _, text := range keyTexts(c) {
		output.Printf(&b, "  %s\n", text)
	}
	if now != nil && p.Verdict.Applies() {
		b.WriteString(output.Indent(callDiff(c.then, now)))
	}
	return b.String() + "\n"
}

func verdictText(p *letters.Planned) string {
	texts := map[letters.Verdict]string{
		letters.Send:        fmt.Sprintf("would be sent, round %d", p.Round),
		letters.Settle:      "nothing is left to send: apply records that",
		letters.Behind:      fmt.Sprintf("would be sent after its user's earlier letters, round %d", p.Round),
		letters.StillDead:   "would die again",
		letters.Superseded:  "is superseded",
		letters.Arrived:     "was delivered",
		letters.Applied:     "was applied",
		letters.TooOften:    "died too often",
		letters.Homeless:    "has no destination",
		letters.OtherGroup:  "belongs to another deployment",
		letters.OtherPlace:  "belongs to another cluster",
		letters.Unreadable:  "cannot be used",
		letters.NotThere:    "has no record",
		letters.Undecidable: "could not be decided",
		letters.Unplanned:   "is not planned yet",
		letters.Discard:     "would be discarded",
	}
	text := texts[p.Verdict]
	if p.Why != "" {
		text += ": " + p.Why
	}
	return text
}

// callDiff compares the writes of now with those of then, as a unified diff.
func callDiff(then, now *sink.Outcome) string {
	after := writesText(now)
	if then == nil {
		return "what was sent then is no longer on the responses topic; now:\n" + after
	}
	before := writesText(then)
	if before == after {
		return "the same as then, when it died (" + reasonOf(then) + "):\n" + after
	}
	diff := udiff.Unified("sent then, when it died ("+reasonOf(then)+")", "would be sent now", before, after)
	return strings.ReplaceAll(diff, "\\ No newline at end of file\n", "")
}

// writesText returns the writes of an outcome with one member of a body per line, so that a
// diff shows what is different.
func writesText(o *sink.Outcome) string {
	var b strings.Builder
	for _, call := range writes(o) {
		output.Printf(&b, "%s %s\n", call.Method, call.URL)
		if !call.Request.IsZero() {
			b.WriteString(output.IndentJSON([]byte(call.Request.String())) + "\n")
		}
	}
	if b.Len() == 0 {
		return "(no write)\n"
	}
	return b.String()
}
