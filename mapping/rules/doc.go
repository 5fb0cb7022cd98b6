// Package rules decides which rule of a destination an event matches.
//
// A rule names a type of event, names of events or patterns of names, and a condition in CEL,
// https://cel.dev. The first rule that matches counts. A Set finds the few rules that can match
// by the event's type and name before it evaluates a condition, so that an event that no rule
// names costs two look-ups.
//
// In a condition every number is a double: 2 is 2.0, so that one condition means the same for
// 21 and 21.5. A condition that fails, because a field is missing for example, does not match.
package rules
