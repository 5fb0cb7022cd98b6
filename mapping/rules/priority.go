package rules

import "github.com/deskstream/deskstream/mapping"

// CallType is the type of records that are calls over Kafka.
const CallType = "call"

// Priorities say how urgent the events of a destination are: the priority of the rule that an event
// matches, else that of the event's type. They are safe for concurrent use. Nil Priorities has
// none, and every event is normal.
type Priorities struct {
	rules  *Rules // nil for none
	ofRule []mapping.Priority
	given  []bool // by rule
	types  map[string]mapping.Priority
	// looked are the types of events for which a rule has a priority: only these are decoded before
	// their turn.
	looked map[string]bool
}

// NewPriorities returns the priorities of a destination, nil if neither a rule nor a type has one.
// compiled are its rules, nil for none, and types the names of priorities by type of event, which
// have to be right.
func NewPriorities(compiled *Rules, types map[string]string) *Priorities {
	p := &Priorities{types: make(map[string]mapping.Priority), looked: make(map[string]bool)}
	for typ, name := range types {
		p.types[typ], _ = mapping.ParsePriority(name)
	}
	if compiled != nil {
		p.rules = compiled
		for _, r := range compiled.rules {
			of, given := mapping.ParsePriority(r.Priority)
			p.ofRule, p.given = append(p.ofRule, of), append(p.given, given)
			if given {
				p.looked[r.Match.Type] = true
			}
		}
	}
	if len(p.types) == 0 && len(p.looked) == 0 {
		return nil
	}
	return p
}

// HavePriorities reports whether a rule of a list has a priority.
func HavePriorities(list []Rule) bool {
	for _, r := range list {
		if r.Priority != "" {
			return true
		}
	}
	return false
}

// OfCalls returns the priority of calls over Kafka.
func (p *Priorities) OfCalls() mapping.Priority {
	if p == nil {
		return mapping.Normal
	}
	return p.types[CallType]
}

// Of returns the priority of the event in a record's value, which d decodes. begun is the rule by
// which it has begun, nil for one that has not. A value that holds no event is normal. A condition
// that fails counts as one that does not hold; whoever delivers the event reports it.
func (p *Priorities) Of(reader *mapping.Reader, d mapping.Decoder, value []byte, begun *mapping.RuleMark) mapping.Priority {
	if p == nil {
		return mapping.Normal
	}
	typ := reader.Type(d, value)
	if !p.looked[typ] {
		return p.types[typ]
	}
	ev, err := reader.Event(d, value)
	if err != nil {
		return mapping.Normal
	}
	ev.Begun = begun
	if place, ok := p.rules.place(ev, func(string, error) {}); ok && p.given[place] {
		return p.ofRule[place]
	}
	return p.types[typ]
}
