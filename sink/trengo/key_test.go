package trengo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/sinktest"
)

// writeKey puts a key on record, unless the test has the process die of it.
func (s *scene) writeKey(ctx context.Context, n keys.Named) error {
	if s.write != nil {
		if err := s.write(); err != nil {
			return err
		}
	}
	s.keys.Put(n.Name, n.Entry)
	return ctx.Err()
}

// next carries the decision of a later event out, and removes the keys that it has closed.
func (s *scene) next(d rules.Decision) sink.Outcome {
	s.t.Helper()
	s.offset++
	s.ledger.Last = nil
	s.wire.calls = nil
	o := s.does(d)
	s.settle()
	return o
}

func (s *scene) settle() {
	for _, n := range s.closed {
		s.keys.Remove(n.Name, n.Entry)
	}
}

// use is what a rule with the key of an invoice asks for.
func use(change func(*rules.UseTicket), rest ...rules.Action) rules.Decision {
	u := rules.UseTicket{Find: rules.ByKey, Key: "I-7", KeyTTL: 24 * time.Hour, Open: rules.OpenOnce}
	change(&u)
	return rules.Decision{Actions: append([]rules.Action{u}, rest...)}
}

var (
	once      = func(*rules.UseTicket) {}
	never     = func(u *rules.UseTicket) { u.Open = rules.OpenNever }
	reopening = func(u *rules.UseTicket) { u.Reopen, u.KeepClosed = true, true }
	label     = rules.Label{Names: []string{"4001"}}
	closing   = rules.SetStatus{Closed: true}
)

func TestAct_findsTheTicketOfAKey(t *testing.T) {
	onStub(t, "until it is closed", func(s *scene) {
		s.warm()
		first := s.next(use(once, label)).IDs["ticket_id"]
		s.same(first, `POST /tickets {"contact_id":{C},"channel_id":"123456"}`, `POST /tickets/{T}/labels {"label_id":4001}`)
		s.open() // a newer one
		s.next(use(once, label))
		s.same(first, `POST /tickets/{T}/labels {"label_id":4001}`)
		s.next(use(never, closing))
		s.same(first, `POST /tickets/{T}/close {}`)
		if s.keys.Len() != 0 {
			s.t.Error("the key is left")
		}
		if o := s.next(use(never, closing)); verdictOf(o) != "skipped ticket_not_found" {
			s.t.Errorf("a closed key: %s", verdictOf(o))
		}
		if again := s.next(use(once, label)).IDs["ticket_id"]; again == first || again == "" {
			s.t.Errorf("ticket %s, want one after %s", again, first)
		}
	})
	onStub(t, "unless an agent has closed it", func(s *scene) {
		s.warm()
		first := s.next(use(once, label)).IDs["ticket_id"]
		s.call("POST", "/tickets/"+first+"/close", "{}")
		time.Sleep(2 * time.Hour) // it was known to be open for as long as ids are
		if o := s.next(use(never, label)); verdictOf(o) != "skipped ticket_not_found" {
			s.t.Errorf("a ticket that is closed: %s", verdictOf(o))
		}
		if again := s.next(use(once, label)).IDs["ticket_id"]; again == first {
			s.t.Error("the closed ticket is used")
		}
	})
	onStub(t, "which is looked at once", func(s *scene) {
		s.warm()
		first := s.next(use(once, label)).IDs["ticket_id"]
		s.ids = newIDs() // another process
		s.warm()
		s.next(use(once, label))
		s.same(first, "GET /tickets/{T}") // which shows the label
		s.next(use(once, label))
		s.same(first, `POST /tickets/{T}/labels {"label_id":4001}`)
	})
	onStub(t, "and what it was merged into", func(s *scene) {
		s.warm()
		first, target := s.next(use(once, label)).IDs["ticket_id"], s.open()
		s.call("POST", "/tickets/"+target+"/merge", `{"source_ticket_id":`+first+`}`)
		time.Sleep(2 * time.Hour)
		o := s.next(use(never, label))
		if o.IDs["ticket_id"] != target {
			s.t.Errorf("ticket %s, want %s; %s", o.IDs["ticket_id"], target, verdictOf(o))
		}
		s.next(use(never, label))
		s.same(target, `POST /tickets/{T}/labels {"label_id":4001}`)
	})
	onStub(t, "which was merged a moment ago", func(s *scene) {
		s.warm()
		first, target := s.next(use(once, label)).IDs["ticket_id"], s.open()
		s.call("POST", "/tickets/"+target+"/merge", `{"source_ticket_id":`+first+`}`)
		if o := s.next(use(never, label)); o.IDs["ticket_id"] != target {
			s.t.Errorf("ticket %s, want %s; %s", o.IDs["ticket_id"], target, verdictOf(o))
		}
		s.next(use(never, closing))
		s.same(target, `POST /tickets/{T}/close {}`)
	})
	onStub(t, "and opens it again", func(s *scene) {
		s.warm()
		first := s.next(use(reopening, label)).IDs["ticket_id"]
		s.next(use(func(u *rules.UseTicket) { u.Open, u.KeepClosed = rules.OpenNever, true }, closing))
		if s.keys.Len() != 1 {
			s.t.Fatal("the key is gone")
		}
		if o := s.next(use(func(u *rules.UseTicket) { u.Open, u.KeepClosed = rules.OpenNever, true }, label)); verdictOf(o) != "skipped ticket_not_found" {
			s.t.Errorf("a closed key, for a rule that opens nothing again: %s", verdictOf(o))
		}
		s.next(use(reopening, label))
		s.same(first, "GET /tickets/{T}", "POST /tickets/{T}/reopen {}")
		s.next(use(reopening, label))
		s.same(first, `POST /tickets/{T}/labels {"label_id":4001}`)
	})
}

