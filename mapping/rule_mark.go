package mapping

// RuleMark names a rule as it was when an event matched it; the zero mark is that of no rule.
type RuleMark struct {
	Name string
	// Hash changes when the rule asks for something else.
	Hash string
}
