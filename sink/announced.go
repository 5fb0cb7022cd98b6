package sink

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/hold"
)

// Finder looks for the effect of a write that was announced with a mark, as Effect.Find does.
type Finder func(ctx context.Context, mark Mark) (Sighting, error)

// begun is the rule by which the event has begun, nil if it has not, or began without one.
func (s *Session) begun() *mapping.RuleMark {
	if p := &s.sender.progress; p.Exists() && p.Rule != "" {
		return &mapping.RuleMark{Name: p.Rule, Hash: p.RuleHash}
	}
	return nil
}

// goesBy takes in the rule by which the event goes, and says what has become of the one by which
// it has begun. What was done stays done, by the names of its steps.
func (s *Session) goesBy(mark mapping.RuleMark, begun *mapping.RuleMark) {
	s.rule = mark.Name
	p := &s.sender.progress
	p.Rule, p.RuleHash = mark.Name, mark.Hash
	if begun == nil || *begun == mark {
		return
	}
	s.announced = p.Next
	change := "rule " + begun.Name + ", by which the event began, is gone: what was done stays, and the event goes on "
	switch mark.Name {
	case begun.Name:
		change = "rule " + mark.Name + " has changed since the event began by it: what was done stays, and the rest is done as the rule is now"
	case "":
		change += "without a rule"
	default:
		change += "by rule " + mark.Name
	}
	s.ruleChanges = []string{change}
}

// lookForAnnounced looks for the effect of a write that was announced by the rule by which the
// event began, if the event did not ask for its step again: it is not sent, but may have taken
// effect. Error: ErrInterrupted or hold.ErrHeld.
func (r Route) lookForAnnounced(ctx context.Context, s *Session, receipt *Receipt) error {
	a := s.announced
	if a == nil || slices.ContainsFunc(s.sender.steps, func(i StepInfo) bool { return i.Name == a.Step }) {
		return nil
	}
	s.announced = nil
	known := false
	if r.Find != nil && a.Mark != nil {
		if find := r.Find(s.doer, a.Step); find != nil {
			found, err := s.doer.lookFor(ctx, a, func(ctx context.Context, mark Mark) (Sighting, error) {
				seen, err := find(ctx, mark)
				known = err == nil && !seen.Refused
				return seen, err
			})
			if errors.Is(err, ErrInterrupted) || errors.Is(err, hold.ErrHeld) {
				return err
			}
			if receipt.IDs == nil {
				receipt.IDs = make(map[string]string)
			}
			maps.Copy(receipt.IDs, found.IDs)
		}
	}
	if !known {
		s.ruleChanges = append(s.ruleChanges, "step "+a.Step+", which the event no longer asks for, had been announced: whether it took effect is not known")
	}
	return nil
}

// lookFor makes it a carrier.
func (s *retrier) lookFor(ctx context.Context, a *Announcement, find Finder) (Effected, error) {
	o := &once{retrier: s, effect: Effect{Step: a.Step, Find: find}}
	return o.look(ctx, a, a.ended(time.Now()))
}

// lookFor makes it a carrier. It looks once.
func (s *planner) lookFor(ctx context.Context, a *Announcement, find Finder) (Effected, error) {
	seen, err := find(ctx, a.Mark)
	if err != nil || seen.IDs == nil {
		return Effected{}, err
	}
	s.steps = append(s.steps, StepInfo{Name: a.Step, State: StepAdopted})
	return Effected{IDs: seen.IDs, State: StepAdopted}, nil
}
