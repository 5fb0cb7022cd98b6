package sink

import (
	"context"
	"slices"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// Echo is what a write of ours comes back as from its help desk: an event of one of some types, of
// an object.
type Echo struct {
	// Types are those of unified events.
	Types []string `json:"types"`
	// ID is that of the ticket or, of an event without a ticket, of the contact. It is "" as long as a
	// write that makes it has no answer.
	ID string `json:"id"`
	// Label is the id of the label that is put on or taken off: an event of another label is not of this
	// write. "" is any.
	Label string `json:"label,omitempty"`
	// Comment is the id of the message or note that is made: an event of another one is not of this write.
	// "" is any.
	Comment string `json:"comment,omitempty"`
}

// Trail is what the outcome of an event says to those who have to know our own writes again in what
// help desks send. It lies in a header. The zero Trail says nothing.
type Trail struct {
	// Writes are those of the event, where its progress does not have them.
	Writes []Echo `json:"writes,omitempty"`
	// Answered is the rule by which something was written in answer to an event of a help desk, nil for
	// none.
	Answered *Answer `json:"answered,omitempty"`
	// Echoes is the write for which an event was skipped as our own: each explains one event. "" is
	// none.
	Echoes string `json:"echoes,omitempty"`
}

// Answer is what a rule did because of an event of a help desk.
type Answer struct {
	Rule string `json:"rule"`
	// To is the event's lane: a ticket or contact of one help desk.
	To string `json:"to"`
	// At is when the event happened.
	At Time `json:"at"`
}

// Guard says whether a rule may answer an event of a help desk.
type Guard interface {
	// MayAnswer returns the reason to skip the event, "" for none, and with mapping.Own the write that
	// it comes from, where it is known. It may wait. Its error is the cause of ctx's end.
	MayAnswer(ctx context.Context, q Question) (skip mapping.Skip, echoes string, err error)
}

// Question is what a Guard is asked.
type Question struct {
	Event mapping.Event
	Answer
	// Own says that the rule takes events that we caused.
	Own bool
	// Received is when the event's record was written.
	Received time.Time
}

// mostEchoes bounds what is kept of one event.
const mostEchoes = 64

// echo notes what a write that took effect comes back as.
func (s *sender) echo(call Call, reply *Reply) {
	if s.dest.Echo == nil || call.Lookup {
		return
	}
	for _, e := range s.dest.Echo(call, reply) {
		if e.ID != "" && len(s.progress.Writes) < mostEchoes {
			s.progress.Writes = append(slices.Clip(s.progress.Writes), e) // what is inherited stays as it is
		}
	}
}

// expected is what a write that has no answer yet comes back as, should it take effect.
func (s *sender) expected(call Call) []Echo {
	if s.dest.Echo == nil {
		return nil
	}
	return s.dest.Echo(call, &Reply{})
}

// mayAnswer asks the Guard about an event of a help desk that a rule takes. Error: mapping.Own,
// mapping.Loop, ErrInterrupted.
func (s *Session) mayAnswer(ctx context.Context, ev mapping.Event, rule Ruled) error {
	mark := rule.RuleMark()
	desk, own := rule.Answers()
	if s.Guard == nil || mark.Name == "" || !desk {
		return nil
	}
	answer := Answer{Rule: mark.Name, To: s.Lane, At: Time{happened(ev, s.Timestamp)}}
	s.answer = &answer
	if ev.Begun != nil {
		return nil // it goes on
	}
	var skip mapping.Skip
	s.Rest()
	s.sender.does(looking)
	err := s.sender.wait(ctx, func(ctx context.Context) (err error) {
		skip, s.echoes, err = s.Guard.MayAnswer(ctx, Question{Event: ev, Answer: answer, Own: own, Received: s.Timestamp})
		return err
	})
	switch {
	case err != nil:
		return err
	case skip != "":
		return skip
	}
	return nil
}

// longestTold is how long after something happened a help desk tells of it at the most: Kustomer
// repeats a webhook for an hour.
const longestTold = time.Hour

// happened is when an event of a help desk happened: a moment near that of its record.
func happened(ev mapping.Event, received time.Time) time.Time {
	if received.IsZero() {
		received = time.Now()
	}
	at, err := time.Parse(time.RFC3339Nano, ev.Body.Get("at").Str())
	if err != nil || at.Before(received.Add(-longestTold)) || at.After(received.Add(longestTold)) {
		return received
	}
	return at
}

// trail is what the event's outcome says, nil for nothing.
func (s *Session) trail() *Trail {
	t := Trail{Echoes: s.echoes}
	if !s.sender.progress.Exists() {
		t.Writes = s.sender.progress.Writes
	}
	if s.answer != nil && s.sender.sentWrite() {
		t.Answered = s.answer
	}
	if t.Writes == nil && t.Answered == nil && t.Echoes == "" {
		return nil
	}
	return &t
}
