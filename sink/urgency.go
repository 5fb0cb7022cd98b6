package sink

import (
	"context"
	"sync"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// urgent is the Doer of an event where events have priorities. When several events need the same
// lookup, one of them makes it and the others wait. Until it is done, that one takes the highest
// priority of all of them.
type urgent interface {
	// leads says that the event makes a lookup that others may wait for; leadsNoMore ends that.
	leads()
	leadsNoMore()
	// hurry says that an event of a priority waits for a lookup of this one.
	hurry(mapping.Priority)
	// waitsFor says whose lookup the event waits for, nil for none.
	waitsFor(urgent)
	// priority is how urgent the event is, or who waits for it.
	priority() mapping.Priority
}

// urgentOf returns the Doer of an event that has a priority, nil for any other.
func urgentOf(do Doer) urgent {
	if s, ok := do.(*retrier); ok && s.dest.budget.IsPrioritised() {
		return s
	}
	return nil
}

// awaitFlight waits until another event's lookup has ended.
func awaitFlight(ctx context.Context, do Doer, f *flight) error {
	u := urgentOf(do)
	if u == nil || f.lead == nil {
		return do.Await(ctx, f.done)
	}
	u.waitsFor(f.lead)
	defer u.waitsFor(nil)
	f.lead.hurry(u.priority())
	return do.Await(ctx, f.done)
}

// urgency is how an event hurries others and is hurried.
type urgency struct {
	mu      sync.Mutex
	leading int    // lookups that others may wait for
	follows urgent // whose lookup it waits for
}

// takePlaceAndCall waits for the event's place and a call of the rate budget, which come together.
// A lookup that many events need may be made from the reserve.
func (s *retrier) takePlaceAndCall(ctx context.Context) error {
	if s.pass.MayCall() && s.hasCall() {
		return nil
	}
	s.granted = false // see takePlace
	s.pass.Rest()
	s.awaitsBudget()
	began := time.Now()
	defer func() { s.dest.waited.Add(int64(time.Since(began))) }()
	if err := s.wait(ctx, s.pass.Return); err != nil {
		return err
	}
	s.hasCall()
	return nil
}

// hasCall reports whether the next call is granted, by what came with the place or by the reserve.
func (s *retrier) hasCall() bool {
	if s.granted {
		return true
	}
	if s.grant, s.granted = s.pass.Spend(); !s.granted && s.shared {
		s.grant, s.granted = s.dest.budget.TakeReserved()
	}
	return s.granted
}

func (s *retrier) leads() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leading++
}

func (s *retrier) leadsNoMore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leading--; s.leading == 0 {
		s.pass.Raise(mapping.Low)
	}
}

func (s *retrier) hurry(priority mapping.Priority) {
	if next := s.raise(priority); next != nil {
		next.hurry(priority)
	}
}

// raise returns whose lookup the event waits for itself.
func (s *retrier) raise(priority mapping.Priority) (next urgent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leading == 0 || s.pass.Priority() >= priority {
		return nil
	}
	s.pass.Raise(priority)
	return s.follows
}

func (s *retrier) waitsFor(u urgent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.follows = u
}

// become says how urgent the event is now, and with it those whose lookup it waits for.
func (s *retrier) become(priority mapping.Priority) {
	s.pass.Own(priority)
	s.mu.Lock()
	next := s.follows
	s.mu.Unlock()
	if next != nil {
		next.hurry(s.pass.Priority())
	}
}

func (s *retrier) priority() mapping.Priority { return s.pass.Priority() }
