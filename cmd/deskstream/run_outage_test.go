package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

func TestRun_anOutageInTheMidstKillsNothing(t *testing.T) {
	outages := map[string]int{
		"unavailable": http.StatusServiceUnavailable, "throttled": http.StatusTooManyRequests,
		"unauthorized": http.StatusUnauthorized, "forbidden": http.StatusForbidden, "cut": stub.DropConnection,
	}
	for name, status := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A 429 says when the window ends, and is obeyed: so it is a short one.
			w := newWorld(t, worldOptions{stub: stub.Config{Latency: slow.Latency, Window: time.Second}})
			w.produce(400, each(100))
			p := w.start(w.config(settings{}))
			await(t, "a part to be settled", func() bool { p.alive(); return w.settled() >= 100 })
			for _, desk := range []*stub.Desk{w.desk.Trengo, w.desk.Kustomer} {
				desk.SetOutage(func(stub.Call) int { return status })
			}
			before := len(w.desk.Received())
			await(t, "calls to fail", func() bool { p.alive(); return len(w.desk.Received()) >= before+150 || w.held(p) })
			w.desk.Trengo.SetOutage(nil)
			w.desk.Kustomer.SetOutage(nil)
			w.awaitCommitted(p)
			p.stop()
			w.wantNoLetters()
			w.wantWritten(func(earlier, _ stub.Call) bool { return earlier.Fault == stub.Outage })
		})
	}
}

// held reports whether both destinations are on hold.
func (w *world) held(p *process) bool {
	w.t.Helper()
	url := p.listening()
	return metric(w.t, url, "deskstream_hold", inbox) == 1 && metric(w.t, url, "deskstream_hold", crm) == 1
}
