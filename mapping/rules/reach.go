package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// Unmatched returns an error for each rule that can never match an event of a destination with a
// filter, joined; each begins with the setting's path: rules[2].match.type: ....
func Unmatched(list []Rule, filter mapping.Filter) error {
	var errs []error
	for i := range list {
		if path, reason := list[i].unmatched(filter, list[:i]); reason != "" {
			errs = append(errs, fmt.Errorf("rules[%d].%s: can never match: %s", i, path, reason))
		}
	}
	return errors.Join(errs...)
}

// unmatched is the setting for which a rule behind others can never match, and why.
func (r *Rule) unmatched(filter mapping.Filter, before []Rule) (path, reason string) {
	typ, names := r.Match.Type, r.Match.Event
	switch {
	case filter.Types != nil && !slices.Contains(filter.Types, typ):
		return "match.type", "the destination takes no " + typ + " events, see its events"
	case !isNamed(typ) && len(names) > 0 && !slices.ContainsFunc(names, onlyStars):
		return "match.event", "only track, page and screen events have names; leave it out"
	case isNamed(typ) && len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return passes(name, filter) }):
		return "match.event", "the destination's event_filter takes none of these events"
	}
	if never, failing := isNever(r.When, typ); never && failing {
		return "when", "the condition fails for every event"
	} else if never {
		return "when", "the condition is false for every event"
	}
	if len(names) == 0 {
		return "", ""
	}
	if by := coveredBy(typ, names, before); by != "" {
		return "match.event", "rule " + by + " before it takes all events of these names"
	}
	return "", ""
}

// isNamed reports whether events of a type have names.
func isNamed(typ string) bool { return typ == "track" || typ == "page" || typ == "screen" }

// onlyStars reports whether a name stands for every name, and for none.
func onlyStars(name string) bool { return name != "" && strings.Trim(name, "*") == "" }

// passes reports whether an event of a name, or of a pattern of names, may pass a filter.
func passes(name string, filter mapping.Filter) bool {
	if strings.Contains(name, "*") {
		return len(filter.Allow) == 0 || slices.ContainsFunc(filter.Allow, func(allowed string) bool { return covers(name, allowed) })
	}
	return (len(filter.Allow) == 0 || slices.Contains(filter.Allow, name)) && !slices.Contains(filter.Deny, name)
}

// covers reports whether every event of the second name is one of the first. Both may be patterns.
func covers(name, other string) bool {
	p := pattern{parts: strings.Split(name, "*")}
	if len(p.parts) == 1 {
		return name == other
	}
	return p.fits(other) // a star of the other's can only be where this has one
}

// coveredBy is the last of the rules without a condition that take all events of the names, "" if
// they do not. Rules for every event of the type are left out: see TakesAll.
func coveredBy(typ string, names []string, before []Rule) (last string) {
	for _, name := range names {
		i := slices.IndexFunc(before, func(r Rule) bool {
			return r.Match.Type == typ && blank(r.When) && !r.TakesAll() &&
				slices.ContainsFunc(r.Match.Event, func(taken string) bool { return covers(taken, name) })
		})
		if i < 0 {
			return ""
		}
		last = before[i].Name
	}
	return last
}

// TakesAll reports whether every event of the rule's type matches it.
func (r *Rule) TakesAll() bool {
	return blank(r.When) && (len(r.Match.Event) == 0 || slices.ContainsFunc(r.Match.Event, onlyStars))
}

// Advice is what should be changed in rules although they are accepted.
type Advice struct {
	// Path is the setting's: rules[2].when.
	Path string
	// Text says what to change, and why.
	Text string
}

// Advise returns what should be changed in rules that compile.
func Advise(list []Rule) (found []Advice) {
	all := map[string]string{} // the rule that takes every event of a type
	for i := range list {
		r := &list[i]
		advise := func(path, format string, args ...any) {
			found = append(found, Advice{fmt.Sprintf("rules[%d].%s", i, path), fmt.Sprintf(format, args...)})
		}
		if by := all[r.Match.Type]; by != "" {
			advise("name", "this rule is never reached: rule %s before it takes every %s event; put this one first, or give that one names or a condition", by, r.Match.Type)
		} else if r.TakesAll() {
			all[r.Match.Type] = r.Name
		}
		if !IsKnownType(r.Match.Type) && !strings.Contains(r.Match.Type, ".") { // else it is refused
			advise("match.type", "neither customer events nor those of help desks have the type %q", r.Match.Type)
		}
		for _, path := range unguarded(r.When) {
			asked := question(path)
			advise("when", "an event without %s does not match: write %s && ... to say so, or %s || ... if it should match", path, asked, negated(asked))
		}
		for _, list := range []struct {
			path  string
			names []string
		}{{"match.event", r.Match.Event}, {"contact.groups", r.Contact.Groups}, {"ticket.labels", r.Ticket.Labels}, {"ticket.remove_labels", r.Ticket.RemoveLabels}} {
			for k, name := range list.names {
				if slices.Contains(list.names[:k], name) {
					advise(fmt.Sprintf("%s[%d]", list.path, k), "%q stands there twice", name)
				}
			}
		}
		if r.Match.Type == "identify" && len(r.Contact.Fields) > 0 && !r.Default {
			advise("contact.fields", "the rule sets these fields only: name and other traits of an identify event are no longer saved; add default: true to save them as well")
		}
	}
	return found
}

// IsKnownType reports whether events have a type: customer events, or those of help desks.
func IsKnownType(typ string) bool {
	return slices.Contains(mapping.Types(), typ) || unified.IsType(typ)
}
