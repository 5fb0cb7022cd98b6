package sink

import (
	"context"
	"net/http"
)

// Plan says what a session does instead of delivering.
type Plan uint8

// The ways of planning.
const (
	Live           Plan = iota // deliver
	PlanWithLookup             // make lookups, send no write
	PlanOffline                // make no call at all: every lookup finds nothing
)

// PlanSession is a session that sends no write. It makes one attempt at a lookup,
// and takes no place of the Gate for it.
func (d *Destination) PlanSession(ctx context.Context, plan Plan) *Session {
	return &Session{dest: d, stop: Stop{Soft: ctx, Hard: ctx}, plan: plan}
}

// doPlanned makes no write. Offline, a lookup gets the status that means "nothing
// there" for its call, or an empty list.
func (s *Session) doPlanned(ctx context.Context, r *request, record int) (Reply, error) {
	if err := s.mayGoOn(ctx); err != nil {
		s.dropUnused(record)
		return Reply{}, err
	}
	if !r.Lookup || s.plan == PlanOffline {
		return plannedReply(r.Call), nil
	}
	if err := s.spend(ctx); err != nil {
		return Reply{}, err
	}
	reply, j, err := s.attempt(ctx, r, record)
	if err != nil {
		return Reply{}, err
	}
	for i := record; i < len(s.calls); i++ { // the call, and where redirects led
		s.calls[i].forget()
	}
	if j == nil {
		return reply, nil
	}
	class := Rejected
	if j.verdict != refusedForGood {
		class = Exhausted
	}
	return Reply{}, s.failure(r.Call, *j, class)
}

func plannedReply(call Call) Reply {
	reply := Reply{Planned: true}
	if call.Lookup {
		reply.Status, reply.Body = http.StatusOK, []byte(`{"data":[]}`)
		if call.answers(http.StatusNotFound) {
			reply.Status, reply.Body = http.StatusNotFound, nil
		}
	}
	return reply
}
