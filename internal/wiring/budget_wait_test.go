package wiring

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink/budget"
)

func TestBudgetWait_tellsALimitThatIsUsedUpFromAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := budget.NewReserve(budget.Rate{Requests: 120, Per: time.Minute, Reserve: 0.1})
		if got := BudgetWait("crm", budget); got != "" {
			t.Errorf("a budget with a call says %q", got)
		}
		g, _ := budget.Take()
		budget.Learn(g, http.StatusTooManyRequests, http.Header{"Retry-After": {"42"}}, time.Now())
		if got := BudgetWait("crm", budget); got != "the limit of crm is used up, for 42s" {
			t.Errorf("a limit that is used up says %q", got)
		}
	})
}
