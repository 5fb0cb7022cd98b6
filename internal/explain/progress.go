package explain

import (
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// StoryProgress is what was on record of an event before its outcome.
type StoryProgress struct {
	At          time.Time     `json:"at"`
	Source      letters.Place `json:"source"`
	Destination string        `json:"destination"`
	Round       int           `json:"round"`
	// Late marks the progress of a process that had lost the event by then: another one had
	// claimed its partition. It counts for nothing, and a step in it that the other process has
	// taken as well was taken twice.
	Late bool `json:"late"`
	sink.Progress
}

// delivery is an event at one destination, in one round.
type delivery struct {
	source, destination string
	round               int
}

// addProgress takes in the progress that a record carries: one that is on record before the
// outcome, or the last one, in the outcome.
func (s *Story) addProgress(e *topics.LedgerEntry, r *kgo.Record) {
	p, ok := topics.ParseProgress(r)
	if !ok {
		return
	}
	at := letters.Place{Topic: e.Topic, Partition: e.Partition, Offset: e.Offset}
	key := delivery{at.String(), e.Destination, e.Round}
	late := p.Claim < s.claims[key]
	s.claims[key] = max(s.claims[key], p.Claim)
	if e.Outcome != topics.InProgress {
		s.settled[key] = true
	}
	if e.Outcome == topics.InProgress || late {
		s.Progress = append(s.Progress, StoryProgress{r.Timestamp, at, e.Destination, e.Round, late, p})
	}
}

// progressText is a progress for people.
func (s *Story) progressText(p *StoryProgress) string {
	var b strings.Builder
	what := "in progress"
	if p.Late {
		what = "too late, another process had the event"
	}
	output.Printf(&b, "round %d at %s: %s\n", p.Round, sink.Time{Time: p.At}, output.Words(what, output.Named("by rule", p.Rule)))
	texts := letters.StepTexts(&p.Progress)
	if p.Next != nil && s.settled[delivery{p.Source.String(), p.Destination, p.Round}] {
		texts[len(texts)-1] = p.Next.Step + " announced" // what became of it is in the outcome
	}
	for _, text := range texts {
		output.Printf(&b, "  %s\n", text)
	}
	return b.String()
}
