package rules

import (
	"errors"
	"fmt"

	"github.com/deskstream/deskstream/mapping"
)

// Match says which events a rule is about.
type Match struct {
	// Type is the type of the event, in lower case: track, identify, group, ticket.closed.
	Type string
	// Events are names of events, exact, or patterns of names in which a star stands for any
	// text. None means every event of the type, also one without a name.
	Events []string
	// When is a condition in CEL over the event, "" for none.
	When string
}

// Fault is a condition that could not be evaluated: its rule did not match.
type Fault struct {
	// Rule is the rule's place in the list.
	Rule int
	// Err is ErrMissing or another of its kind, and quotes nothing.
	Err error
}

// Set is the rules of one destination. It is safe for concurrent use.
type Set struct {
	rules []rule
	types map[string]*index
}

// rule is a compiled Match.
type rule struct {
	match Match
	when  *condition // nil for none
}

// New compiles rules. Its error names all faults by the rule's place: rules[2].when: ....
func New(matches []Match) (*Set, error) {
	s := &Set{types: make(map[string]*index)}
	var errs []error
	for i, m := range matches {
		r := rule{match: m}
		if m.When != "" {
			var err error
			if r.when, err = compile(m.When); err != nil {
				errs = append(errs, fmt.Errorf("rules[%d].when: %w", i, err))
			}
		}
		for k, name := range m.Events {
			if name == "" {
				errs = append(errs, fmt.Errorf("rules[%d].match.event[%d]: is empty", i, k))
			}
		}
		s.rules = append(s.rules, r)
		s.indexOf(m.Type).add(i, m.Events)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Set) indexOf(typ string) *index {
	if s.types[typ] == nil {
		s.types[typ] = &index{exact: make(map[string][]int)}
	}
	return s.types[typ]
}

// First returns the place of the first rule that an event matches. fault is called for each
// condition before it that could not be evaluated.
func (s *Set) First(ev mapping.Event, fault func(Fault)) (place int, ok bool) {
	x := s.types[ev.Type]
	if x == nil {
		return 0, false
	}
	var vars *variables
	candidates := x.candidates(ev.Name())
	for {
		i, ok := candidates.next()
		if !ok {
			return 0, false
		}
		c := s.rules[i].when
		if c == nil {
			return i, true
		}
		if vars == nil {
			vars = &variables{event: ev}
		}
		holds, err := c.holds(vars)
		if err != nil {
			fault(Fault{Rule: i, Err: err})
		}
		if holds {
			return i, true
		}
	}
}
