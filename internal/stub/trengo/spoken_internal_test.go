package trengo

import (
	"cmp"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"
)

// Whatever happens to tickets, the list is in the order of their last messages.
func TestTickets_areListedInTheOrderOfTheirMessages(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := newTickets()
	moment := func() time.Time { return time.Unix(r.Int64N(20), 0) } // many are equal
	some := func() string {
		ids := slices.Sorted(func(yield func(string) bool) {
			for id := range s.byID {
				if !yield(id) {
					return
				}
			}
		})
		return ids[r.IntN(len(ids))]
	}
	for n := range 400 {
		switch {
		case n < 40 || r.IntN(3) == 0:
			s.open(ticket{createdAt: moment()}, func(int) time.Duration { return 0 })
		case r.IntN(8) == 0:
			s.remove(some())
		case r.IntN(8) == 0:
			s.merge(some(), some(), moment())
		default:
			s.say(some(), message{kind: []string{outbound, note}[r.IntN(2)], at: moment()})
		}
		var want []*ticket
		for _, t := range s.byID {
			want = append(want, t)
		}
		slices.SortFunc(want, func(a, b *ticket) int {
			return cmp.Or(b.spoken().Compare(a.spoken()), cmp.Compare(b.id, a.id))
		})
		number := 1 + r.IntN(len(want)/listPage+2)
		p := pager{query: url.Values{"page": {strconv.Itoa(number)}}, size: listPage}
		part, more := s.page(p, slices.Backward[bySpoken], func(*ticket) bool { return true })
		wanted, wantMore := pageOf(p, want)
		if more != wantMore || !slices.EqualFunc(part, wanted, func(a ticket, b *ticket) bool { return a.id == b.id }) {
			t.Fatalf("after %d changes page %d is in another order", n, number)
		}
	}
}
