package wiring

import (
	"fmt"
	"time"

	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink/budget"
)

// BudgetWait is what calls to a destination wait for, "" for less than a moment.
func BudgetWait(destination string, budget *budget.Budget) string {
	wait, usedUp := budget.Pause(time.Now())
	switch {
	case usedUp:
		return fmt.Sprintf("the limit of %s is used up, for %s", destination, output.Roughly(wait))
	case wait >= time.Second/2:
		return fmt.Sprintf("waiting for the rate budget of %s, %s to the next call", destination, output.Roughly(wait))
	}
	return ""
}
