package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// An API that rejects everything from one day to the next: a person is told, and few
// letters are written.
func TestRun_theBreakerHoldsBeforeTheTopicIsEmptiedIntoTheDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{stub: slow})
	reject := func(c stub.Call) int {
		if c.Method == http.MethodGet {
			return 0
		}
		return http.StatusUnprocessableEntity
	}
	w.desk.Desk(stubtrengo.Name).SetOutage(reject)
	w.produce(2000, each(500))
	path := w.config(settings{})
	p := w.start(path)
	await(t, "the breaker's hold", func() bool { p.alive(); return readyOf(t, p.listening()).Hold == "breaker" })
	await(t, "the other destination to be done", func() bool { p.alive(); return w.committedAll(crm) })
	if n := metric(t, p.listening(), "deskstream_hold", inbox); n != 1 {
		t.Errorf("deskstream_hold = %v, want 1", n)
	}
	// The 51st of the last 100 is put back, as is what was in flight then, and each probe.
	if letters := w.ends(lettersTopic); letters != 50 {
		t.Errorf("%d letters of 2000 events, want 50", letters)
	}
	w.desk.Desk(stubtrengo.Name).SetOutage(nil)
	w.awaitCommitted(p) // a probe is accepted, by itself
	p.stop()
	log := p.stderr.String()
	if n := strings.Count(log, "destination put on hold"); n != 1 || !strings.Contains(log, `"level":"ERROR","msg":"destination put on hold"`) {
		t.Errorf("the log says %d times that it is on hold\n%s", n, log)
	}
	if n := strings.Count(log, "destination resumed"); n != 1 {
		t.Errorf("the log says %d times that it is resumed", n)
	}
}
