package mapping

import "slices"

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
	return slices.Contains(n, Trim(text))
}

// IsNoID reports whether v says that there is no id: one of the words, a blank text, or
// the number 0, whatever the words are.
func (e Event) IsNoID(v Value) bool { return e.NoIDs.isNoID(v) }

func (n NoIDs) isNoID(v Value) bool {
	if v.kind == String {
		return Trim(v.text) == "" || n.Has(v.text)
	}
	return v.IsZeroNumber()
}

// refuse reports whether v is a text or a number and no id.
func (n NoIDs) refuse(v Value) bool {
	_, ok := v.ID()
	return isIDKind(v.kind) && (!ok || n.isNoID(v))
}

// isIDKind reports whether a value of this kind may be an id.
func isIDKind(kind Kind) bool { return kind == String || kind == Number }
