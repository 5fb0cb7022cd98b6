//go:build kafka

package main

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/sink/topics"
)

// delivered makes a world in which the program has delivered n events and stopped.
func delivered(t *testing.T, n int, source string) (w *world, path string) {
	t.Helper()
	w = newWorld(t, real(t, worldOptions{}))
	w.produce(n, each(40))
	path = w.config(settings{source: source})
	w.runToTheEnd(path)
	w.wantOnce()
	return w, path
}

// wantTimes fails the test unless each event was written as often as want says.
func (w *world) wantTimes(want func(destination string, at place) int) {
	w.t.Helper()
	for _, destination := range []string{inbox, crm} {
		times := w.timesWritten(destination)
		for mark, at := range w.place {
			if n := want(destination, at); times[mark] != n {
				w.t.Errorf("%s (%+v) was written %d times at %s, want %d", mark, at, times[mark], destination, n)
			}
		}
	}
}

func TestKafka_anOperatorsResetDeliversAllAgain(t *testing.T) {
	for name, source := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, path := delivered(t, 300, source)
			starts := w.StartOffsets(t, w.topic(eventsTopic))
			for _, destination := range []string{inbox, crm} {
				w.commit(destination, "", starts) // what kafka-consumer-groups --reset-offsets does
			}
			log := w.runToTheEnd(path)
			w.wantTimes(func(string, place) int { return 2 })
			if n := strings.Count(log, "no checkpoint in the committed metadata"); n != 2*len(starts) {
				t.Errorf("the log says %d times that there is no checkpoint, want once for each partition and destination, %d", n, 2*len(starts))
			}
			w.runToTheEnd(path) // now with checkpoints
			w.wantTimes(func(string, place) int { return 2 })
		})
	}
}

func TestKafka_aForeignCheckpointDeliversAllAgainFromTheCommit(t *testing.T) {
	for name, metadata := range map[string]string{
		"of another program": "consumer-1",
		"of another cluster": "2 another-cluster AAAAAAAAAAAAAAAAAAAAAQ== AAAAAAAAAAAAAAAAAAAAAg== 5 3 0", // as after a failover
		"of another version": "3 any",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, path := delivered(t, 300, "")
			from := w.StartOffsets(t, w.topic(eventsTopic))
			for id := range from {
				from[id] = 3
			}
			w.commit(inbox, metadata, from)
			log := w.runToTheEnd(path)
			w.wantTimes(func(destination string, at place) int {
				if destination == inbox && at.offset >= 3 {
					return 2
				}
				return 1
			})
			if n := strings.Count(log, "checkpoint not usable"); n != len(from) {
				t.Errorf("the log warns of %d checkpoints, want one for each partition, %d", n, len(from))
			}
		})
	}
}

// killedAfter makes a world of one partition in which the program has delivered n events,
// committed none of them, and was killed.
func killedAfter(t *testing.T, n int) (w *world, path string) {
	t.Helper()
	w = newWorld(t, real(t, worldOptions{sources: 1, others: 1}))
	w.produce(n, each(40))
	p := w.start(w.config(settings{commit: time.Hour}))
	await(t, "all outcomes", func() bool { p.alive(); return w.settled() == 2*n })
	p.kill()
	for _, destination := range []string{inbox, crm} {
		if at := w.Committed(t, w.group(destination), w.topic(eventsTopic))[0]; at.At != 0 || at.Metadata == "" {
			t.Fatalf("%s committed %+v, want offset 0 with a checkpoint", destination, at)
		}
	}
	return w, w.config(settings{})
}

func TestKafka_whatHasAnOutcomeIsNotDeliveredAgain(t *testing.T) {
	t.Parallel()
	w, path := killedAfter(t, 200)
	w.runToTheEnd(path)
	w.wantOnce()
}

func TestKafka_expiredOutcomesAreDeliveredAgainAndTheRestIsNot(t *testing.T) {
	t.Parallel()
	w, path := killedAfter(t, 200)
	w.deleteRecords(responsesTopic, 150)
	left := w.outcomes()
	if len(left) == 0 || len(left) >= 2*200 { // other records lie between them
		t.Fatalf("%d outcomes are left, want a part of 400", len(left))
	}
	log := w.runToTheEnd(path)
	w.wantTimes(func(destination string, at place) int {
		return 2 - left[outcomeKey{destination, at.partition, at.offset}]
	})
	if n := strings.Count(log, "some outcomes have expired"); n != 2 {
		t.Errorf("the log says %d times that outcomes expired, want once for each destination", n)
	}
}

func TestKafka_aResponsesTopicMadeAnewIsTakenOver(t *testing.T) {
	for name, source := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, real(t, worldOptions{stub: slow}))
			w.produce(1500, each(200))
			path := w.config(settings{source: source})
			p := w.start(path)
			w.awaitWork(p)
			w.remake(responsesTopic, 7)
			w.produce(500, each(200))
			w.awaitCommitted(p)
			p.stop()
			w.wantTimes(func(string, place) int { return 1 })
			if n := w.settled(); n == 0 {
				t.Error("the new topic holds no outcome")
			}
			responses := w.Admin(t)
			found, err := responses.ListTopics(t.Context(), w.topic(responsesTopic))
			if err != nil {
				t.Fatal(err)
			}
			id := found[w.topic(responsesTopic)].ID.String()
			for p, at := range maps.All(w.Committed(t, w.group(inbox), w.topic(eventsTopic))) {
				if want := fmt.Sprintf(" %s 7 ", id); !strings.Contains(at.Metadata, want) {
					t.Errorf("the checkpoint of partition %d is %q, not of the new topic", p, at.Metadata)
				}
			}
			w.runToTheEnd(path)
			w.wantTimes(func(string, place) int { return 1 })
		})
	}
}

// OutcomesOf counts the outcomes of a group on the responses topic by what they say.
func (w *world) outcomesOf(destination string) map[string]int {
	w.t.Helper()
	counts := make(map[string]int)
	for _, r := range outcomeRecords(w.Consume(w.t, w.topic(responsesTopic))) {
		if entry, ok := topics.ParseEntry(r); ok && entry.Destination == destination {
			_, _, what := told(w.t, r)
			counts[what]++
		}
	}
	return counts
}
