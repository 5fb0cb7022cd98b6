package kustomer

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/deskstream/deskstream/mapping"
)

// The suffixes by which the tracking API tells numbers and moments from text.
const (
	numSuffix = "Num"
	atSuffix  = "At"
)

// meta is the event's properties as the tracking API takes them; without
// AdvancedTransform they go out as they are.
func (m *Mapper) meta(properties mapping.Value, n *notes) mapping.Value {
	if properties.Kind() == mapping.Object {
		properties = properties.Without(idProperties...)
	}
	if m.config.AdvancedTransform {
		return m.advanced(properties, n)
	}
	if m.config.DisableEmailAsTrackingProperty {
		properties = properties.Without("email")
	}
	if !properties.Exists() {
		return mapping.Value{}
	}
	return properties
}

// advanced gives every property a name and a type that the tracking API takes. Of two
// that come to one name the first stays; of more than 100 the first 100 do.
func (m *Mapper) advanced(properties mapping.Value, n *notes) mapping.Value {
	over := 0
	if properties.Kind() != mapping.Object {
		properties = mapping.Value{}
	}
	kept := make([]mapping.Member, 0, min(properties.Len(), maxKeys))
	for _, property := range properties.Members() {
		member := flat(property, n)
		switch {
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

// named tells whether there is a member of that name.
func named(members []mapping.Member, name string) bool {
	return slices.ContainsFunc(members, func(m mapping.Member) bool { return m.Name == name })
}

// flat is a property under its clean name, as a number or as text; without a name
// when there is nothing to send.
func flat(property mapping.Member, n *notes) mapping.Member {
	if !property.Value.Exists() {
		return mapping.Member{}
	}
	name := property.Name
	if strings.ContainsFunc(name, unicode.IsSpace) {
		name = strings.Join(strings.Fields(name), "-")
	}
	if name == "" {
		n.leftOut("meta", "a property has no name")
		return mapping.Member{}
	}
	value := property.Value
	switch value.Kind() {
	case mapping.Number:
		return mapping.Member{Name: suffixed(name, numSuffix), Value: value}
	case mapping.String:
		if t, ok := parseCalendar(value.Str()); ok {
			if tooEarly(t) {
				n.leftOut("meta."+name, whyTooEarly)
				return mapping.Member{}
			}
			return mapping.Member{Name: suffixed(name, atSuffix), Value: value}
		}
	case mapping.Array:
		value = mapping.Str(joined(value))
	default:
		value = mapping.Str(value.Text())
	}
	return plain(name, value, n)
}

// plain is a text under a name that does not promise a number or a moment, since the
// API refuses the whole event otherwise. A number written as text is made one.
func plain(name string, value mapping.Value, n *notes) mapping.Member {
	bare, promisesNumber := strings.CutSuffix(name, numSuffix)
	if promisesNumber && jsonNumber.MatchString(value.Str()) {
		return mapping.Member{Name: name, Value: mapping.Num(value.Str())}
	}
	if !promisesNumber {
		bare = strings.TrimSuffix(name, atSuffix)
	}
	if bare == name {
		return mapping.Member{Name: name, Value: value}
	}
	if bare == "" {
		n.leftOut("meta."+name, "its value is neither a number nor a date")
		return mapping.Member{}
	}
	n.add("meta."+name, "sent without its suffix, which its value does not fit")
	return plain(bare, value, n)
}

func suffixed(name, suffix string) string {
	if strings.HasSuffix(name, suffix) {
		return name
	}
	return name + suffix
}

// joined is the JSON of the list's elements with commas between.
func joined(list mapping.Value) string {
	return strings.TrimSuffix(strings.TrimPrefix(list.JSON(), "["), "]")
}
