package kustomer

import (
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// rule says where a field of the customer comes from and what it takes.
type rule struct {
	field string
	from  []string
	take  coerce
}

// rules are the customer's fields in the order in which they are sent, but for
// name, externalId, emails, phones and those below.
var rules = []rule{
	{"username", both("userName", "username"), code(256)},
	{"signedUpAt", both("createdAt"), date},
	{"lastActivityAt", both("lastActivityAt"), date},
	{"lastCustomerActivityAt", both("lastCustomerActivityAt"), date},
	{"lastSeenAt", both("lastSeenAt"), date},
	{"importedAt", both("importedAt"), date},
	{"avatarUrl", both("avatar"), uri},
	{"gender", both("gender"), gender},
	{"tags", both("tags"), list("tags", tag)},
	{"locale", append([]string{"context.locale"}, both("locale")...), code(16)},
	{"socials", both("socials"), list("socials", socialEntry)},
	{"urls", append(both("website"), "properties.website"), website},
	{"locations", both("address"), locations},
	{"custom", both("customObject"), custom},
	{"sentiment", both("sentiment"), sentiment},
	{"whatsapps", both("whatsapps"), list("whatsapps", whatsappEntry)},
	{"facebookIds", both("facebookIds"), list("facebookIds", facebookEntry)},
	{"instagramIds", both("instagramIds"), list("instagramIds", instagramEntry)},
	{"defaultLang", both("defaultLanguage"), code(100)},
	{"rev", both("rev"), number},
}

// The fields whose next place is asked when the value of one does not fit.
var (
	companyRule  = rule{"company", append(both("company.name"), both("company")...), company}
	timeZoneRule = rule{"timeZone", append(both("timeZone"), "context.timezone"), timeZone}
)

var birthdayPaths = both("dob", "birthday")

// upsert maps an identify.
func (m *Mapper) upsert(ev mapping.Event, n *notes) (Step, error) {
	who, err := identify(ev, n)
	if err != nil {
		return nil, err
	}
	id, err := who.kustomerID(ev, n)
	if err != nil {
		return nil, err
	}
	ids := who.externalIDs()
	if id == "" && len(ids) == 0 {
		return nil, who.missing(mapping.MissingIdentifier, "there is neither a userId nor an anonymousId nor a kustomerId")
	}
	step := Upsert{ID: id, ExternalIDs: ids, Mode: m.config.Lists}
	if id == "" {
		if step.Lookups, err = lookups(firstEmail(ev), who); err != nil {
			return nil, err
		}
	}
	step.Customer = customer(ev, n, ids)
	step.Implied = n.implied
	return step, nil
}

// lookups are the ways to find the customer: by e-mail, user id, anonymous id.
func lookups(email source, who identity) ([]Lookup, error) {
	var found []Lookup
	if email.value.Exists() {
		if err := checkLookup(email.value.Str(), email.path); err != nil {
			return nil, err
		}
		found = append(found, Lookup{ByEmail, email.value.Str()})
	}
	for i, id := range who.externalIDs() {
		path := "anonymousId"
		if i == 0 && who.userID != "" {
			path = who.user.path
		}
		if err := checkLookup(id, path); err != nil {
			return nil, err
		}
		found = append(found, Lookup{ByExternalID, id})
	}
	return found, nil
}

// customer is the customer object. ids may be empty: an update needs no externalId.
func customer(ev mapping.Event, n *notes, ids []string) mapping.Value {
	var members []mapping.Member
	add := func(field string, v mapping.Value) {
		if v.Exists() {
			members = append(members, mapping.Member{Name: field, Value: v})
		}
	}
	add("name", name(ev, n))
	if len(ids) > 0 {
		add("externalId", mapping.Str(ids[0]))
	}
	add("emails", emails.take(ev, n))
	add("phones", phones.take(ev, n))
	add("company", fitting(ev, n, companyRule))
	for _, r := range rules {
		if s := pick(ev, r.from); s.value.Exists() {
			add(r.field, r.take(n, r.field+" from "+s.path, s.value))
		}
	}
	add("timeZone", fitting(ev, n, timeZoneRule))
	if s := pick(ev, birthdayPaths); s.value.Exists() {
		add("birthdayAt", birthday(ev)(n, "birthdayAt from "+s.path, s.value))
	}
	return mapping.Obj(members...)
}

// name is the full name, else what there is of first and last name. Only text is a name.
func name(ev mapping.Event, n *notes) mapping.Value {
	full := pickIf(ev, both("name"), isName).value
	if !full.Exists() {
		first := mapping.OneLine(pickIf(ev, namePart("first"), isName).value.Str())
		last := mapping.OneLine(pickIf(ev, namePart("last"), isName).value.Str())
		joined := first + " " + last
		if first == "" || last == "" {
			joined = first + last
		}
		if joined == "" {
			return mapping.Value{}
		}
		full = mapping.Str(joined)
	}
	return line(256)(n, "name", full)
}

func isName(v mapping.Value) bool { return mapping.Trim(v.Str()) != "" }

// namePart are the spellings of a part of the name: firstName, firstname, first_name.
func namePart(which string) []string {
	spellings := []string{which + "Name", which + "name", which + "_name"}
	var paths []string
	for _, place := range []string{"traits.", "context.traits."} {
		for _, spelling := range spellings {
			paths = append(paths, place+spelling)
		}
	}
	return paths
}

// website takes one address of a web site, with or without a scheme.
func website(n *notes, label string, v mapping.Value) mapping.Value {
	text := strings.TrimSpace(v.Str())
	if text == "" {
		n.leftOut(label, "it is no text")
		return mapping.Value{}
	}
	return mapping.Arr(mapping.Obj(mapping.Member{Name: "url", Value: mapping.Str(text)}))
}
