package budget

import (
	"time"

	"golang.org/x/time/rate"
)

// TakeReserved spends a call of the reserve, if one may be made at once; ok reports whether it did.
// It is for lookups that many events need, so that these need not queue with them: up to half of
// the reserve, over time, less when others use it. A Budget of people's commands has none to give.
func (b *Budget) TakeReserved() (g Grant, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	half := b.reserved() * leftToOthers * b.share
	if b.forPeople || half <= 0 || b.until.After(now) {
		return Grant{}, false
	}
	every, burst := rate.Limit(half/b.rate.Per.Seconds()), max(1, int(half)/2)
	if b.spare == nil {
		b.spare = rate.NewLimiter(every, burst)
	}
	b.spare.SetLimitAt(now, every)
	b.spare.SetBurstAt(now, burst)
	if !b.spare.AllowN(now, 1) {
		return Grant{}, false
	}
	return b.window.grant(now), true
}
