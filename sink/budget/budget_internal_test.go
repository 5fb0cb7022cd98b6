package budget

import (
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"
)

func TestBudget_nobodyTakesACallBeforeWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Rate{Requests: 60, Per: time.Minute})
		if _, ok := b.Take(); !ok {
			t.Fatal("no call was there in the beginning")
		}
		waited := make(chan error)
		go func() {
			_, err := b.Wait(t.Context(), 0)
			waited <- err
		}()
		synctest.Wait()
		b.limiter.SetLimit(rate.Inf) // a call is there, and who waits does not know
		if _, ok := b.Take(); ok {
			t.Error("a call was taken although somebody waits for one")
		}
		if err := <-waited; err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, ok := b.Take(); !ok {
			t.Error("no call was there when nobody waits")
		}
	})
}
