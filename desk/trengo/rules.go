package trengo

import (
	"context"
	"errors"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	mapped "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	sender "github.com/deskstream/deskstream/sink/trengo"
)

// checkRule implements desk.Kind's CheckRule.
func checkRule(r rules.Rule) error {
	if r.Ticket.Result != "" && r.Ticket.Status != "closed" {
		return errors.New("ticket.result: needs status: closed")
	}
	return nil
}

// ruled is a route by rules: an event that matches none goes the way of plain.
type ruled struct {
	*mapped.Mapper

	client     *sender.Client
	rules      *rules.Rules
	fault      func(rule string, err error)
	referenced bool
}

// told is what to tell Trengo about one event.
type told struct {
	rule    string          // "" for none
	plain   mapped.Message  // without actions
	actions *sender.Actions // nil for none
}

// RuleName implements sink.Ruled.
func (t told) RuleName() string { return t.rule }

// mapEvent says what to tell Trengo about an event. Errors: those of Map, and of a rule's
// templates.
func (r *ruled) mapEvent(ev mapping.Event) (t told, err error) {
	decision, ok, err := r.rules.Decide(ev, r.fault)
	if err != nil {
		return told{rule: decision.Rule}, err
	}
	if !ok {
		t.plain, err = r.Map(ev)
		return t, err
	}
	t.rule = decision.Rule
	if decision.Default {
		t.plain, err = r.Map(ev)
	}
	if len(decision.Actions) == 0 {
		t.plain.Warnings = append(t.plain.Warnings, decision.Warnings...)
		if err == nil && !decision.Default {
			err = mapping.NothingToUpdate
		}
		return t, err
	}
	if _, nothing := errors.AsType[mapping.Skip](err); err != nil && !nothing {
		return t, err
	}
	contact, warnings, err := r.Contact(ev)
	if err != nil {
		return t, err
	}
	decision.Warnings = append(decision.Warnings, warnings...)
	t.actions = &sender.Actions{Contact: contact, Referenced: r.referenced, Default: t.plain, Decision: decision}
	return t, nil
}

// send does what mapEvent says.
func (r *ruled) send(ctx context.Context, do sink.Doer, t told) (sink.Receipt, error) {
	if t.actions == nil {
		return r.client.Send(ctx, do, t.plain)
	}
	return r.client.Act(ctx, do, *t.actions)
}
