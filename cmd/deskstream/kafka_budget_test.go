//go:build kafka

package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

func TestKafka_instancesThatComeAndGoShareOneBudgetAndRepeatNothing(t *testing.T) {
	const limit, window, reserve = 600, 10 * time.Second, 0.1
	for name, source := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// With a second to each answer more than twenty calls are open at this rate.
			w := newWorld(t, real(t, worldOptions{stub: stub.Config{Latency: time.Second, Limit: limit, Window: window, Sliding: true}}))
			w.produce(1000, each(300))
			path := w.config(settings{source: source, rate: fmt.Sprintf("requests: %d, per: %v", limit, window), reserve: reserve})
			one, two := w.start(path), w.start(path)
			w.awaitWork(one)
			w.awaitWork(two)
			three := w.start(path)
			w.awaitWork(three)
			one.stop()
			two.stop()
			w.awaitWork(three)
			w.awaitCommitted(three)
			three.stop()
			w.wantOnce()
			for _, desk := range []*stub.Desk{w.desk.Desk(stubtrengo.Name), w.desk.Desk(stubkustomer.Name)} {
				w.wantWithinBudget(desk.Received(), limit, window)
			}
		})
	}
}

// wantWithinBudget fails the test when a call was refused for its rate, or more than
// the limit arrived in any window.
func (w *world) wantWithinBudget(calls []stub.Call, limit int, window time.Duration) {
	w.t.Helper()
	first, most := 0, 0
	for i, c := range calls {
		if c.Status == 429 {
			w.t.Errorf("call %d at %s was answered 429", c.Seq, c.Destination)
		}
		for c.At.Sub(calls[first].At) >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	w.t.Logf("%s: %d calls, at most %d of %d in %v", calls[0].Destination, len(calls), most, limit, window)
	if most > limit {
		w.t.Errorf("%d calls arrived in %v, want at most %d", most, window, limit)
	}
}
