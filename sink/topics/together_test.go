package topics_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink/topics"
)

func patient(e topics.Entry) topics.Entry {
	e.MayWait = true
	return e
}

// written writes entries and gives for each, in the order of their ends, how long after the
// first it was done.
func (b *bench) written(t *testing.T, entries ...topics.Entry) []time.Duration {
	t.Helper()
	began, done := time.Now(), make(chan time.Duration, len(entries))
	for _, e := range entries {
		b.writer.Write(t.Context(), e, func(_ int64, err error) {
			if err != nil {
				t.Error(err)
			}
			done <- time.Since(began)
		})
	}
	after := make([]time.Duration, len(entries))
	for i := range after {
		after[i] = <-done
	}
	return after
}

// mayWait is what docs/performance.md says.
const mayWait = 2 * time.Millisecond

func TestWrite_whatMayWaitGoesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.write(t, delivered()) // so that the client knows the topic
		after := b.written(t, patient(delivered()), patient(delivered()), patient(delivered()))
		if after[0] < mayWait || after[2] > 2*mayWait {
			t.Errorf("done after %v, want %v or little more", after, mayWait)
		}
	})
}

func TestWrite_whatMayNotWaitGoesAtOnceAndTakesTheOthersAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.write(t, delivered())
		after := b.written(t, patient(delivered()), delivered())
		if after[1] >= mayWait {
			t.Errorf("done after %v, want both at once", after)
		}
		// The moment of those that were taken along is over, and the next have one of their own.
		if after := b.written(t, patient(delivered())); after[0] > 2*mayWait {
			t.Errorf("the next was done after %v", after)
		}
		time.Sleep(time.Second)
		if n := len(b.Consume(t, responses)); n != 4 {
			t.Errorf("%d outcomes of four entries", n)
		}
	})
}

func TestWrite_letterAndOutcomeOfAnEntryThatMayWaitBothArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.written(t, patient(dead()))
		b.only(t, deadLetters)
		b.only(t, responses)
	})
}

// Lanes that begin together put what they begin with on record together.
func TestWriteProgress_whatMayWaitGoesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.write(t, delivered())
		requests := b.WatchProduce(responses)
		done := make(chan error, 20)
		for range cap(done) {
			e := patient(delivered())
			e.Progress = stepsTaken()
			b.writer.WriteProgress(t.Context(), e, func(_ int64, err error) { done <- err })
		}
		// How many requests there are then is the client's matter, which sends while it is given more.
		synctest.Wait()
		if n := requests.Hits(); n != 0 {
			t.Errorf("%d requests before the moment of waiting was over", n)
		}
		began := time.Now()
		for range cap(done) {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if after := time.Since(began); after > 2*mayWait {
			t.Errorf("done after %v, want %v or little more", after, mayWait)
		}
	})
}
