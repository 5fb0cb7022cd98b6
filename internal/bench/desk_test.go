package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// post sends an event to the desk as a program may have written it.
func post(t *testing.T, d *desk, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	d.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/tracking/identityEvent", strings.NewReader(body)))
	if w.Code != http.StatusCreated {
		t.Fatalf("desk answered %d to %s", w.Code, body)
	}
}

func TestDesk_tellsOrderAndRepeats(t *testing.T) {
	events := dataset{of: []uint16{1, 1, 2, 1}}
	d := newDesk(0, events)
	post(t, d, string(events.value(0)))
	post(t, d, `{"meta":{"eventNoNum":3}}`) // ahead of event 1 of the same user
	post(t, d, string(events.value(1)))
	post(t, d, string(events.value(1)))
	post(t, d, string(events.value(2)))
	post(t, d, `{"meta":{"eventNo":4}}`)
	post(t, d, `{}`)
	got := d.received
	got.First, got.Last = 0, 0
	if want := (Received{Events: 4, Distinct: 4, Duplicates: 1, Disorder: 1, Strange: 2}); got != want {
		t.Errorf("received %+v, want %+v", got, want)
	}
}

func TestDesk_tellsCallsOfOneUserAtOnce(t *testing.T) {
	d := newDesk(0, dataset{of: []uint16{1, 1}})
	d.arrived(0, true)
	d.arrived(1, true)
	if d.received.Disorder != 1 {
		t.Errorf("disorder %d with two calls of one user open, want 1", d.received.Disorder)
	}
}

func TestDataset_isTheSameInEveryProcess(t *testing.T) {
	for _, spread := range []Spread{Uniform, Zipf} {
		a, b := newDataset(spread, 2000), newDataset(spread, 3000)
		counts := make(map[uint16]int)
		for i, user := range a.of {
			if b.of[i] != user {
				t.Fatalf("%s: event %d is of user %d in one and of %d in another", spread, i, user, b.of[i])
			}
			counts[user]++
		}
		if often := counts[0] > 100; often != (spread == Zipf) {
			t.Errorf("%s: user 0 has %d of 2000 events", spread, counts[0])
		}
		if n, ok := number(a.value(1234)); !ok || n != 1234 {
			t.Errorf("%s: event 1234 is found as %d, %t", spread, n, ok)
		}
		if size := len(a.value(1234)); size < 650 || size > 1000 {
			t.Errorf("%s: an event has %d bytes", spread, size)
		}
	}
}
