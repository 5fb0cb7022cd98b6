package budget_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink/budget"
)

func TestBudget_saysHowManyCallsWereMadeInTheLatestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(trengo)
		if n := b.Used(time.Now()); n != 0 {
			t.Errorf("%d calls before the first", n)
		}
		spend(b, 2, 5*time.Minute)
		if n := b.Used(time.Now()); n < 105 || n > 108 {
			t.Errorf("%d calls in the latest of some minutes of 108 each", n)
		}
		time.Sleep(30 * time.Second)
		if n := b.Used(time.Now()); n < 40 || n > 68 {
			t.Errorf("%d calls in a minute of which half a minute had 108 a minute", n)
		}
		time.Sleep(time.Hour)
		if n := b.Used(time.Now()); n != 0 {
			t.Errorf("%d calls after an hour without one", n)
		}
	})
}
