package trengo

import (
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// Where the fields are looked for, in this order (RudderStack's Trengo destination).
var (
	emailPaths     = []string{"traits.email", "context.traits.email", "properties.email"}
	phonePaths     = []string{"traits.phone", "context.traits.phone", "properties.phone"}
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

// External ids that an event may carry.
const (
	externalContact = "trengoContactId"
	externalChannel = "trengoChannelId"
)

// reader takes fields from one event and notes what it coerced or left out.
type reader struct {
	ev       mapping.Event
	body     mapping.Value
	warnings []string
}

func newReader(ev mapping.Event) *reader { return &reader{ev: ev, body: ev.Body} }

func (r *reader) leftOut(path string, v mapping.Value) {
	r.warnings = append(r.warnings, path+" is "+v.Kind().String()+" and was left out")
}

// get is the value at a dotted path. A member whose name is the whole path comes
// first, as in the reference.
func (r *reader) get(path string) mapping.Value {
	if v := r.body.Get(path); v.Exists() {
		return v
	}
	return r.body.Path(path)
}

// identifier is the first of paths that holds a text or a number other than 0.
func (r *reader) identifier(paths []string) string {
	for _, path := range paths {
		switch v := r.get(path); {
		case !v.Exists() || isBlank(v) || v.IsZeroNumber():
		case v.Kind() == mapping.String:
			return v.Str()
		case v.Kind() == mapping.Number:
			r.warnings = append(r.warnings, path+" is a number and goes out as text")
			return v.Text()
		default:
			r.leftOut(path, v)
		}
	}
	return ""
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

// text is the first of paths that holds a text with more than blanks.
func (r *reader) text(paths []string) string {
	for _, path := range paths {
		switch v := r.get(path); {
		case !v.Exists() || isBlank(v):
		case v.Kind() == mapping.String:
			return v.Str()
		default:
			r.leftOut(path, v)
		}
	}
	return ""
}

// externalID is the id of the event's first external id of the type, a text or a
// number; absent if there is none, or an empty one. Error: invalid_id.
func (r *reader) externalID(typ string) (mapping.Value, error) {
	id, _, warnings := r.ev.ExternalID(typ)
	r.warnings = append(r.warnings, warnings...)
	if !id.Exists() {
		return mapping.Value{}, nil
	}
	if _, ok := id.ID(); !ok {
		return mapping.Value{}, mapping.FieldError(mapping.InvalidID, typ, "is "+id.Kind().String()+", not text or a whole number")
	}
	if fault := idFault(id.Text()); fault != "" {
		return mapping.Value{}, mapping.FieldError(mapping.InvalidID, typ, fault)
	}
	return id, nil
}

func isBlank(v mapping.Value) bool {
	return v.Kind() == mapping.String && strings.TrimSpace(v.Str()) == ""
}
