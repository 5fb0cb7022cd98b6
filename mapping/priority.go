package mapping

// Priority is how urgent an event is among those that wait. The zero Priority is Normal; a higher
// one is more urgent.
type Priority int8

// The priorities.
const (
	Low Priority = iota - 1
	Normal
	High
)

// Priorities are all priorities, the most urgent first.
var Priorities = [...]Priority{High, Normal, Low}

// Rank returns the place of the priority in Priorities: 0 for the most urgent.
func (p Priority) Rank() int { return int(High - p) }

// String returns the priority as the configuration has it.
func (p Priority) String() string {
	switch {
	case p > Normal:
		return "high"
	case p < Normal:
		return "low"
	default:
		return "normal"
	}
}

// ParsePriority returns the priority of a name: high, normal or low. ok is false for any other text.
func ParsePriority(name string) (p Priority, ok bool) {
	for _, p := range Priorities {
		if p.String() == name {
			return p, true
		}
	}
	return Normal, false
}
