package processor

import (
	"context"
	"runtime"
	"testing"
	"time"
)

// A claim that does not work out is tried every second for as long as an outage lasts, and
// its partition lives on.
func TestClaim_anAttemptLeavesNothingBehind(t *testing.T) {
	p, part := alone(Limits{})
	collected := make(chan struct{})
	func() {
		ctx, cancel := p.claimContext([]*partition{part})
		runtime.SetFinalizer(ctx, func(context.Context) { close(collected) })
		cancel()
	}()
	for range 50 {
		runtime.GC()
		select {
		case <-collected:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
	t.Error("the context of an attempt that has ended is kept by its partition")
	runtime.KeepAlive(part)
}

func TestClaim_endsWithTheLastOfItsPartitions(t *testing.T) {
	p, first := alone(Limits{})
	second := p.book.newPartition(topicPartition{topic: "events", id: 1}, "")
	ctx, cancel := p.claimContext([]*partition{first, second})
	defer cancel()
	first.cancelWaits(errStopping)
	select {
	case <-ctx.Done():
		t.Error("ended with the first of two")
	case <-time.After(20 * time.Millisecond):
	}
	second.cancelWaits(errStopping)
	<-ctx.Done()
}
