package sink_test

import (
	"testing"

	"github.com/deskstream/deskstream/sink"
)

func TestMade_floorIsTheHighestThatWasShown(t *testing.T) {
	var m sink.Made
	if id, known := m.Floor(); known {
		t.Errorf("floor = %d, want none before anything was shown", id)
	}
	m.Seen(0) // an empty list
	if id, known := m.Floor(); !known || id != 0 {
		t.Errorf("floor = %d, %v after an empty list, want 0", id, known)
	}
	for _, id := range []int64{7, 41, 12} {
		m.Seen(id)
	}
	m.Take(40, "a")
	if id, _ := m.Floor(); id != 41 {
		t.Errorf("floor = %d, want 41", id)
	}
	m.Take(42, "a")
	if id, _ := m.Floor(); id != 42 {
		t.Errorf("floor = %d, want that of a ticket of an event, 42", id)
	}
}

func TestMade_takesEachIDOnceAndForgetsTheOldest(t *testing.T) {
	const kept = 10_000
	var m sink.Made
	for id := range int64(kept + 1) {
		if !m.Take(id+1, "a") {
			t.Fatalf("%d was taken before", id+1)
		}
	}
	if m.Take(kept+1, "b") {
		t.Error("the newest was taken twice")
	}
	if m.Taken(1, "b") || !m.Taken(2, "b") || !m.Taken(kept+1, "b") {
		t.Errorf("taken: 1 %v, 2 %v, the newest %v; want the oldest forgotten", m.Taken(1, "b"), m.Taken(2, "b"), m.Taken(kept+1, "b"))
	}
}

func TestMade_sendingCountsWritesOfOneDescription(t *testing.T) {
	var m sink.Made
	first, second := m.Send("a"), m.Send("a")
	if first(); !m.Sending("a") || m.Sending("b") {
		t.Error("one of two writes on their way does not count")
	}
	if second(); m.Sending("a") {
		t.Error("a write whose answer came is on its way still")
	}
}

// A process may have lost an event, and have it again: what it made for its step is the step's.
func TestMade_anIDIsTakenForOthersOnly(t *testing.T) {
	var m sink.Made
	for range 2 {
		if !m.Take(7, "a") {
			t.Error("an id is refused to its own step")
		}
	}
	if m.Take(7, "b") {
		t.Error("an id is given to another step")
	}
	if m.Taken(7, "a") || !m.Taken(7, "b") {
		t.Error("an id is taken for its own step, or free for another")
	}
}
