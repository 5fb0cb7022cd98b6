package sink

import (
	"context"
	"net/http"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/traces"
)

// Group is what may go out with a session's event: the events that follow it in its lane. Those of
// one person are joined while the event is mapped, and the newest of them is sent for all. It is
// for one session, and a nil Group joins nothing.
type Group struct {
	// Following returns the i-th record after the session's in its lane, counted from 0, and
	// false when there is none or it is to be delivered alone.
	Following func(i int) (Follower, bool)
	// Record returns when it is on record that the n records behind the session's go out with it,
	// nil: nothing is put on record. It is called before each write. Its error is the cause of ctx's
	// end.
	Record func(ctx context.Context, n int) error
	// Begun says that an earlier owner may have sent the session's record, with others: then it is
	// not too old.
	Begun bool

	route  *Route // that reads what follows
	joined []Joined
	newest time.Time
	drawn  int // records that Following gave
	joins  bool
}

// MaxGroup is how many events go out as one at most.
const MaxGroup = 100

// Follower is a record that follows a session's.
type Follower struct {
	// Value is its value, and Decoder reads it; nil is JSON.
	Value   []byte
	Decoder mapping.Decoder
	// Timestamp is its Kafka timestamp, zero for an unknown one.
	Timestamp time.Time
	// Begun says that an earlier owner may have sent it with those before it.
	Begun bool
	// Trace is the event's, nil for none.
	Trace *traces.Event
}

// Joined is an event that went out with a newer one of its lane.
type Joined struct {
	Event EventInfo
	// Warnings are what was coerced in this event, or left out.
	Warnings []string
	// Time is its record's timestamp or, where that is unknown, the event's own.
	Time time.Time
}

// MergedInto names the event with which another one went out.
type MergedInto struct {
	ID *string `json:"id"`
	// Offset is where its record is in the partition of the other one; nil where there is none.
	Offset *int64 `json:"offset"`
}

// Joined returns the events that went out with that of the outcome, in the order of the lane. The
// session's own is the first. Route.Deliver has to have ended.
func (g *Group) Joined() []Joined {
	if g == nil {
		return nil
	}
	return g.joined
}

// Apart returns how many records of the lane, with the session's, are to be delivered each alone
// because the call for all of them was refused, or never made; 0 when o stands. Such an o is of no
// event. After a passing failure that outlived its retry budget the call may have taken effect, and
// events that went alone would set older values again: then all have that outcome. A conflict that
// stayed until then is an answer, and took none.
func (g *Group) Apart(o *Outcome) int {
	if g == nil || o.Outcome != Dead || len(g.joined) == 0 && !g.joins {
		return 0
	}
	if status := o.Error.HTTPStatus; o.Error.Class == Exhausted && (status == nil || *status != http.StatusConflict) {
		return 0
	}
	return 1 + g.drawn
}

// NewestTime is the time of the event of the outcome, as Joined.Time is.
func (g *Group) NewestTime() time.Time { return g.newest }

// OutcomeOf returns what became of an event that went out with that of o, whose offset is sent, nil
// for none. Source is the caller's to fill in.
func (j Joined) OutcomeOf(o *Outcome, sent *int64) Outcome {
	var fault *ErrorInfo
	if o.Error != nil {
		copied := *o.Error
		fault = &copied
	}
	return Outcome{
		Event: j.Event, Error: fault, Destination: o.Destination, Outcome: o.Outcome, Reason: o.Reason,
		MergedInto: &MergedInto{ID: o.Event.ID, Offset: sent},
		Calls:      []CallRecord{}, IDs: o.IDs, Warnings: j.Warnings,
		Round: o.Round, At: o.At, Schema: o.Schema,
	}
}

// beginGroup forgets what an earlier delivery of the same event has joined.
func (s *Session) beginGroup(r *Route) {
	if g := s.Group; g != nil {
		g.route, g.joined, g.drawn, g.joins = r, nil, 0, false
		s.sender.timestamp, s.sender.several = s.Timestamp, false
	}
}

// tooOld reports whether a record is older than it may be when it is first sent.
func (d *Destination) tooOld(timestamp time.Time) bool {
	return d.MaxAge > 0 && !timestamp.IsZero() && time.Since(timestamp) > d.MaxAge
}

// follower decodes the next record of the group, and returns its event if that is to be sent at
// all, whatever may come of it.
func (s *Session) follower() (f Follower, ev mapping.Event, ok bool) {
	g := s.Group
	if g.drawn >= MaxGroup-1 {
		return f, ev, false
	}
	if f, ok = g.Following(g.drawn); !ok || f.Value == nil || !f.Begun && s.sender.dest.tooOld(f.Timestamp) {
		return f, ev, false
	}
	g.drawn++
	ev, err := g.route.read(s, f.Decoder, f.Value)
	if err != nil || ev.Type != identifyType || g.route.filter.Check(ev) != nil {
		g.drawn--
		return f, ev, false
	}
	return f, ev, true
}

const identifyType = "identify"

// join joins the events that follow, for as long as message can say what they say too, and returns
// the message for all.
func (w *Way[T]) join(s *Session, message T, o *Outcome) T {
	g, own := s.Group, message
	g.newest, g.joins = s.SourceTime(), true
	for {
		f, ev, ok := s.follower()
		if !ok {
			g.joins = false
			return message
		}
		next, err := w.Map(ev)
		both, merges := message, false
		if err == nil && ruleOf(next) == (mapping.RuleMark{}) {
			both, merges = w.Merge(message, next)
		}
		if !merges {
			g.drawn--
			g.joins = false
			return message
		}
		g.joined = append(g.joined, Joined{Event: o.Event, Warnings: nonNil(append(o.Warnings, w.Warnings(own)...)), Time: g.newest})
		o.Event = InfoOf(ev, s.Lane)
		o.Warnings = ev.Warnings[:len(ev.Warnings):len(ev.Warnings)]
		g.newest = timeOf(f.Timestamp, ev)
		s.sender.alsoFor(f.Timestamp)
		s.alsoTraced(f.Trace)
		message, own = both, next
	}
}

// alsoTraced takes in the trace of an event that goes out with the session's.
func (s *Session) alsoTraced(e *traces.Event) {
	if s.Trace == nil {
		s.tracedBy(e)
		return
	}
	s.Trace.Join(e)
}

// mayJoin reports whether others may go out with the session's event.
func (s *Session) mayJoin(ev mapping.Event) bool {
	return s.Group != nil && ev.Type == identifyType && ev.Begun == nil && (s.Group.Begun || !s.sender.dest.tooOld(s.Timestamp))
}

// recordGroup puts on record which events a write is for, if it is for several: should this process
// die, the next owner sends no less.
func (s *retrier) recordGroup(ctx context.Context, call Call) error {
	g := s.group
	if call.Lookup || g == nil || g.Record == nil || len(g.joined) == 0 {
		return nil
	}
	s.does(awaitsRecord)
	return s.wait(ctx, func(ctx context.Context) error { return g.Record(ctx, len(g.joined)) })
}

// timeOf is a record's timestamp or, where that is unknown, the event's own.
func timeOf(timestamp time.Time, ev mapping.Event) time.Time {
	if timestamp.IsZero() {
		return EventTime(ev)
	}
	return timestamp
}

func nonNil(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}

func ruleOf(message any) mapping.RuleMark {
	if ruled, ok := message.(Ruled); ok {
		return ruled.RuleMark()
	}
	return mapping.RuleMark{}
}
