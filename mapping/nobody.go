package mapping

import (
	"slices"
	"strings"
)

// NoIDs are the words that stand where a sender had no id: what a language prints for a
// missing value. All who send one would become one customer. nil means DefaultNoIDs.
type NoIDs []string

// DefaultNoIDs returns the words that are no ids unless the configuration names others.
func DefaultNoIDs() NoIDs { return slices.Clone(defaultNoIDs) }

var defaultNoIDs = NoIDs{"undefined", "null", "None", "nil", "NaN", "nan", "(null)", "[object Object]"}

// Has reports whether text, trimmed, is exactly one of the words.
func (n NoIDs) Has(text string) bool {
	if n == nil {
		n = defaultNoIDs
	}
	return slices.Contains(n, strings.TrimSpace(text))
}

// IsNoID reports whether v says that there is no id: one of the words, a blank text, or
// the number 0, whatever the words are.
func (e Event) IsNoID(v Value) bool {
	if v.kind == String {
		return Trim(v.text) == "" || e.NoIDs.Has(v.text)
	}
	return v.IsZeroNumber()
}
