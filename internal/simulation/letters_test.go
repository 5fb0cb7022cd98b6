//go:build synctests

package simulation

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
)

// discardLetters discards the open letters that were seen by now, as dlq discard does.
func (w *world) discardLetters() {
	var records []*kgo.Record
	w.journal.mu.Lock()
	for _, written := range w.journal.logged {
		if written.topic != lettersTopic || w.journal.discarded[written.mark] {
			continue
		}
		l := letters.Parse(written.record)
		state := letters.State{
			ID: l.ID, Status: letters.Discarded, At: time.Now(), Destination: l.Destination,
			Source: &l.Source.Place, Cluster: l.Source.Cluster, TopicID: l.Source.TopicID, Epoch: l.Source.Epoch,
		}
		record, err := state.Record(statesTopic, letterPartitions)
		if err != nil {
			w.t.Errorf("discarding a letter: %v", err)
			continue
		}
		records = append(records, record)
		w.journal.discarded[written.mark] = true
	}
	w.journal.mu.Unlock()
	if len(records) > 0 {
		w.kafka.Produce(w.t, records...)
		w.journal.count(discard, len(records))
	}
}

// recreateStates deletes the topic of the letters' states and creates it again: all letters
// are open again.
func (w *world) recreateStates(gap time.Duration) {
	w.recreate(statesTopic, letterPartitions, gap)
	w.journal.mu.Lock()
	clear(w.journal.discarded)
	w.journal.mu.Unlock()
	w.journal.count(recreateStates, 1)
}

func (w *world) readStates() {
	for _, r := range w.kafka.Consume(w.t, statesTopic) {
		w.journal.states.Take(r)
	}
}
