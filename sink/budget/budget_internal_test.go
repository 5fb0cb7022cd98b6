package budget

import (
	"testing"
	"time"
)

func TestBudget_nobodyTakesACallBeforeWhoWaits(t *testing.T) {
	b := New(Rate{Requests: 1000, Per: time.Second})
	b.queued.Add(1)
	if _, ok := b.Take(); ok {
		t.Error("a call was taken although somebody waits for one")
	}
	b.queued.Add(-1)
	if _, ok := b.Take(); !ok {
		t.Error("no call was there when nobody waits")
	}
}
