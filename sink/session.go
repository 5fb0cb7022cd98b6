package sink

import (
	"context"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/hold"
	"github.com/deskstream/deskstream/sink/traces"
)

// Session carries one event through its calls, and is used by one goroutine. Its parts do
// the work: a recorder keeps the list of calls, a waiter waits, a sender makes single
// attempts. What the help desks' packages get to see of it is a Doer: a retrier, or a
// planner.
type Session struct {
	// Lane is the event's lane, "" for an event that stands alone.
	Lane string
	// Timestamp is the record's Kafka timestamp, for max_age; zero for an unknown one. See
	// KnownTime.
	Timestamp time.Time
	// Decoder reads the record's value; nil is JSON.
	Decoder mapping.Decoder
	// Reader reads the record as an event; nil is the Route's.
	Reader *mapping.Reader
	// Round is 0 for a live delivery.
	Round int
	// Identity tells the event's record from all others; nil for an event without one. It is
	// called only where a step is to be known by it.
	Identity func() string
	// Call says that the record is one of the destination's calls topic, not an event.
	Call bool
	// Repeat says that another record with the event's message id was delivered or skipped: the
	// event is skipped as mapping.Duplicate.
	Repeat bool
	// Ledger puts the event's progress on record; nil for none.
	Ledger Ledger
	// Keys knows what the keys of the event's lane name; nil: nothing.
	Keys Keys
	// Group is what may go out with the event; nil: nothing.
	Group *Group
	// Guard says whether a rule may answer an event of a help desk; nil: it may.
	Guard Guard
	// Inherited is what is on record of the event already, nil for nothing. It is not changed.
	Inherited *Progress
	// Trace is the event's, nil for none.
	Trace *traces.Event
	// Parent is what the record says of the trace that it belongs to. With Config.TraceCalls the API
	// is told that, of an event without Trace.
	Parent traces.Parent

	eventTime time.Time // the event's own, where Timestamp is zero
	rule      string    // by which the event goes
	answer    *Answer   // what the event is answered by, nil for none
	echoes    string    // the write that the event comes from, "" for none
	// ruleChanges say what has become of the rule by which the event began, and announced is the
	// write that it may have sent; nil for nothing.
	ruleChanges []string
	announced   *Announcement

	sender *sender
	doer   carrier
	live   *retrier // nil when planning
	looks  *looks   // of a plan, also when its event is delivered right after; else nil
}

// carrier is the Doer of a session.
type carrier interface {
	Doer
	// done is called after the event's last call.
	done()
	// putBack reports the event's outcome to the gate. When it returns true, the event is to
	// be delivered again from its beginning.
	putBack(ctx context.Context, o *Outcome) (bool, error)
	// lookFor looks for the effect of a write that was announced, until it is seen or cannot come
	// any more. Effected has no state if there is none.
	lookFor(ctx context.Context, a *Announcement, find Finder) (Effected, error)
	// plans reports whether no write is sent.
	plans() bool
}

// Session is a session for one event that holds a place of the destination's Gate.
// It gives the place back when Route.Deliver ends.
func (d *Destination) Session(pass *hold.Pass, stop Stop) *Session {
	both := new(struct { // in one piece of memory
		Session
		retrier
	})
	live := &both.retrier
	live.pass, live.dest, live.stop, live.turns = pass, d, stop, live
	both.Session = Session{sender: &live.sender, doer: live, live: live}
	return &both.Session
}

// begin is called before the event's first call, with the context of Deliver.
func (s *Session) begin(ctx context.Context) {
	s.sender.life, s.sender.timestamp, s.sender.identity, s.sender.keys, s.sender.alone = ctx, s.Timestamp, s.Identity, s.Keys, s.Lane == ""
	if s.live != nil {
		s.live.looks, s.live.ledger = s.looks, s.Ledger
	}
	if s.Inherited.Exists() {
		s.sender.progress, s.sender.onRecord = *s.Inherited, true
	}
	if g := s.Group; g != nil {
		s.sender.group = g
		s.sender.onRecord = s.sender.onRecord || g.Begun
	}
	s.sender.parent = s.Parent
	s.tracedBy(s.Trace)
}

// tracedBy has the event's waits and calls be a part of a trace.
func (s *Session) tracedBy(e *traces.Event) {
	if e != nil {
		s.Trace, s.sender.trace, s.sender.heldFor = e, e, s.sender.dest.gate.HeldFor
	}
}

// Progress is what is on record of the event, with the steps since then that may be repeated; nil
// for nothing. Route.Deliver has to have ended.
func (s *Session) Progress() *Progress {
	if !s.sender.progress.Exists() {
		return nil
	}
	return &s.sender.progress
}

// Attempts is the number of attempts at calls, and when the first and the last began.
func (s *Session) Attempts() (n int, first, last time.Time) { return s.sender.attempts() }

// SourceTime is the time of the record for people: its Kafka timestamp or, where that is
// unknown, the event's own. It is zero if neither is known. Route.Deliver has to have ended.
func (s *Session) SourceTime() time.Time {
	if s.Timestamp.IsZero() {
		return s.eventTime
	}
	return s.Timestamp
}

// Rest gives the session's place back while its event waits for something that is
// no call of its own. The next call takes one again.
func (s *Session) Rest() {
	if s.live != nil {
		s.live.pass.Rest()
	}
}

// Own says how urgent the session's event is now, with what waits behind it. It may be called from
// any goroutine, and has no effect where nothing has priorities.
func (s *Session) Own(priority mapping.Priority) { s.live.become(priority) }

// Doing is what the session's event waits for at this moment: mapping, place, budget,
// group (no call may begin), lookup (of another event), record (its progress is written), look
// (for the effect of a write without an answer), back_off or call (its response).
// code is that of its latest failed attempt, "" for none. It may be called from any goroutine.
func (s *Session) Doing() (what string, code mapping.Code) { return s.sender.state() }
