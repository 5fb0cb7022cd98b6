package budget

import "time"

// How calls are lent. What nobody has a right to is known only towards the end of a
// window, and what an answer says of it is old by the time that the next call goes out.
const (
	// lendFrom is the part of a window, its last, in which calls are lent.
	lendFrom = 1. / 5
	// lendUntil is the part of a window before its end in which no more are lent: a call
	// needs time to arrive.
	lendUntil = 1. / 100
	// lendLook is the part of a window after which is looked again whether there are any.
	lendLook = 1. / 100
	// unseenShare is the part of the reserve that one process may have lent itself without
	// an answer that counts it. Others know nothing of these calls.
	unseenShare = 1. / 4
	// peoplesShare is the part of what is lent that is for plans, redrives and deliver.
	peoplesShare = 1. / 2
	// leftAlone is for how many windows instances lend nothing of a reserve that somebody
	// has used.
	leftAlone = 10
)

// never is longer than anybody waits.
const never = 1<<63 - 1

// lending is when a Budget may lend itself calls above its own part.
type lending struct {
	next  time.Time // the next one
	alone time.Time // until then an instance leaves the reserve alone
}

// lend reports how long it takes until a call may be lent, 0 for at once. It is a guess
// unless it is 0. b is locked.
func (b *Budget) lend(now time.Time) time.Duration {
	earliest, latest, ok := b.window.ends(now)
	if !ok || b.lentShare(now) <= 0 {
		return never
	}
	start, end := earliest.Add(-b.part(lendFrom)), earliest.Add(-b.part(lendUntil))
	switch {
	case now.Before(start):
		return start.Sub(now)
	case !now.Before(end):
		return never
	case now.Before(b.lent.next):
		return b.lent.next.Sub(now)
	}
	free := b.lendable(now, latest)
	unseen := b.window.lent - b.window.newest.lent
	if free < 1 || unseen >= max(1, int(b.reserved()*unseenShare)) {
		return b.part(lendLook)
	}
	b.window.lent++
	b.lent.next = now.Add(time.Duration(float64(end.Sub(now)) / free))
	return 0
}

// part is a part of the window.
func (b *Budget) part(share float64) time.Duration {
	return time.Duration(share * float64(b.rate.Per))
}

// reserved is how many calls of a window are the reserve.
func (b *Budget) reserved() float64 { return float64(b.limit) * b.rate.Reserve }

// lendable is how many calls this process may still lend itself in the current window:
// its share of what remains and what nobody has a right to, less what it has lent itself
// already. What instances may spend of their own until the window ends is theirs.
func (b *Budget) lendable(now, end time.Time) float64 {
	lent := float64(b.window.lent - b.window.lentBefore)
	remaining := float64(b.limit - b.window.used())
	due := (float64(b.limit) - b.reserved()) * float64(end.Sub(now)) / float64(b.rate.Per)
	pool := remaining + lent - b.kept(now) - max(due, 0)
	return b.lentShare(now)*max(pool, 0) - lent
}

// kept is what nobody lends: half of the reserve, all of it while others use it. A small
// part of the limit is kept in any case, for calls that no answer has counted yet.
func (b *Budget) kept(now time.Time) float64 {
	kept := b.reserved()
	if b.forPeople || !now.Before(b.lent.alone) {
		kept *= leftToOthers
	}
	return max(kept, float64(b.limit)*burstShare)
}

// lentShare is the part of the calls that may be lent which is for this process. While
// others use the reserve, instances divide what these leave.
func (b *Budget) lentShare(now time.Time) float64 {
	switch {
	case b.forPeople:
		return peoplesShare
	case now.Before(b.lent.alone):
		return b.share * (1 - peoplesShare)
	default:
		return b.share
	}
}

// watchReserve notices, before calls are lent, that others than instances use the
// reserve: more calls were made than instances have a right to by now. b is locked.
func (b *Budget) watchReserve(now time.Time) {
	earliest, latest, ok := b.window.ends(now)
	if b.forPeople || !ok || !now.Before(earliest.Add(-b.part(lendFrom))) {
		return
	}
	passed := float64(now.Sub(b.window.from)) / float64(b.rate.Per)
	theirs := (float64(b.limit)-b.reserved())*(1-b.share)*passed + float64(b.limit)*burstShare
	if float64(b.window.byOthers()) > theirs+1 {
		b.lent.alone = latest.Add(leftAlone * b.rate.Per)
	}
}
