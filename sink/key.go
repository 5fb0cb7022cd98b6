package sink

import (
	"context"
	"time"
)

// Key names a ticket of the event's lane, so that later events find it again.
type Key struct {
	// Text is the key as the rule makes it of the event.
	Text string
	// TTL is for how long it is kept when nothing uses it.
	TTL time.Duration
	// Kept says that the key of a closed ticket is kept as well, since a rule reopens it.
	Kept bool
}

// KeyedTicket is what a Key names.
type KeyedTicket struct {
	// ID is the ticket's, "" for a key that names none.
	ID string
	// Closed says that it was closed.
	Closed bool
	// Inherited says, of one that is put on record, that the event has it from an earlier delivery.
	// Where the key is removed since, a dead letter that is sent again does not bring it back.
	Inherited bool
	// Own says that this very event has put it on record: then it goes on with the ticket, closed
	// or not.
	Own bool
	// Alone says that the event stands alone, so that none of its keys names a ticket.
	Alone bool
}

// Keys knows what the keys of one event's lane name. CONTRACT: Keys live on.
type Keys interface {
	// Find returns what a key names. Its error is the cause of ctx's end.
	Find(ctx context.Context, key Key) (KeyedTicket, error)
	// Record returns when it is on record that a key names a ticket, or that this is closed. Its
	// error is the cause of ctx's end.
	Record(ctx context.Context, key Key, ticket KeyedTicket) error
}

// FindKey makes it a Doer.
func (s *retrier) FindKey(ctx context.Context, key Key) (found KeyedTicket, err error) {
	if s.keys == nil {
		return KeyedTicket{Alone: s.alone}, nil
	}
	s.does(awaitsRecord)
	err = s.wait(ctx, func(ctx context.Context) (err error) {
		found, err = s.keys.Find(ctx, key)
		return err
	})
	return found, err
}

// RecordKey makes it a Doer.
func (s *retrier) RecordKey(ctx context.Context, key Key, ticket KeyedTicket) error {
	if s.keys == nil {
		return nil
	}
	s.does(awaitsRecord)
	return s.wait(ctx, func(ctx context.Context) error { return s.keys.Record(ctx, key, ticket) })
}

// FindKey makes it a Doer.
func (s *planner) FindKey(ctx context.Context, key Key) (KeyedTicket, error) {
	if s.keys == nil {
		return KeyedTicket{Alone: s.alone}, nil
	}
	found, err := s.keys.Find(ctx, key)
	if err != nil {
		return KeyedTicket{}, interrupted(err)
	}
	return found, nil
}

// RecordKey makes it a Doer: a plan changes nothing.
func (s *planner) RecordKey(context.Context, Key, KeyedTicket) error { return nil }

// Adopt makes it a Doer.
func (e *eventSteps) Adopt(step string, ids map[string]string) {
	if e.progress.step(step) != nil {
		return
	}
	if e.progress.Next != nil && e.progress.Next.Step == step {
		e.withdraw()
	}
	e.keep(StepRecord{StepInfo: StepInfo{Name: step, State: StepAdopted}, IDs: ids})
}
