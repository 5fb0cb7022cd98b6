package budget_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/budget"
)

// taker takes calls for priorities that always wait at one destination, and counts them.
type taker struct {
	turns *budget.Turns
	waits budget.Priorities
	took  map[mapping.Priority]int
	at    []time.Time
}

func newTaker(b *budget.Budget, waits ...mapping.Priority) *taker {
	t := &taker{turns: b.Turns(func() {}), took: make(map[mapping.Priority]int)}
	for _, p := range waits {
		t.waits = t.waits.With(p)
	}
	return t
}

// run takes for d, and gives back the calls of which giveBack says so.
func (t *taker) run(d time.Duration, giveBack func(n int) bool) {
	for end, n := time.Now().Add(d), 0; time.Now().Before(end); n++ {
		call, wait := t.turns.Take(time.Now(), t.waits)
		switch {
		case !call.Taken():
			time.Sleep(wait)
		case giveBack(n):
			t.turns.GiveBack(call, time.Now())
		default:
			t.took[call.Priority]++
			t.at = append(t.at, time.Now())
		}
	}
	t.turns.Leave()
}

func none(int) bool { return false }

func ofTrengo() *budget.Budget {
	b := budget.New(trengo)
	b.Prioritise()
	return b
}

func TestTurns_theMostUrgentGoesFirstAndEachOtherKeepsATenth(t *testing.T) {
	const high, normal, low = mapping.High, mapping.Normal, mapping.Low
	for name, tt := range map[string]struct {
		waits []mapping.Priority
		want  map[mapping.Priority]float64
	}{
		"all":             {[]mapping.Priority{high, normal, low}, map[mapping.Priority]float64{high: 0.8, normal: 0.1, low: 0.1}},
		"high and low":    {[]mapping.Priority{high, low}, map[mapping.Priority]float64{high: 0.9, low: 0.1}},
		"normal and low":  {[]mapping.Priority{normal, low}, map[mapping.Priority]float64{normal: 0.9, low: 0.1}},
		"low by itself":   {[]mapping.Priority{low}, map[mapping.Priority]float64{low: 1}},
		"high by itself":  {[]mapping.Priority{high}, map[mapping.Priority]float64{high: 1}},
		"high and normal": {[]mapping.Priority{high, normal}, map[mapping.Priority]float64{high: 0.9, normal: 0.1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				taker := newTaker(ofTrengo(), tt.waits...)
				taker.run(time.Hour, none)
				all := float64(len(taker.at))
				if all < 0.985*108*60 {
					t.Errorf("%v calls in an hour of 108 a minute", all)
				}
				for _, p := range mapping.Priorities {
					if got := float64(taker.took[p]) / all; got < tt.want[p]-0.01 || got > tt.want[p]+0.01 {
						t.Errorf("%s had %.3f of the calls, want %.2f", p, got, tt.want[p])
					}
				}
			})
		})
	}
}

// What was not waited for is not kept: who comes later has no claim to all that went before.
func TestTurns_nothingIsSavedForThoseWhoDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		taker := newTaker(ofTrengo(), mapping.High)
		taker.run(time.Hour, none)
		taker.waits = taker.waits.With(mapping.Low)
		taker.took = make(map[mapping.Priority]int)
		taker.run(time.Minute, none)
		if low := taker.took[mapping.Low]; low < 10 || low > 11 {
			t.Errorf("low had %d of %v calls", low, taker.took)
		}
	})
}

// Two destinations have one account, as when a token is used twice.
func TestTurns_ofAllDestinationsOfTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ofTrengo()
		urgent, other := newTaker(b, mapping.High), newTaker(b, mapping.Low)
		var both sync.WaitGroup
		both.Go(func() { urgent.run(time.Hour, none) })
		both.Go(func() { other.run(time.Hour, none) })
		both.Wait()
		high, low := float64(urgent.took[mapping.High]), float64(other.took[mapping.Low])
		if high+low < 0.97*108*60 || low/(high+low) < 0.09 || low/(high+low) > 0.11 {
			t.Errorf("high had %v calls, low %v", high, low)
		}
		// One that leaves is not waited for.
		other.took = make(map[mapping.Priority]int)
		other.run(time.Hour, none)
		if low := other.took[mapping.Low]; low < 108*60*97/100 {
			t.Errorf("low had %d calls by itself", low)
		}
	})
}

func TestTurns_aCallThatIsGivenBackIsThereAgainAndNoWindowSeesTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ofTrengo()
		taker := newTaker(b, mapping.Normal)
		call, _ := taker.turns.Take(time.Now(), taker.waits)
		again, _ := taker.turns.Take(time.Now(), taker.waits)
		if third, wait := taker.turns.Take(time.Now(), taker.waits); third.Taken() || wait <= 0 || !again.Taken() {
			t.Fatalf("a bucket of two calls has a third: %v, %v", third, wait)
		}
		taker.turns.GiveBack(call, time.Now())
		if call, wait := taker.turns.Take(time.Now(), taker.waits); !call.Taken() {
			t.Errorf("what was given back is there in %v", wait)
		}
		time.Sleep(time.Hour)
		for range 10 { // a full bucket is full
			taker.turns.GiveBack(call, time.Now())
		}
		taker.run(time.Hour, func(n int) bool { return n%3 == 0 })
		if most := most(taker.at, time.Minute); most > 108 {
			t.Errorf("a window saw %d calls of 108", most)
		}
		b.Divide("inbox", 1, 2)
		taker.turns.GiveBack(call, time.Now())
		if call, _ := taker.turns.Take(time.Now(), taker.waits); call.Taken() {
			t.Error("a new share did not start empty")
		}
	})
}

func TestTurns_areWokenWhenThePaceChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ofTrengo()
		woken := 0
		b.Turns(func() { woken++ })
		b.Divide("inbox", 1, 2)
		synctest.Wait()
		if woken != 1 {
			t.Errorf("woken %d times", woken)
		}
	})
}
