package main

import (
	"fmt"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
)

// describePlanned says what a plan has for one letter: its verdict and, beside what was
// sent then, what would be sent now.
func describePlanned(c *candidate, p *letters.Planned, now *sink.Outcome) string {
	var b strings.Builder
	l := &c.letter
	who := compact([]string{c.destination, l.EventType, l.EventID, of("of", l.Lane), of("from", c.original.Topic)})
	fmt.Fprintf(&b, "%s  %s\n", p.ID, oneLine(strings.Join(who, " ")))
	fmt.Fprintf(&b, "  %s\n", verdictText(p))
	if now != nil && p.Verdict.Applies() {
		b.WriteString(indent(callDiff(c.then, now)))
	}
	return b.String() + "\n"
}

func verdictText(p *letters.Planned) string {
	texts := map[letters.Verdict]string{
		letters.Send:        fmt.Sprintf("would be sent, round %d", p.Round),
		letters.Settle:      "nothing is to be sent any more, which apply records",
		letters.Behind:      fmt.Sprintf("would be sent behind its user's letters before it, round %d", p.Round),
		letters.StillDead:   "would die again",
		letters.Superseded:  "is superseded",
		letters.Arrived:     "has arrived",
		letters.Applied:     "was applied",
		letters.TooOften:    "died too often",
		letters.Homeless:    "has no destination",
		letters.OtherGroup:  "is another deployment's",
		letters.OtherPlace:  "is another cluster's",
		letters.Unreadable:  "cannot be used",
		letters.NotThere:    "has no record",
		letters.Undecidable: "could not be decided",
		letters.Unplanned:   "is not planned yet",
		letters.Discard:     "would be discarded",
	}
	text := texts[p.Verdict]
	if p.Why != "" {
		text += ": " + oneLine(p.Why)
	}
	return text
}

// callDiff shows the writes of now beside those of then, as a unified diff.
func callDiff(then, now *sink.Outcome) string {
	after := writesText(now)
	if then == nil {
		return "what was sent then is not on the responses topic any more; now:\n" + after
	}
	before := writesText(then)
	if before == after {
		return "the same as then, when it died (" + reasonOf(then) + "):\n" + after
	}
	diff := udiff.Unified("sent then, when it died ("+reasonOf(then)+")", "would be sent now", before, after)
	return strings.ReplaceAll(diff, "\\ No newline at end of file\n", "")
}

// writesText is the calls of an outcome that change something, one line per member of
// a body, so that a diff shows what is different.
func writesText(o *sink.Outcome) string {
	var b strings.Builder
	for _, call := range writes(o) {
		fmt.Fprintf(&b, "%s %s\n", call.Method, oneLine(call.URL))
		if !call.Request.IsZero() {
			b.WriteString(indentJSON([]byte(call.Request.String())) + "\n")
		}
	}
	if b.Len() == 0 {
		return "(no write)\n"
	}
	return b.String()
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("    " + line)
	}
	return b.String()
}
