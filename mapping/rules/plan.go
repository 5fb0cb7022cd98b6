package rules

import (
	"slices"

	"github.com/deskstream/deskstream/mapping"
)

// Decision is what the first rule that an event matches asks for.
type Decision struct {
	// Rule is the rule's name.
	Rule string
	// Hash changes when the rule asks for something else.
	Hash string
	// Default says to do first what the destination does without rules.
	Default bool
	// Strict says that the event dies of a name that the desk does not have; else what names it is
	// left out.
	Strict bool
	// Own says that the rule takes events of help desks that we caused.
	Own bool
	// Actions are to be done in order.
	Actions []Action
	// Warnings say, for people, what was left out. They quote no value.
	Warnings []string
}

// Rules are the compiled rules of a destination. They are safe for concurrent use.
type Rules struct {
	set      *Set
	rules    []Rule
	programs []texts
	marks    []mapping.RuleMark
	reopens  bool // one opens closed tickets of keys again
}

// HaveKeys reports whether a rule of a list finds tickets by keys.
func HaveKeys(list []Rule) bool {
	return slices.ContainsFunc(list, func(r Rule) bool { return r.Ticket.finding() == ByKey })
}

// FindsByID reports whether the ticket is found by an id that the rule names.
func (d *Decision) FindsByID() bool {
	return slices.ContainsFunc(d.Actions, func(a Action) bool {
		use, ok := a.(UseTicket)
		return ok && use.Find == ByID
	})
}

// OnlyFound reports whether all that is asked for is about a ticket that has to be there.
func (d *Decision) OnlyFound() bool {
	if len(d.Actions) == 0 || d.Default {
		return false
	}
	use, ok := d.Actions[0].(UseTicket) // what is about the contact comes before it
	return ok && use.Open == OpenNever
}

// Mark is the rule's mark.
func (d *Decision) Mark() mapping.RuleMark { return mapping.RuleMark{Name: d.Rule, Hash: d.Hash} }

// begun is the place of the rule by which an event has begun. ok is false when it has not, and when
// that rule is gone.
func (r *Rules) begun(ev mapping.Event) (place int, ok bool) {
	if ev.Begun == nil {
		return 0, false
	}
	place = slices.IndexFunc(r.rules, func(rule Rule) bool { return rule.Name == ev.Begun.Name })
	return place, place >= 0
}

// Decide returns what the rule of an event asks for: the first one that it matches, or the one by which it has begun. ok is false when it matches
// none. fault is called with the name of each rule whose condition could not be evaluated: it did
// not match. Error: template_error.
func (r *Rules) Decide(ev mapping.Event, fault func(rule string, err error)) (d Decision, ok bool, err error) {
	place, ok := r.place(ev, fault)
	if !ok {
		return Decision{}, false, nil
	}
	d, err = r.ask(place, ev)
	return d, true, err
}

// place is the place of the rule that decides about an event.
func (r *Rules) place(ev mapping.Event, fault func(rule string, err error)) (place int, ok bool) {
	if place, ok = r.begun(ev); ok {
		return place, true
	}
	return r.set.First(ev, func(f Fault) { fault(r.rules[f.Rule].Name, f.Err) })
}

// ask returns what the rule at a place asks for. It is a function of its own, so that an event of
// no rule makes room for no Decision.
func (r *Rules) ask(place int, ev mapping.Event) (d Decision, err error) {
	rule := &r.rules[place]
	d = Decision{Rule: rule.Name, Hash: r.marks[place].Hash, Default: rule.Default, Own: rule.Own, Strict: rule.OnMissing == "dead"}
	p := &writer{texts: r.programs[place], context: Context(ev), d: &d, reopens: r.reopens}
	p.contact(&rule.Contact)
	p.ticket(&rule.Ticket)
	p.send(&rule.Send)
	p.object(&rule.Object)
	return d, p.err
}
