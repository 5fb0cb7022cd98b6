package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/internal/holds"
	"github.com/deskstream/deskstream/sink/hold"
)

// newHolds makes the book of the operators' holds of this process's destinations.
func (s *Service) newHolds() *holds.Book {
	groups := make([]string, len(s.pipelines))
	for i, p := range s.pipelines {
		groups[i] = s.cfg.Group(p.Config)
	}
	return holds.New(holds.Config{
		Topic: cluster.Topics{DeadLetters: s.cfg.DeadLetters.Topic}.States(), Groups: groups, Connection: s.connection, Log: s.log, Changed: s.followHold,
	})
}

// readHolds reads the holds on record, before the first call.
func (s *Service) readHolds(ctx context.Context) error {
	limit := cmp.Or(s.contact, time.Minute)
	late := fmt.Errorf("not read within %v (--connect-timeout)", limit)
	bounded, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	err := s.holds.Begin(bounded)
	if ctx.Err() != nil {
		return nil // told to stop
	}
	return err
}

// followHold does with a destination what is on record.
func (s *Service) followHold(group string, held bool, at time.Time) {
	for _, p := range s.pipelines {
		if s.cfg.Group(p.Config) != group {
			continue
		}
		gate := p.Destination.Gate()
		if held {
			_ = gate.HaltSince(at) // it may be so already
		} else if gate.Held().Reason == hold.Operator {
			_, _ = gate.Resume() // another one may have
		}
	}
}

// recordTimeout is how long an operator waits until a hold is on record.
const recordTimeout = 5 * time.Second

// Hold puts a destination on hold, in all instances. here says why it is not on record, and so of this
// instance only; "" for one that is.
func (s *Service) Hold(destination string) (here string, err error) {
	p, err := s.pipeline(destination)
	if err != nil {
		return "", err
	}
	_, here, err = s.hold(context.Background(), p)
	if here != "" {
		s.log.Warn("hold of an operator is of this instance only", "destination", destination, "why", here)
	}
	return here, err
}

// Resume ends the hold of a destination: that of an operator in all instances.
func (s *Service) Resume(destination string) error {
	p, err := s.pipeline(destination)
	if err != nil {
		return err
	}
	_, err = s.resume(context.Background(), p)
	return err
}

// hold puts a destination on hold: here at once, then on record for all instances. here says why it
// is not on record. The error is hold.ErrHaltedAlready where nothing has changed.
func (s *Service) hold(ctx context.Context, p *runningPipeline) (state hold.State, here string, err error) {
	gate, group := p.Destination.Gate(), s.cfg.Group(p.Config)
	already := gate.Halt()
	state = gate.Held()
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	err = s.holds.Await(ctx)
	if already != nil && s.holds.Held(group) {
		return state, "", already
	}
	if err == nil {
		err = s.holds.Hold(ctx, group, state.Since)
	}
	switch {
	case err != nil && already != nil:
		return state, "", already
	case err != nil:
		return state, "not on record, so other instances and a restart do not know it: " + err.Error(), nil
	}
	return state, "", nil
}

// resume ends the hold of a destination, on record for all instances, then here, and returns what it
// was. The error is hold.ErrNotHeld without one.
func (s *Service) resume(ctx context.Context, p *runningPipeline) (was hold.State, err error) {
	gate, group := p.Destination.Gate(), s.cfg.Group(p.Config)
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	if err := s.holds.Await(ctx); err != nil {
		return hold.State{}, err
	}
	was = gate.Held()
	if s.holds.Held(group) {
		if err := s.holds.Resume(ctx, group); err != nil {
			return was, fmt.Errorf("the hold is on record and stays: %w", err)
		}
	}
	ended, err := gate.Resume()
	switch {
	case err == nil:
		return ended, nil
	case was.Active(): // it ended with its record
		return was, nil
	}
	return was, err
}

// serveHold puts a destination on hold.
func (s *Service) serveHold(w http.ResponseWriter, r *http.Request) {
	p, ok := s.named(w, r)
	if !ok {
		return
	}
	state, here, err := s.hold(r.Context(), p)
	answer := held(p, state, err)
	answer.Here = here
	endpoint.Answer(w, statusOf(err), answer)
}

// serveResume ends the hold of a destination.
func (s *Service) serveResume(w http.ResponseWriter, r *http.Request) {
	p, ok := s.named(w, r)
	if !ok {
		return
	}
	was, err := s.resume(r.Context(), p)
	endpoint.Answer(w, statusOf(err), held(p, was, err))
}

// statusOf is the status of an answer to an operator.
func statusOf(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, hold.ErrHaltedAlready), errors.Is(err, hold.ErrNotHeld):
		return http.StatusConflict
	}
	return http.StatusServiceUnavailable
}
