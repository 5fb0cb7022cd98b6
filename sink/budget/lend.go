package budget

import (
	"math"
	"math/rand/v2"
	"time"
)

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
	// unseenShare is the part of the reserve that all instances, and a command that people run, may
	// have lent themselves without an answer that counts it. Others know nothing of these calls.
	unseenShare = 1. / 4
	// peoplesShare is the part of what is lent that is for plans, redrives and deliver.
	peoplesShare = 1. / 2
	// leftAlone is for how many windows instances lend nothing of a reserve that somebody
	// has used.
	leftAlone = 10
)

// never is longer than anybody waits.
const never = time.Duration(1<<63 - 1)

// lending is what a Budget may lend itself above its own part.
type lending struct {
	// window is the one of which credit is, and credit what this process may lend of it by now. It grows
	// while somebody waits: looked is when it was looked at last.
	window time.Time
	credit float64
	looked time.Time
	unseen bool      // who waits for a call waits for an answer that counts those that were lent
	alone  time.Time // until then an instance leaves the reserve alone
}

// lend reports how long it takes until a call may be lent, 0 for at once. It is a guess
// unless it is 0. b is locked.
func (b *Budget) lend(now time.Time) time.Duration {
	earliest, latest, ok := b.window.ends(now)
	if !ok || b.lentShare() <= 0 {
		return never
	}
	start, end := earliest.Add(-b.part(lendFrom)), earliest.Add(-b.part(lendUntil))
	switch {
	case now.Before(start):
		return start.Sub(now)
	case !now.Before(end):
		return never
	}
	look := b.part(lendLook)
	free := b.lendable(now, latest)
	rate := b.lentShare() * free / float64(end.Sub(now)) // calls a nanosecond
	b.lent.grow(now, earliest, rate, look)
	unseen := b.window.lent - b.window.newest.lent
	b.lent.unseen = unseen >= b.mostUnseen()
	if free < 1 || b.lent.unseen {
		return look
	}
	if wait := b.lent.untilNext(rate); wait > 0 {
		return min(wait, look)
	}
	b.window.lent++
	b.lent.credit--
	return 0
}

// grow adds what has come since the latest look: at a rate that takes up this process's share of what is
// free until the window ends. As others take theirs, all of it is used, whole calls or not. The first
// call of a window comes at any time: of many instances that have less than a call each, some make one.
func (l *lending) grow(now, window time.Time, rate float64, look time.Duration) {
	if !l.window.Equal(window) {
		l.window, l.looked, l.credit = window, now, rand.Float64()
	}
	l.credit += rate * float64(min(now.Sub(l.looked), 2*look)) // when that is longer ago nobody has waited
	l.looked = now
}

// untilNext is how long it takes until there is a whole call, 0 when there is one.
func (l *lending) untilNext(rate float64) time.Duration {
	missing := 1 - l.credit
	if missing <= 0 {
		return 0
	}
	return time.Duration(min(missing/max(rate, math.SmallestNonzeroFloat64), float64(never)/2)) + 1
}

// mostUnseen is how many calls this process may have lent itself that no answer has counted.
func (b *Budget) mostUnseen() int {
	unseen := b.reserved() * unseenShare
	if !b.forPeople {
		unseen *= b.share
	}
	return max(1, int(unseen))
}

// part is a part of the window.
func (b *Budget) part(share float64) time.Duration {
	return time.Duration(share * float64(b.rate.Per))
}

// reserved is how many calls of a window are the reserve.
func (b *Budget) reserved() float64 { return float64(b.limit) * b.rate.Reserve }

// lendable is how many calls may still be lent in the current window, which ends at end at the latest:
// what remains and nobody has a right to. What instances may spend of their own until then is theirs, and so
// is what others may have spent and lent since the latest call that an answer counts. People's commands
// lend half of it, and leave the other half for what they do not know; while others use the reserve,
// instances have that half.
func (b *Budget) lendable(now, end time.Time) float64 {
	remaining := float64(b.limit - b.window.used())
	others, own := b.due()
	left, unknown := float64(end.Sub(now)), 0.
	if !b.forPeople { // whose answers are far apart
		unknown = float64(now.Sub(b.window.newest.at))
	}
	pool := remaining - b.kept(now) - own*left - others*(left+unknown)
	if !b.forPeople && !now.Before(b.lent.alone) {
		return max(pool*(1-(1-b.share)*unknown/left), 0)
	}
	lent := float64(b.window.lent - b.window.lentBefore)
	return max(peoplesShare*max(pool+lent, 0)-lent, 0)
}

// due is how many calls a nanosecond other instances may make of their own, and this one at its pace.
func (b *Budget) due() (others, own float64) {
	others = (float64(b.limit) - b.reserved()) / float64(b.rate.Per)
	if b.forPeople {
		return others, 0
	}
	return others * (1 - b.share), float64(b.limiter.Limit()) / float64(time.Second)
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

// lentShare is this process's share of the calls that may be lent.
func (b *Budget) lentShare() float64 {
	if b.forPeople {
		return 1
	}
	return b.share
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
