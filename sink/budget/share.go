package budget

import (
	"time"

	"golang.org/x/time/rate"
)

// portion is how much of the work on a credential is this process's.
type portion struct {
	ours map[string]int // partitions that are ours, by destination, all destinations included
	all  int            // partitions that each destination has
}

// share is the part of all partitions that is ours, from 0 to 1; all of it when nobody
// has divided anything.
func (p portion) share() float64 {
	if len(p.ours) == 0 {
		return 1
	}
	ours, all := 0, p.all*len(p.ours)
	for _, n := range p.ours {
		ours += n
	}
	if all <= 0 {
		return 0
	}
	return min(float64(ours)/float64(all), 1)
}

// Divide says how many partitions of a destination's source are this process's, and how
// many there are. The process gets the same part of the limit; the rest is for those who
// have the other partitions, and is lent only as far as they leave it over. Every
// destination that has the credential is to be named, with 0 partitions if it runs
// elsewhere.
//
// A part that becomes smaller does so at once. A new part starts empty, and as much in
// debt as a bucket can hold: so no window sees more calls of all processes together than
// the limit allows, as long as a partition is released before another process has it.
func (b *Budget) Divide(destination string, ours, all int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.portion.ours == nil {
		b.portion.ours = make(map[string]int)
	}
	b.portion.ours[destination], b.portion.all = ours, all
	share := b.portion.share()
	if share == b.share {
		return
	}
	b.share = share
	every, burst := b.pace()
	now := time.Now()
	b.limiter = rate.NewLimiter(every, burst)
	b.limiter.AllowN(now, burst)
	if every > 0 {
		b.limiter.ReserveN(now, burst)
	}
	b.wake()
}

// Share is the part of the limit that is this process's, from 0 to 1.
func (b *Budget) Share() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.share
}
