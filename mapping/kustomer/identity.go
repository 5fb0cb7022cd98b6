package kustomer

import (
	"strings"
	"unicode"

	"github.com/deskstream/deskstream/mapping"
)

// CustomerID is the type of external id by which an event names its customer.
const CustomerID = "kustomerId"

// maxExternalID is the longest external id that Kustomer takes, in characters. A
// longer one is a fault: cut short, two people could become one.
const maxExternalID = 256

var (
	userIDPaths    = []string{"userId", "traits.userId", "traits.id", "context.traits.userId", "context.traits.id"}
	anonymousPaths = []string{"anonymousId"}
	emailPaths     = []string{"traits.email", "context.traits.email", "properties.email"}
)

// identity is who an event is about, in the sender's terms. Either id may be "".
type identity struct {
	user      source
	userID    string
	anonymous string
	// refused is the path of a number that is no id, "" if there is none.
	refused string
}

// identify reads the sender's ids. Errors: wrong_type, invalid_id.
func identify(ev mapping.Event, n *notes) (identity, error) {
	var who identity
	var err error
	if who.user, err = who.first(ev, n, userIDPaths); err != nil {
		return identity{}, err
	}
	who.userID = who.user.value.Str()
	anonymous, err := who.first(ev, n, anonymousPaths)
	if err != nil && who.userID != "" {
		n.leftOut("anonymousId", "it is no id")
		anonymous, err = source{}, nil
	}
	who.anonymous = anonymous.value.Str()
	return who, err
}

// first returns the first of the paths' values that is an id, as text. What means nobody
// is passed over, or all who send it would become one customer; so is a number that is not
// whole.
func (i *identity) first(ev mapping.Event, n *notes, paths []string) (source, error) {
	for _, path := range paths {
		v := ev.Get(path)
		text, ok := v.ID()
		switch {
		case !v.Exists():
		case ev.IsNoID(v) && mapping.Trim(v.Text()) == "": // says so itself
		case ev.IsNoID(v):
			noteNoID(n, path, whyNobody)
		case ok && longer(text, maxExternalID):
			return source{}, mapping.FieldError(mapping.InvalidID, path, "is longer than 256 characters")
		case ok:
			return source{path, mapping.Str(text)}, nil
		case v.Kind() != mapping.Number:
			return source{}, mapping.FieldError(mapping.WrongType, path, "is "+v.Kind().String()+", not an id")
		default:
			noteNoID(n, path, whyNoID)
			i.refused = path
		}
	}
	return source{}, nil
}

const (
	whyNoID   = "a number with a fraction, or of more than 256 digits, is no id"
	whyNobody = "it means nobody"
)

// noteNoID notes that the value of a path is no id. mapping.Event notes those of userId
// and anonymousId, since lanes leave them out too.
func noteNoID(n *notes, path, why string) {
	if path != "userId" && path != "anonymousId" {
		n.leftOut(path, why)
	}
}

// missing is the fault of an event that names nobody.
func (i *identity) missing(code mapping.Code, message string) error {
	if i.refused != "" {
		return mapping.FieldError(mapping.InvalidID, i.refused, "is no id: it has a fraction, or more than 256 digits")
	}
	return &mapping.Error{Code: code, Message: message}
}

// externalIDs are the ids that are there, the preferred one first.
func (i *identity) externalIDs() []string {
	var ids []string
	if i.userID != "" {
		ids = append(ids, i.userID)
	}
	if i.anonymous != "" && i.anonymous != i.userID {
		ids = append(ids, i.anonymous)
	}
	return ids
}

// kustomerID is the event's external id of type kustomerId, "" if there is none. Errors:
// wrong_type, invalid_id.
func (i *identity) kustomerID(ev mapping.Event, n *notes) (string, error) {
	given, path, warnings := ev.ExternalID(CustomerID)
	n.list = append(n.list, warnings...)
	id, ok := given.ID()
	switch {
	case !given.Exists():
		return "", nil
	case ok && ValidID(id):
		return id, nil
	case ok:
		return "", mapping.FieldError(mapping.InvalidID, path, "has a kustomerId that is no id of Kustomer's")
	case given.Kind() == mapping.Number:
		i.refused = path
		return "", nil
	default:
		return "", mapping.FieldError(mapping.WrongType, path, "is "+given.Kind().String()+", not an id")
	}
}

// ValidID reports whether text may be in a path as one of Kustomer's own ids.
func ValidID(id string) bool {
	return id != "" && id != "." && id != ".." && !strings.ContainsAny(id, `/\`) && !hasControl(id)
}

// checkLookup refuses a value of the sender's that a server could take for a path:
// some decode an escaped slash before they resolve dots.
func checkLookup(value, path string) error {
	if strings.Contains(value, `\`) || hasControl(value) {
		return mapping.FieldError(mapping.InvalidID, path, "holds a backslash or a control character")
	}
	for part := range strings.SplitSeq(value, "/") {
		if part == "." || part == ".." {
			return mapping.FieldError(mapping.InvalidID, path, `has "." or ".." between slashes`)
		}
	}
	return nil
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
