package kustomer

import (
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// Person returns whom an event of any type is about, for what is done by rules: an Upsert whose
// Customer is what a new customer gets, with warnings as in a Message. The customer is to be looked
// up by user id, e-mail, anonymous id, the contact of a help desk by phone number as well: unlike an identify, another event does not hand the customer
// of an address over to its user. What is said of others is not asked: the properties, and the
// traits of a group. Errors: wrong_type, invalid_id, missing_identifier.
func (m *Mapper) Person(ev mapping.Event) (Upsert, []string, error) {
	var n notes
	ev.Body = ev.Body.Without("properties")
	if ev.Type == "group" {
		ev.Body = ev.Body.Without("traits")
	}
	who, err := identify(ev, &n)
	if err != nil {
		return Upsert{}, nil, err
	}
	id, err := who.kustomerID(ev, &n)
	if err != nil {
		return Upsert{}, nil, err
	}
	email := firstEmail(ev)
	step := Upsert{ID: id, ExternalIDs: who.externalIDs(), Mode: MergeLists}
	if id == "" {
		if step.Lookups, err = lookups(email, who); err != nil {
			return Upsert{}, nil, err
		}
		if number := phoneOf(ev); number != "" {
			step.Lookups = append(step.Lookups, Lookup{ByPhone, number})
		}
		if len(step.Lookups) == 0 {
			return Upsert{}, nil, who.missing(mapping.MissingIdentifier, "there is neither a userId nor an anonymousId nor an e-mail address nor a kustomerId")
		}
		if email.value.Exists() && who.userID != "" {
			step.Lookups[0], step.Lookups[1] = step.Lookups[1], step.Lookups[0]
		}
	}
	members := []mapping.Member{{Name: "name", Value: name(ev, &n)}}
	if len(step.ExternalIDs) > 0 {
		members = append(members, mapping.Member{Name: "externalId", Value: mapping.Str(step.ExternalIDs[0])})
	}
	members = append(members,
		mapping.Member{Name: "emails", Value: emails.take(ev, &n)},
		mapping.Member{Name: "phones", Value: phones.take(ev, &n)},
	)
	step.Customer = mapping.Obj(slices.DeleteFunc(members, func(m mapping.Member) bool { return !m.Value.Exists() })...)
	step.Implied = n.implied
	return step, n.texts(), nil
}

// phoneOf is the number by which the contact of a help desk's event may be known, "" for none. Other
// events name their customer by ids and e-mail addresses only.
func phoneOf(ev mapping.Event) string {
	if !unified.IsType(ev.Type) {
		return ""
	}
	number, ok := mapping.PhoneNumber(ev.Body.Get("traits", "phone").Str())
	if number = mapping.International(number); strings.HasPrefix(number, "+") {
		number = "+" + mapping.PhoneDigits(number)
	}
	if !ok || checkLookup(number, "") != nil {
		return ""
	}
	return number
}
