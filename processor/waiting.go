package processor

import (
	"slices"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
)

// WaitingLane is a lane with an open event.
type WaitingLane struct {
	Topic     string
	Partition int32
	// Lane is the value that orders its events, "" for an event that stands alone. It
	// names a person, as a rule.
	Lane string
	// Offset is that of the first event, which the others wait for.
	Offset int64
	// Since is when that event became the first.
	Since time.Time
	// Why is what it waits for: what sink.Session.Doing says, hold when the destination is
	// on hold, acknowledgement of its outcome, message_id when an event with the same one is
	// open, intake when an earlier owner may have sent later events of the lane with it, or place when it has not begun.
	Why string
	// Hold is the reason of the hold that it waits for.
	Hold string
	// Code is of its latest failed attempt, "" for none.
	Code mapping.Code
	// Behind is how many events of the lane are behind it.
	Behind int
}

// WaitingLanes returns the n lanes whose first event has been the first for longest, and
// how many lanes there are.
func (p *Processor) WaitingLanes(n int) (longest []WaitingLane, lanes int) {
	hold := p.dest.Gate().Held()
	return p.book.waiting(n, hold)
}

func (b *book) waiting(n int, hold hold.State) (longest []WaitingLane, lanes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*lane, 0, b.room.lanes)
	for _, part := range b.parts {
		for _, l := range part.lanes {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(a, b *lane) int { return a.since.Compare(b.since) })
	for _, l := range all[:min(max(n, 0), len(all))] {
		longest = append(longest, l.waiting(hold))
	}
	return longest, len(all)
}

// awaitsBudget reports whether the lane's first event waits for a call of the rate budget.
func (l *lane) awaitsBudget() bool {
	s := l.session.Load()
	if s == nil {
		return false
	}
	why, _ := s.Doing()
	return why == sink.Budget
}

func (l *lane) waiting(hold hold.State) WaitingLane {
	w := WaitingLane{
		Topic: l.part.topic, Partition: l.part.id, Lane: l.key.value, Offset: l.head.Offset,
		Since: l.since, Why: "place",
	}
	for r := l.head.behind; r != nil; r = r.behind {
		w.Behind++
	}
	if s := l.session.Load(); s != nil {
		w.Why, w.Code = s.Doing()
	} else if l.inFlight {
		w.Why = "acknowledgement"
	} else if l.head.message.waits() {
		w.Why = "message_id"
	} else if l.part.awaits(l) {
		w.Why = "intake"
	}
	if w.Why == "place" && hold.Active() {
		w.Why, w.Hold = "hold", hold.Reason
	}
	return w
}
