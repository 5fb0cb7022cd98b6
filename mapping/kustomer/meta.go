package kustomer

import (
	"slices"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// meta is the event's properties as the tracking API takes them; without
// AdvancedTransform they go out as they are.
func (m *Mapper) meta(properties mapping.Value, n *notes) mapping.Value {
	if properties.Kind() != mapping.Object {
		properties = mapping.Value{} // null, for one
	}
	properties = properties.Without(idProperties...)
	if m.config.AdvancedTransform {
		return m.advanced(properties, n)
	}
	if m.config.DisableEmailAsTrackingProperty {
		properties = properties.Without("email")
	}
	return properties
}

// advanced gives every property a name and a type that the tracking API takes. Of two
// that come to one name the first stays; of more than 100 the first 100 do.
func (m *Mapper) advanced(properties mapping.Value, n *notes) mapping.Value {
	over := 0
	kept := make([]mapping.Member, 0, min(properties.Len(), maxKeys))
	for _, property := range properties.Members() {
		member, why := flat(property, n)
		switch {
		case why != "":
			n.leftOut("meta."+property.Name, why)
		case member.Name == "", member.Name == "email" && m.config.DisableEmailAsTrackingProperty:
		case named(kept, member.Name):
			n.leftOut("meta."+member.Name, "an earlier property has that name already")
		case len(kept) == maxKeys:
			over++
		default:
			kept = append(kept, member)
		}
	}
	if over > 0 {
		n.add("meta", strconv.Itoa(over)+" properties left out, Kustomer takes "+strconv.Itoa(maxKeys))
	}
	return mapping.Obj(kept...)
}

// named reports whether there is a member of that name.
func named(members []mapping.Member, name string) bool {
	return slices.ContainsFunc(members, func(m mapping.Member) bool { return m.Name == name })
}

// flat is a property under its clean name, as a number or as text. Without a name there
// is nothing to send, and why says the reason unless the value was null.
func flat(property mapping.Member, n *notes) (_ mapping.Member, why string) {
	if !property.Value.Exists() {
		return mapping.Member{}, ""
	}
	name := metaName(property.Name)
	if name == "" {
		return mapping.Member{}, "its name has no letter that Kustomer takes"
	}
	member := mapping.Member{Name: name, Value: property.Value}
	switch property.Value.Kind() {
	case mapping.Number:
		return withSuffix(member, numSuffix)
	case mapping.String:
		if t, ok := parseCalendar(property.Value.Str()); ok {
			if tooEarly(t) {
				return mapping.Member{}, whyTooEarly
			}
			return withSuffix(member, atSuffix)
		}
	case mapping.Array:
		member.Value = mapping.Str(joined(property.Value))
	default:
		member.Value = mapping.Str(property.Value.Text())
	}
	return plain(member, n)
}

// withSuffix is a member with the suffix that its value needs.
func withSuffix(m mapping.Member, suffix string) (_ mapping.Member, why string) {
	if m.Name = suffixed(m.Name, suffix); m.Name == "" {
		return mapping.Member{}, "nothing of its name is left before the suffix"
	}
	return m, ""
}

// plain is a text under a name that does not promise a number or a moment, since the
// API refuses the whole event otherwise. A number written as text is made one.
func plain(m mapping.Member, n *notes) (_ mapping.Member, why string) {
	bare, promisesNumber := strings.CutSuffix(m.Name, numSuffix)
	if promisesNumber && jsonNumber.MatchString(m.Value.Str()) {
		return withSuffix(mapping.Member{Name: m.Name, Value: mapping.Num(m.Value.Str())}, numSuffix)
	}
	if !promisesNumber {
		bare = strings.TrimSuffix(m.Name, atSuffix)
	}
	if bare != m.Name {
		n.add("meta."+m.Name, "sent without its suffix, which its value does not fit")
		return plain(mapping.Member{Name: strings.TrimRight(bare, "-"), Value: m.Value}, n)
	}
	if m.Name = short(m.Name); m.Name == "" {
		return mapping.Member{}, "nothing of its name is left without the suffix"
	}
	return m, ""
}

// joined is the JSON of the list's elements with commas between.
func joined(list mapping.Value) string {
	return strings.TrimSuffix(strings.TrimPrefix(list.JSON(), "["), "]")
}
