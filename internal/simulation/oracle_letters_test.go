//go:build synctests

package simulation

import (
	deployment "github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink/topics"
)

// byName is a place as its name has it: without the topic's id other records have it too.
type byName struct {
	partition int32
	offset    int64
}

// checkNames: each outcome and each letter names the record that it is of, by the topic's id
// too; a letter finds the outcomes of its own record and of no other; and it has one id,
// which no other record's letter has. The marks say which record it is in truth.
func (o *oracle) checkNames() {
	outcomes := make(map[byName][]*written)
	for _, w := range o.logged {
		if w.topic == responsesTopic {
			at := byName{w.entry.Partition, w.entry.Offset}
			outcomes[at] = append(outcomes[at], w)
			if s := o.byMark[w.mark]; s == nil || s.place() != w.place() {
				o.findf(ruleName, "an outcome of %s names %+v", w.mark, w.entry.Place)
			}
		}
	}
	ids, marks := make(map[string]string), make(map[string]string)
	known := deployment.NewLetters()
	for _, w := range o.logged {
		if w.topic != lettersTopic {
			continue
		}
		l := letters.Parse(w.record)
		at := l.Source.Record()
		if s := o.byMark[w.mark]; s == nil || s.place() != (place{o.eras[at.TopicID], at.Partition, at.Offset}) {
			o.findf(ruleName, "the letter of %s names %+v", w.mark, at)
			continue
		}
		if ids[w.mark] != "" && ids[w.mark] != l.ID || marks[l.ID] != "" && marks[l.ID] != w.mark {
			o.findf(ruleName, "the letter of %s has the id %s, it had %q before, and %q had that", w.mark, l.ID, ids[w.mark], marks[l.ID])
		}
		if before := ids[w.mark] != ""; known.Seen(&l) != before {
			o.findf(ruleName, "the letter of %s was there before: %v, and is taken for the opposite", w.mark, before)
		}
		ids[w.mark], marks[l.ID] = l.ID, w.mark
		o.checkSettled(w, deployment.LetterRecord(&l), outcomes[byName{at.Partition, at.Offset}])
	}
}

func (o *oracle) checkSettled(w *written, record deployment.Record, outcomes []*written) {
	for _, outcome := range outcomes {
		settled, err := record.SettledBy(&outcome.entry, outcome.record)
		if err != nil || settled != (outcome.mark == w.mark) {
			o.findf(ruleName, "the letter of %s at %s counts as settled by an outcome of %s: %v, %v", w.mark, record.Place, outcome.mark, settled, err)
		}
	}
}

// checkStates: in the end a letter is closed if a person has closed it since the state topic
// was created, and open otherwise.
func (o *oracle) checkStates() {
	for _, w := range o.logged {
		if w.topic != lettersTopic {
			continue
		}
		l := letters.Parse(w.record)
		state, _ := deployment.StateOf(o.states, &l, topics.TopicID{})
		if state.Status.Closed() != o.discarded[w.mark] {
			o.findf(ruleState, "the letter of %s is %q in the end, discarded by a person: %v", w.mark, state.Status, o.discarded[w.mark])
		}
	}
}
