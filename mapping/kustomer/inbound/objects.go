package inbound

import (
	"errors"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// ErrNoObject is an entry of a list that is no object with an id.
var ErrNoObject = errors.New("the entry is no JSON object with an id")

// Objects returns how an entry of each list is read. Kustomer has no lists of groups, roles,
// channels and statuses; attachments stand inside messages and notes; the form of its metadata,
// where the custom attributes are, is not documented.
func (r *Reader) Objects() map[unified.Entity]func(entry []byte) (unified.Object, error) {
	object := func(fill func(mapping.Value, unified.Meta) unified.Object) func([]byte) (unified.Object, error) {
		return func(entry []byte) (unified.Object, error) {
			body := unified.JSONBody(entry)
			v := body.Value
			if inner := v.Get("data"); inner.Kind() == mapping.Object {
				v = inner // that of one object
			}
			meta := r.meta(v)
			if meta.ID == "" {
				return nil, ErrNoObject
			}
			meta.Raw = body.Raw
			return fill(v, meta), nil
		}
	}
	return map[unified.Entity]func([]byte) (unified.Object, error){
		unified.Contacts: object(r.contact), unified.Accounts: object(r.account), unified.Tickets: object(r.ticket),
		unified.Comments: object(r.comment), unified.Users: object(r.user), unified.Teams: object(r.team), unified.Labels: object(r.label), unified.Queues: object(r.queue), unified.Objects: object(r.object),
	}
}

// meta is what all objects have in common.
func (r *Reader) meta(v mapping.Value) unified.Meta {
	meta, attributes := r.metaOf(unified.Text(v, "id")), v.Get("attributes")
	meta.URL = unified.Text(v.Get("links"), "self")
	meta.CreatedAt, meta.UpdatedAt = unified.When(attributes, "createdAt", utc), unified.When(attributes, "updatedAt", utc)
	meta.Deleted = attributes.Get("deleted").IsTrue()
	return meta
}

func (r *Reader) metaOf(id string) unified.Meta {
	return unified.Meta{Schema: unified.Version, Desk: r.desk, Destination: r.destination, ID: id}
}

// related is the id of another object.
func related(v mapping.Value, name string) string {
	return unified.Text(v.Get("relationships", name, "data"), "id")
}

func (r *Reader) contact(v mapping.Value, meta unified.Meta) unified.Object {
	a := v.Get("attributes")
	return &unified.Contact{
		Meta: meta, Name: unified.Text(a, "name", "displayName"),
		Emails:      append(addresses(a.Get("emails"), "email", false), addresses(a.Get("sharedEmails"), "email", true)...),
		Phones:      append(addresses(a.Get("phones"), "phone", false), addresses(a.Get("sharedPhones"), "phone", true)...),
		ExternalIDs: externalIDs(a), Groups: unified.Refs(a, "tags"), AccountID: related(v, "company"),
		Fields: unified.ValuesOf(a.Get("custom")), Locale: unified.Text(a, "locale"), TimeZone: unified.Text(a, "timeZone"),
	}
}

func addresses(list mapping.Value, name string, shared bool) (found []unified.Address) {
	for _, e := range unified.Elements(list) {
		if value := unified.Text(e, name); value != "" {
			found = append(found, unified.Address{Value: value, Type: unified.Text(e, "type"), Shared: shared, Verified: unified.Flag(e, "verified")})
		}
	}
	return found
}

// externalIDs are those of a list and the one that stands alone, each once.
func externalIDs(a mapping.Value) (ids []string) {
	if id := unified.Text(a, "externalId"); id != "" {
		ids = append(ids, id)
	}
	for _, e := range unified.Elements(a.Get("externalIds")) {
		if id := unified.Text(e, "externalId"); id != "" && (len(ids) == 0 || ids[0] != id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (r *Reader) account(v mapping.Value, meta unified.Meta) unified.Object {
	a := v.Get("attributes")
	account := &unified.Account{
		Meta: meta, Name: unified.Text(a, "name"), ExternalIDs: externalIDs(a), Fields: unified.ValuesOf(a.Get("custom")),
		Emails: addresses(a.Get("emails"), "email", false), Phones: addresses(a.Get("phones"), "phone", false),
	}
	for _, e := range unified.Elements(a.Get("domains")) {
		if domain := unified.Text(e, "domain"); domain != "" {
			account.Domains = append(account.Domains, domain)
		}
	}
	return account
}

func (r *Reader) user(v mapping.Value, meta unified.Meta) unified.Object {
	a := v.Get("attributes")
	u := &unified.User{Meta: meta, Name: unified.Text(a, "name", "displayName"), Email: unified.Text(a, "email")}
	switch unified.Text(a, "userType") {
	case "":
	case "user":
		u.Kind = unified.Person
	case "machine":
		u.Kind = unified.Machine
	default:
		u.Kind = unified.UnknownWord
	}
	return u
}

func (r *Reader) team(v mapping.Value, meta unified.Meta) unified.Object {
	a := v.Get("attributes")
	return &unified.Team{Meta: meta, Name: unified.Text(a, "name", "displayName"), UserIDs: unified.IDs(a, "members")}
}

func (r *Reader) label(v mapping.Value, meta unified.Meta) unified.Object {
	a := v.Get("attributes")
	return &unified.Label{Meta: meta, Name: unified.Text(a, "name"), Color: unified.Text(a, "color")}
}

func (r *Reader) queue(v mapping.Value, meta unified.Meta) unified.Object {
	return &unified.Queue{Meta: meta, Name: unified.Text(v.Get("attributes"), "name")}
}

// object reads an object of one of the owner's classes, whose type is kobject.<class>.
func (r *Reader) object(v mapping.Value, meta unified.Meta) unified.Object {
	a := v.Get("attributes")
	o := &unified.Custom{
		Meta: meta, Class: strings.TrimPrefix(unified.Text(v, "type"), "kobject."), ExternalID: unified.Text(a, "externalId"),
		Title: unified.Text(a, "title"), ContactID: related(v, "customer"), AccountID: related(v, "company"), Fields: unified.ValuesOf(a.Get("custom")),
	}
	if data := a.Get("data"); data.Exists() {
		o.Data = unified.Raw(data.JSON())
	}
	return o
}
