package kustomer

import (
	"strconv"

	"github.com/deskstream/deskstream/mapping"
)

// maxEntries and maxTags are how many entries the lists of a customer take.
const (
	maxEntries = 10
	maxTags    = 20
)

// list takes the list of a customer that has the name: as many different values as it
// takes, or a single element in place of a list. When none of them fits, or the sender left
// the list empty, nothing is sent: an empty list would clear the field.
func list(name string, element coerce) coerce {
	limit := ruleOf(name).limit
	return func(n *notes, label string, v mapping.Value) mapping.Value {
		if v.Kind() != mapping.Array {
			if e := element(n, label, v); e.Exists() {
				return mapping.Arr(e)
			}
			return mapping.Value{}
		}
		var kept []mapping.Value
		seen := make(map[string]bool)
		for i, m := range v.Members() {
			e := element(n, label+"["+strconv.Itoa(i)+"]", m.Value)
			key := e.JSON()
			if v.Len() > limit { // a second spelling of a value takes no place
				key = EntryKey(name, e)
			}
			if !e.Exists() || seen[key] {
				continue
			}
			if len(kept) == limit {
				n.add(label, "only the first "+strconv.Itoa(limit)+" entries sent")
				break
			}
			seen[key] = true
			kept = append(kept, e)
		}
		if len(kept) == 0 {
			return mapping.Value{}
		}
		return mapping.Arr(kept...)
	}
}

// part is a member of an entry.
type part struct {
	name     string
	take     coerce
	required bool
}

// entry takes an object of the given parts, since Kustomer refuses any other member.
// A bare text or number stands for the entry that bare makes of it; bare may be nil.
func entry(bare func(mapping.Value) mapping.Value, parts ...part) coerce {
	return func(n *notes, label string, v mapping.Value) mapping.Value {
		isBare := bare != nil && (v.Kind() == mapping.String || v.Kind() == mapping.Number)
		if isBare {
			v = bare(v)
		}
		if v.Kind() != mapping.Object {
			n.leftOut(label, "it is "+v.Kind().String()+", not an object")
			return mapping.Value{}
		}
		var kept []mapping.Member
		known := 0
		for _, p := range parts {
			value := v.Get(p.name)
			if value.Kind() != mapping.Absent {
				known++
			}
			if value.Exists() {
				value = p.take(n, label+"."+p.name, value)
			}
			if value.Exists() {
				kept = append(kept, mapping.Member{Name: p.name, Value: value})
			} else if p.required {
				n.leftOut(label, "it has no usable "+p.name)
				return mapping.Value{}
			}
		}
		if known < v.Len() {
			n.add(label, "members that Kustomer does not take left out")
		}
		if isBare {
			return n.imply(mapping.Obj(kept...))
		}
		return mapping.Obj(kept...)
	}
}

// homeEntry makes the entry that a single address or number becomes.
func homeEntry(name string) func(mapping.Value) mapping.Value {
	return func(v mapping.Value) mapping.Value {
		return mapping.Obj(mapping.Member{Name: "type", Value: mapping.Str("home")}, mapping.Member{Name: name, Value: v})
	}
}

var (
	verified = part{name: "verified", take: boolean}

	emailEntry = entry(homeEntry("email"),
		part{name: "type", take: oneOf("home", "work", "other")},
		part{name: "email", take: emailText, required: true}, verified)
	phoneEntry = entry(homeEntry("phone"),
		part{name: "type", take: oneOf("mobile", "home", "work", "fax", "other")},
		part{name: "phone", take: phoneText, required: true}, verified)
	whatsappEntry = entry(func(v mapping.Value) mapping.Value { return mapping.Obj(mapping.Member{Name: "phone", Value: v}) },
		part{name: "type", take: oneOf("mobile")},
		part{name: "phone", take: phoneText, required: true}, verified)
	socialEntry = entry(nil,
		part{name: "type", take: oneOf("twitter", "facebook", "instagram", "linkedin", "pinterest"), required: true},
		part{name: "username", take: nonEmpty(code(256)), required: true},
		part{name: "userid", take: code(256)},
		part{name: "url", take: uri}, verified)
	facebookEntry = entry(nil,
		part{name: "pageId", take: code(255), required: true},
		part{name: "userId", take: code(255), required: true},
		part{name: "name", take: line(255)})
	instagramEntry = entry(nil,
		part{name: "pageId", take: code(255), required: true},
		part{name: "threadId", take: code(255), required: true},
		part{name: "username", take: code(255), required: true},
		part{name: "instagramId", take: code(255)})
	sentiment = entry(nil,
		part{name: "polarity", take: polarity, required: true},
		part{name: "confidence", take: confidence, required: true})
)

func nonEmpty(take coerce) coerce {
	return func(n *notes, label string, v mapping.Value) mapping.Value {
		if v.Kind() == mapping.String && v.Str() == "" {
			return mapping.Value{}
		}
		return take(n, label, v)
	}
}
