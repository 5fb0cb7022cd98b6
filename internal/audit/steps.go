package audit

import (
	"cmp"
	"fmt"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// steps are what is on record of the events that take steps which must take effect once.
type steps struct {
	// taken are the ids of what each step made, of all rounds.
	taken map[stepKey]string
	// open are the events that have a progress and no outcome yet, by round.
	open map[round]bool
}

// stepKey names a step of an event. Events of one offset differ by their leader epoch.
type stepKey struct {
	journal.Event
	epoch int32
	name  string
}

// Progress adds what a record says of the steps that its event took, with Takes having said that
// it counts: a progress, or the last one, in an outcome. A step that made two
// things, in whatever rounds, is a finding.
func (a *Audit) Progress(e *topics.LedgerEntry, p sink.Progress) {
	event := journal.EventOf(e)
	if part := a.parts[scopeOf(event)]; part != nil && e.Offset < part.window.From {
		return
	}
	if key := (round{event, e.Round}); e.Outcome == topics.InProgress {
		a.steps.open[key] = true
	} else {
		delete(a.steps.open, key)
	}
	for _, step := range p.Steps {
		key, ids := stepKey{event, e.Epoch, step.Name}, cmp.Or(letters.IDsText(step.IDs), "something without an id")
		before, known := a.steps.taken[key]
		switch {
		case !known:
			a.steps.taken[key] = ids
		case before != ids:
			a.Doubled++
			a.find(Finding{event, e.Round, fmt.Sprintf("doubled: its step %s took effect as %s and as %s", step.Name, before, ids)})
		}
	}
}

// openIn is how many events of a scope have begun and have no outcome. A process that had lost
// the event may have put it on record after its outcome.
func (a *Audit) openIn(s Scope) (n int) {
	for key := range a.steps.open {
		if scopeOf(key.Event) == s && len(a.rounds[key]) == 0 && (key.n > 0 || a.parts[s].look(key.Offset) == 0) {
			n++
		}
	}
	return n
}
