package budget

import "time"

// usage counts the calls of the latest window by its parts.
type usage struct {
	parts [windowParts + 1]int // the one of now, and the whole ones before it
	part  int64                // the number of the one of now
}

// add counts a call.
func (u *usage) add(now time.Time, per time.Duration) {
	u.turn(now, per)
	u.parts[u.part%int64(len(u.parts))]++
}

// turn makes room for the part of now.
func (u *usage) turn(now time.Time, per time.Duration) {
	part := now.UnixNano() / max(int64(per/windowParts), 1)
	for gone := min(part-u.part, int64(len(u.parts))); gone > 0; gone-- {
		u.parts[(part-gone+1)%int64(len(u.parts))] = 0
	}
	u.part = max(u.part, part)
}

// Used is how many calls this process made in the latest window, to an eighth of it. What is left over
// by others is among them, so it may be more than Own.
func (b *Budget) Used(now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := &b.window.usage
	u.turn(now, b.rate.Per)
	made := -u.parts[u.part%int64(len(u.parts))] // it is not over
	for _, n := range u.parts {
		made += n
	}
	return made
}
