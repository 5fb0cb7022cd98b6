package redrive

import (
	"fmt"
	"io"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink"
)

// Rehearsed is a letter that was planned, with what sending it would do.
type Rehearsed struct {
	Planned letters.Planned
	Letter  *letters.Letter
	// Topic is that of the letter's event.
	Topic string
	// Steps are what was done of its event before, and Keys what its keys name, for people.
	Steps, Keys []string
	// Then is the outcome with which it died, nil where that is no longer on record, and Now what
	// sending it would give, nil where nobody asked.
	Then, Now *sink.Outcome
}

func rehearsed(c *candidate, p letters.Planned, now *sink.Outcome) *Rehearsed {
	return &Rehearsed{
		Planned: p, Letter: &c.letter, Topic: c.original.Topic, Steps: letters.StepTexts(c.inherited()), Keys: keyTexts(c), Then: c.then, Now: now,
	}
}

// show hands a planned letter on, or prints it.
func (b *redriver) show(o PlanOptions, r *Rehearsed) error {
	if o.Show != nil {
		o.Show(r)
		return nil
	}
	if _, err := io.WriteString(b.out, r.text()); err != nil {
		return fmt.Errorf("writing the plan's description: %w", err)
	}
	return nil
}

// Compares reports whether there is something to compare with what was sent then.
func (r *Rehearsed) Compares() bool { return r.Now != nil && r.Planned.Verdict.Applies() }

// text is a planned letter for people: its verdict and, beside what was sent then, what would be sent
// now.
func (r *Rehearsed) text() string {
	var b strings.Builder
	l, p := r.Letter, &r.Planned
	output.Printf(&b, "%s  %s\n", p.ID, output.Words(p.Destination, l.EventType, l.EventID, output.Named("of", l.Lane), output.Named("from", r.Topic)))
	output.Printf(&b, "  %s\n", VerdictText(p))
	for _, text := range r.Steps {
		output.Printf(&b, "  before: %s\n", text)
	}
	for _, text := range r.Keys {
		output.Printf(&b, "  %s\n", text)
	}
	if r.Compares() {
		b.WriteString(output.Indent(callDiff(r.Then, r.Now)))
	}
	return b.String() + "\n"
}

// VerdictText says for people what a plan says of a letter.
func VerdictText(p *letters.Planned) string {
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
		return "the same as then, when it died (" + ReasonOf(then) + "):\n" + after
	}
	diff := udiff.Unified("sent then, when it died ("+ReasonOf(then)+")", "would be sent now", before, after)
	return strings.ReplaceAll(diff, "\\ No newline at end of file\n", "")
}

// writesText returns the writes of an outcome with one member of a body per line, so that a
// diff shows what is different.
func writesText(o *sink.Outcome) string {
	var b strings.Builder
	for _, call := range Writes(o) {
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
