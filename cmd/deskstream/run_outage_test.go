package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

func TestRun_anOutageInTheMidstKillsNothing(t *testing.T) {
	t.Parallel()
	outages := map[string]func(*stub.Desk){}
	for name, status := range map[string]int{
		"unavailable": http.StatusServiceUnavailable, "throttled": http.StatusTooManyRequests,
		"unauthorized": http.StatusUnauthorized, "forbidden": http.StatusForbidden, "cut": stub.DropConnection,
	} {
		outages[name] = func(d *stub.Desk) { d.SetOutage(func(stub.Call) int { return status }) }
	}
	for _, g := range stub.Gateways() {
		if !g.Imitates {
			outages[g.Name] = func(d *stub.Desk) { d.SetGateway(&g) }
		}
	}
	for name, begin := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// A 429 says when the window ends, and is obeyed: so it is a short one.
			w := newWorld(t, worldOptions{stub: stub.Config{Latency: slow.Latency, Window: time.Second}})
			w.produce(400, each(100))
			p := w.start(w.config(settings{}))
			await(t, "a part to be settled", func() bool { p.alive(); return w.settled() >= 100 })
			begin(w.desk.Desk(stubtrengo.Name))
			begin(w.desk.Desk(stubkustomer.Name))
			before := len(w.desk.Received())
			await(t, "calls to fail", func() bool { p.alive(); return len(w.desk.Received()) >= before+150 || w.quiet(p) })
			for _, desk := range []*stub.Desk{w.desk.Desk(stubtrengo.Name), w.desk.Desk(stubkustomer.Name)} {
				desk.SetOutage(nil)
				desk.SetGateway(nil)
			}
			w.awaitCommitted(p)
			p.stop()
			w.wantNoLetters()
			w.wantWritten(func(earlier, _ stub.Call) bool { return earlier.Fault == stub.Outage })
		})
	}
}

// quiet reports whether no calls are to be expected: each destination is on hold, or done.
func (w *world) quiet(p *process) bool {
	w.t.Helper()
	url := p.listening()
	for _, destination := range []string{inbox, crm} {
		if metric(w.t, url, "deskstream_hold", destination) != 1 && !w.committedAll(destination) {
			return false
		}
	}
	return true
}
