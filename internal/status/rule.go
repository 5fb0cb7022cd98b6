package status

import "time"

// Rule is what a rule did since the process began: events whose outcome is on record.
type Rule struct {
	Destination, Rule        string
	Delivered, Skipped, Dead int64
	// Last is when the latest of them was settled, the zero time before the first.
	Last time.Time
	// Warnings are those of the outcomes by their kind, the most frequent first.
	Warnings []Warning
}

// Warning is how often a kind of warning came.
type Warning struct {
	Kind  string
	Count int64
}
