package budget_test

import (
	"testing"
	"time"

	"github.com/deskstream/deskstream/sink/budget"
)

func TestBudget_theReserveGivesWhatManyNeed(t *testing.T) {
	taken := func(b *budget.Budget) (n int) {
		for {
			g, ok := b.TakeReserved()
			if !ok {
				return n
			}
			n++
			b.Learn(g, 200, rateHeader(120, 100, time.Time{}), time.Now())
		}
	}
	bubble(t, "", func(t *testing.T) {
		b := budget.New(trengo) // 120 a minute, 12 of them the reserve
		for {
			if _, ok := b.Take(); !ok {
				break
			}
		}
		if n := taken(b); n != 3 {
			t.Errorf("%d calls at once, want 3", n)
		}
		began, n := time.Now(), 0
		for time.Since(began) < 10*time.Minute {
			time.Sleep(time.Second)
			n += taken(b)
		}
		if n < 55 || n > 60 {
			t.Errorf("%d calls in ten minutes, want six a minute", n)
		}
		time.Sleep(time.Hour)
		g, _ := b.TakeReserved()
		b.Learn(g, 429, rateHeader(120, 0, time.Now().Add(time.Minute)), time.Now())
		if n := taken(b); n != 0 {
			t.Errorf("%d calls of a limit that is used up", n)
		}
	})
	for name, b := range map[string]*budget.Budget{
		"a command's": budget.NewReserve(trengo), "without a reserve": budget.New(budget.Rate{Requests: 120, Per: time.Minute}),
	} {
		if n := taken(b); n != 0 {
			t.Errorf("%s: %d calls, want none", name, n)
		}
	}
}
