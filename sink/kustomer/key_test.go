package kustomer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/sinktest"
)

// next carries the decision of a later event out, and removes the keys that it has closed.
func (s *deskScene) next(d rules.Decision) sink.Outcome {
	s.t.Helper()
	s.offset++
	s.ledger.Last, s.wire.calls = nil, nil
	o := s.does(d)
	s.settle()
	return o
}

func (s *deskScene) settle() {
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
	ofKey     = func(*rules.UseTicket) {}
	neverOpen = func(u *rules.UseTicket) { u.Open = rules.OpenNever }
	reopening = func(u *rules.UseTicket) { u.Reopen, u.KeepClosed = true, true }
	urgent    = rules.SetUrgency{Level: 5}
	closing   = rules.SetStatus{Closed: true}
)

func TestAct_findsTheConversationOfAKey(t *testing.T) {
	onStub(t, "until it is closed", func(s *deskScene) {
		s.warm()
		first := s.next(use(ofKey, urgent)).IDs["conversation_id"]
		s.open() // a newer one
		s.next(use(ofKey, urgent))
		s.same(first, `PATCH /conversations/{T} {"priority":5}`)
		s.next(use(neverOpen, closing))
		s.same(first, `PATCH /conversations/{T} {"status":"done"}`)
		if s.keys.Len() != 0 {
			s.t.Error("the key is left")
		}
		if o := s.next(use(neverOpen, closing)); verdictOf(o) != "skipped ticket_not_found" {
			s.t.Errorf("a closed key: %s", verdictOf(o))
		}
		if again := s.next(use(ofKey, urgent)).IDs["conversation_id"]; again == first || again == "" {
			s.t.Errorf("conversation %s, want one after %s", again, first)
		}
	})
	onStub(t, "unless an agent has closed it", func(s *deskScene) {
		s.warm()
		first := s.next(use(ofKey, urgent)).IDs["conversation_id"]
		s.call("PATCH", "/conversations/"+first, `{"status":"done"}`)
		s.ids = newIDs() // another process
		if again := s.next(use(ofKey, urgent)).IDs["conversation_id"]; again == first {
			s.t.Error("the closed conversation is used")
		}
	})
	onStub(t, "which is looked at once", func(s *deskScene) {
		s.warm()
		first := s.next(use(ofKey, urgent)).IDs["conversation_id"]
		s.ids = newIDs() // another process
		s.warm()
		s.next(use(ofKey, urgent))
		s.same(first, "GET /conversations/{T}") // which shows the priority
		s.next(use(ofKey, urgent))
		s.same(first, `PATCH /conversations/{T} {"priority":5}`)
	})
	onStub(t, "opened as one that is done", func(s *deskScene) {
		s.warm()
		s.next(use(ofKey, closing))
		if s.keys.Len() != 0 {
			s.t.Error("the key is left")
		}
	})
	onStub(t, "and opens it again", func(s *deskScene) {
		s.warm()
		first := s.next(use(reopening, urgent)).IDs["conversation_id"]
		s.next(use(func(u *rules.UseTicket) { u.Open, u.KeepClosed = rules.OpenNever, true }, closing))
		s.next(use(reopening, urgent))
		s.same(first, "GET /conversations/{T}", `PATCH /conversations/{T} {"priority":5,"status":"open"}`)
		s.next(use(reopening, urgent))
		s.same(first, `PATCH /conversations/{T} {"priority":5}`)
	})
	onStub(t, "also where its steps are lost", func(s *deskScene) {
		s.warm()
		first := s.next(use(ofKey, urgent)).IDs["conversation_id"]
		s.offset++
		s.does(use(neverOpen, urgent, closing)) // its outcome is lost
		s.ids = newIDs()
		o := s.does(use(neverOpen, urgent, closing))
		s.settle()
		if o.Outcome != sink.Delivered || o.IDs["conversation_id"] != first || s.keys.Len() != 0 {
			s.t.Errorf("%s with conversation %s, want %s; %d keys", verdictOf(o), o.IDs["conversation_id"], first, s.keys.Len())
		}
	})
}

// A process that dies at any call opens no conversation twice and leaves none open.
func TestAct_aProcessThatDiesAtAnyCallOpensTheConversationOfAKeyOnce(t *testing.T) {
	note := rules.Note{Text: "n"}
	for _, tt := range []struct {
		name, want string
		event      rules.Decision
	}{
		{"opening", "1 opened, open, 1 keys", use(ofKey, urgent, note)},
		{"closing", "0 opened, done, 0 keys", use(neverOpen, note, closing)},
		{"reopening", "0 opened, open, 1 keys", use(reopening, urgent, note)},
	} {
		for moment := range 10 {
			onStub(t, fmt.Sprintf("%s, moment %d", tt.name, moment), func(s *deskScene) {
				s.warm()
				if tt.name != "opening" {
					s.next(use(ofKey, urgent))
				}
				if tt.name == "reopening" {
					s.next(use(func(u *rules.UseTicket) { u.KeepClosed = true }, closing))
				}
				opened := len(s.server.Desk(stubkustomer.Name).Tickets())
				s.offset++
				s.ledger.Last = nil
				died := s.diesAt(moment, tt.event)
				s.ids, s.wire.before = newIDs(), nil
				last := s.ledger.Last
				s.ledger = &sinktest.Ledger{Last: last, Follows: s.ledger.Follows}
				o, err := s.tries(s.t.Context(), tt.event, last)
				if err != nil {
					s.t.Fatal(err)
				}
				s.settle()
				if o.Outcome != sink.Delivered {
					s.t.Errorf("died: %v, then %s, steps %v", died, verdictOf(o), stepsOf(o))
				}
				opened = len(s.server.Desk(stubkustomer.Name).Tickets()) - opened
				got := fmt.Sprintf("%d opened, %s, %d keys", opened, s.conversation(o.IDs["conversation_id"]).Get("status").Str(), s.keys.Len())
				if diff := cmp.Diff(tt.want, got); diff != "" {
					s.t.Errorf("died: %v (-want +got):\n%s", died, diff)
				}
			})
		}
	}
}

// diesAt has the process die before or after one of the writes of an event takes effect.
func (s *deskScene) diesAt(moment int, d rules.Decision) (died bool) {
	ctx, cancel := context.WithCancelCause(s.t.Context())
	defer cancel(nil)
	at := 0
	dies := func() bool {
		died = at == moment || died
		at++
		if died {
			cancel(errors.New("killed"))
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
	if _, err := s.tries(ctx, d, nil); err == nil && died {
		s.t.Error("the process lives on")
	}
	return died
}
