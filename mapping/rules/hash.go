package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/deskstream/deskstream/mapping"
)

// mark is the rule's name, and a hash of all that it asks for: not of which events it matches. A
// setting that is not given does not count, so that a later version, which has more of them,
// gives the same hash.
func (r *Rule) mark() mapping.RuleMark {
	asks := *r
	asks.Name, asks.Match, asks.When, asks.Own, asks.Priority = "", Pattern{}, "", false, ""
	text, err := json.Marshal(asks)
	if err == nil {
		var all any
		if err = json.Unmarshal(text, &all); err == nil {
			text, err = json.Marshal(given(all)) // with sorted names
		}
	}
	if err != nil {
		panic(fmt.Sprintf("rules: hashing a rule: %v", err)) // it has texts and numbers only
	}
	sum := sha256.Sum256(text)
	return mapping.RuleMark{Name: r.Name, Hash: hex.EncodeToString(sum[:8])}
}

// given is a JSON value without the members that say nothing.
func given(v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for name, value := range object {
		switch value = given(value); inner := value.(type) {
		case map[string]any:
			object[name] = inner
			if len(inner) == 0 {
				delete(object, name)
			}
		default:
			if value == nil || value == "" || value == false || value == 0.0 {
				delete(object, name)
			}
		}
	}
	return object
}