// A closing event whose progress is lost with its topic finds the ticket that it has closed itself.
func TestAct_anEventGoesOnWithTheTicketThatItHasClosed(t *testing.T) {
	onStub(t, "whatever its state", func(s *scene) {
		s.warm()
		first := s.next(use(once, label)).IDs["ticket_id"]
		s.offset++
		s.does(use(never, label, closing)) // its outcome is lost
		s.ids = newIDs()
		o := s.does(use(never, label, closing))
		if o.Outcome != sink.Delivered || o.IDs["ticket_id"] != first {
			s.t.Errorf("%s with ticket %s, want %s", verdictOf(o), o.IDs["ticket_id"], first)
		}
		s.settle()
		if s.keys.Len() != 0 {
			s.t.Error("the key is left")
		}
	})
}

// A process that dies at any moment opens no ticket twice and leaves none open.
func TestAct_aProcessThatDiesAtAnyMomentOpensTheTicketOfAKeyOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event rules.Decision
		by    func(*rules.UseTicket)
	}{
		{"opening", use(once, label), once},
		{"closing", use(never, label, closing), never},
		{"reopening", use(reopening, label), reopening},
	} {
		for moment := range 14 {
			onStub(t, fmt.Sprintf("%s, moment %d", tt.name, moment), func(s *scene) {
				s.warm()
				if tt.name != "opening" {
					s.next(use(once, label))
				}
				if tt.name == "reopening" {
					s.next(use(func(u *rules.UseTicket) { u.KeepClosed = true }, closing))
				}
				opened := len(s.server.Desk(stubtrengo.Name).Tickets())
				s.offset++
				s.ledger = &sinktest.Ledger{}
				died := s.diesAt(moment, tt.event)
				s.ids = newIDs()
				s.ledger, s.write, s.wire.before = &sinktest.Ledger{Last: s.ledger.Last}, nil, nil
				o, err := s.tries(s.t.Context(), tt.event, s.ledger.Last)
				if err != nil {
					s.t.Fatal(err)
				}
				s.settle()
				// Where all had taken effect, a look shows that nothing is left.
				if got := verdictOf(o); got != "delivered" && (got != "skipped nothing_to_update" || !died) {
					s.t.Errorf("died: %v, then %s, steps %v", died, verdictOf(o), stepsOf(o))
				}
				opened = len(s.server.Desk(stubtrengo.Name).Tickets()) - opened
				status := s.ticket(o.IDs["ticket_id"]).Get("status").Str()
				got := fmt.Sprintf("%d opened, %v open, %d keys", opened, status != "CLOSED", s.keys.Len())
				want := map[string]string{"opening": "1 opened, true open, 1 keys", "closing": "0 opened, false open, 0 keys", "reopening": "0 opened, true open, 1 keys"}[tt.name]
				if diff := cmp.Diff(want, got); diff != "" {
					s.t.Errorf("died: %v (-want +got):\n%s", died, diff)
				}
			})
		}
	}
}

// diesAt has the process die at one of the moments of an event: before or after a call takes
// effect, before or after the record of a key.
func (s *scene) diesAt(moment int, d rules.Decision) (died bool) {
	ctx, cancel := context.WithCancelCause(s.t.Context())
	defer cancel(nil)
	gone, at := errors.New("killed"), 0
	dies := func() bool {
		died = at == moment || died
		at++
		if died {
			cancel(gone)
		}
		return died
	}
	s.wire.before = func(call string) fate {
		if strings.HasPrefix(call, "GET") {
			return fate{}
		}
		never := dies()
		return fate{never: never, lost: never || dies()}
	}
	s.write = func() error {
		if dies() {
			return gone
		}
		return nil
	}
	if _, err := s.tries(ctx, d, nil); err == nil && died {
		s.t.Error("the process lives on")
	}
	return died
}
