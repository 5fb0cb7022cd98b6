package desk

import (
	"maps"
	"slices"
	"strings"
)

// Names is what a desk has of one sort.
type Names struct {
	// IDs are the ids by name, "" for a name that several have. An e-mail address is in lower case.
	IDs map[string]string
}

// Has reports whether there is exactly one thing of a name, or a thing of that id.
func (n Names) Has(name string) bool {
	if n.IDs[name] != "" || strings.Contains(name, "@") && n.IDs[strings.ToLower(name)] != "" {
		return true
	}
	for _, id := range n.IDs {
		if id != "" && id == name {
			return true
		}
	}
	return false
}

// Several reports whether several things have a name, so that it means none of them.
func (n Names) Several(name string) bool {
	id, ok := n.IDs[name]
	return ok && id == ""
}

// Known are the names that a rule can use, sorted.
func (n Names) Known() []string {
	known := maps.Clone(n.IDs)
	maps.DeleteFunc(known, func(_, id string) bool { return id == "" })
	return slices.Sorted(maps.Keys(known))
}
