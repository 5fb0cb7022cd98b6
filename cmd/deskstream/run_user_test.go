package main

import (
	"net/http"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

func TestRun_aUserWhoseEveryEventFailsDelaysNobodyElseEvenOverAKill(t *testing.T) {
	t.Parallel()
	const users, badEvents = 100, 20
	w := newWorld(t, worldOptions{stub: slow, sources: 1, others: 5})
	w.produce(badEvents*users, each(users))
	failing := func(c stub.Call) int {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.place[c.Mark].user == "user-7" {
			return http.StatusInternalServerError
		}
		return 0
	}
	w.desk.Desk(stubtrengo.Name).SetOutage(failing)
	w.desk.Desk(stubkustomer.Name).SetOutage(failing)
	path, others := w.config(settings{}), badEvents*(users-1)
	d := &deaths{w: w}

	first := w.start(path)
	await(t, "half of the others' events to be settled", func() bool { first.alive(); return w.settled() >= others })
	open := w.desk.Open()
	first.kill()
	d.note(open)
	second := w.start(path)
	await(t, "all events of the others to be settled", func() bool {
		second.alive()
		return w.settled() >= 2*others && len(w.outcomes()) == 2*others
	})
	w.produce(users-1, func() func() int { // more of all but the failing one
		next := each(users - 1)
		return func() int { return (8 + next()) % users }
	}())
	others += users - 1
	await(t, "what came later to be settled", func() bool {
		second.alive()
		return w.settled() >= 2*others && len(w.outcomes()) == 2*others
	})
	w.desk.Desk(stubtrengo.Name).SetOutage(nil)
	w.desk.Desk(stubkustomer.Name).SetOutage(nil)
	w.awaitCommitted(second)
	second.stop()
	w.wantNoLetters()
	w.wantWritten(func(earlier, again stub.Call) bool { return earlier.Fault == stub.Outage || d.permit(earlier, again) })
	t.Logf("events repeated after the kill: %v of %d", d.repeated(), w.produced())
	if n := len(w.outcomes()); n != 2*w.produced() {
		t.Errorf("outcomes for %d events at a destination, want %d", n, 2*w.produced())
	}
}
