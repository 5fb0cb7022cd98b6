package rules

import "github.com/deskstream/deskstream/mapping"

// Verdict says whether a rule decides about an event, and why not.
type Verdict struct {
	// Rule is the rule's name.
	Rule string `json:"rule"`
	// Matched marks the one that decides.
	Matched bool `json:"matched"`
	// Reason says why the rule does not decide, "" for the one that does.
	Reason Reason `json:"reason,omitempty"`
	// Detail says more for people: how a condition failed, or which earlier rule decides. It may
	// quote the event.
	Detail string `json:"detail,omitempty"`
}

// Reason is why a rule does not decide about an event.
type Reason string

// The reasons, in the order in which they are looked at.
const (
	OtherType       Reason = "type"             // it is about another type of event
	OtherName       Reason = "name"             // none of its names and patterns is the event's
	ConditionFalse  Reason = "condition_false"  // its condition does not hold
	ConditionFailed Reason = "condition_failed" // its condition could not be evaluated
	EarlierRule     Reason = "earlier_rule"     // it fits, but a rule before it decides
)

// Verdicts returns a verdict on each rule, in their order. It evaluates every rule that names the
// event, also those after the one that decides.
func (r *Rules) Verdicts(ev mapping.Event) []Verdict {
	vars, decides := &variables{event: ev}, ""
	list := make([]Verdict, len(r.rules))
	for i := range r.rules {
		v := &list[i]
		v.Rule = r.rules[i].Name
		if v.Reason, v.Detail = r.set.check(i, vars); v.Reason != "" {
			continue
		}
		if decides != "" {
			v.Reason, v.Detail = EarlierRule, decides
			continue
		}
		v.Matched, decides = true, v.Rule
	}
	return list
}

// check returns why the rule at a place does not fit an event, "" if it does.
func (s *Set) check(place int, vars *variables) (_ Reason, detail string) {
	r := &s.rules[place]
	if vars.event.Type != r.match.Type {
		return OtherType, ""
	}
	if !r.match.names(vars.event.Name()) {
		return OtherName, ""
	}
	if r.when == nil {
		return "", ""
	}
	holds, err := r.when.holds(vars)
	switch {
	case err != nil:
		return ConditionFailed, err.Error() + r.when.cause(vars)
	case !holds:
		return ConditionFalse, ""
	}
	return "", ""
}

// names reports whether an event of a name is one of those that a rule is about.
func (m *Match) names(event string) bool {
	if len(m.Events) == 0 {
		return true
	}
	own := index{exact: make(map[string][]int)}
	own.add(0, m.Events)
	found := own.candidates(event)
	_, ok := found.next()
	return ok
}

// cause is what CEL says of a condition that fails, behind a colon. It may quote the event.
func (c *condition) cause(v *variables) string {
	_, _, err := c.program.Eval(v)
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}
