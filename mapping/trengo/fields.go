package trengo

import (
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// Where the fields are looked for, in this order (RudderStack's Trengo destination).
var (
	namePaths      = []string{"traits.name", "context.traits.name"}
	firstNamePaths = traitPaths("firstName", "firstname", "first_name")
	lastNamePaths  = traitPaths("lastName", "lastname", "last_name")
)

func traitPaths(names ...string) []string {
	var paths []string
	for _, parent := range []string{"traits.", "context.traits."} {
		for _, name := range names {
			paths = append(paths, parent+name)
		}
	}
	return paths
}

// ContactID is the type of external id by which an event names its contact.
const ContactID = "trengoContactId"

// External ids that an event may carry.
const (
	externalContact = ContactID
	externalChannel = "trengoChannelId"
)

// reader takes fields from one event and notes what it coerced or left out.
type reader struct {
	event    mapping.Event
	warnings []string
}

func newReader(ev mapping.Event) *reader { return &reader{event: ev} }

func (r *reader) warn(text string) { r.warnings = append(r.warnings, text) }

func (r *reader) leftOut(path string, v mapping.Value) {
	r.warn(path + " is " + v.Kind().String() + " and was left out")
}

// get is the value at a dotted path. A member whose name is the whole path comes
// first, as in the reference.
func (r *reader) get(path string) mapping.Value {
	if v := r.event.Body.Get(path); v.Exists() {
		return v
	}
	return r.event.Body.Path(path)
}

// own are the paths that say something of the event's person. The traits of a group event are the
// group's.
func (r *reader) own(paths []string) []string {
	if r.event.Type != "group" {
		return paths
	}
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return strings.HasPrefix(path, "traits.") })
}

// name is the contact's name: the whole one, or what there is of first and last.
func (r *reader) name() string {
	if name := r.text(namePaths); name != "" {
		return name
	}
	first, last := r.text(firstNamePaths), r.text(lastNamePaths)
	if first == "" || last == "" {
		return first + last
	}
	return first + " " + last
}

// text returns the first of paths that holds a text with more than blanks, as one line.
func (r *reader) text(paths []string) string {
	for _, path := range r.own(paths) {
		switch v := r.get(path); {
		case !v.Exists() || isBlank(v):
		case v.Kind() == mapping.String:
			return mapping.OneLine(v.Str())
		default:
			r.leftOut(path, v)
		}
	}
	return ""
}

// externalID is what an event says about an id of the help desk's.
type externalID struct {
	// value is a text or a whole number, absent if the event names none.
	value mapping.Value
	// fault says why a number is no id. The next place counts then, and without one the
	// event has this fault.
	fault *mapping.Error
}

// externalID returns the event's external id of the type. Error: invalid_id for one that
// is neither a text nor a number, or could lead to another path of the API.
func (r *reader) externalID(typ string) (externalID, error) {
	id, _, warnings := r.event.ExternalID(typ)
	r.warnings = append(r.warnings, warnings...)
	if !id.Exists() {
		return externalID{}, nil
	}
	if _, ok := id.ID(); !ok {
		fault := mapping.FieldError(mapping.InvalidID, typ, "is "+id.Kind().String()+", not text or a whole number")
		if id.Kind() == mapping.Number {
			return externalID{fault: fault}, nil
		}
		return externalID{}, fault
	}
	if fault := idFault(id.Text()); fault != "" {
		return externalID{}, mapping.FieldError(mapping.InvalidID, typ, fault)
	}
	return externalID{value: id}, nil
}

func isBlank(v mapping.Value) bool {
	return v.Kind() == mapping.String && mapping.Trim(v.Str()) == ""
}
