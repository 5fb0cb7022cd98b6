package kustomer

import (
	"strings"
	"unicode"

	"github.com/deskstream/deskstream/mapping"
)

// maxExternalID is the longest external id that Kustomer takes, in characters. A
// longer one is a fault: cut short, two people could become one.
const maxExternalID = 256

var (
	userIDPaths = []string{"userId", "traits.userId", "traits.id", "context.traits.userId", "context.traits.id"}
	emailPaths  = []string{"traits.email", "context.traits.email", "properties.email"}
)

// identity is who an event is about, in the sender's terms. Either may be "".
type identity struct {
	user      source
	userID    string
	anonymous string
}

// identify reads the sender's ids. Errors: wrong_type, invalid_id.
func identify(ev mapping.Event, n *notes) (identity, error) {
	who := identity{user: pickIf(ev, userIDPaths, notBlank)}
	var err error
	if who.userID, err = ownID(who.user); err != nil {
		return identity{}, err
	}
	who.anonymous, err = ownID(pickIf(ev, []string{"anonymousId"}, notBlank))
	if err != nil && who.userID != "" {
		n.leftOut("anonymousId", "it is no id")
		who.anonymous, err = "", nil
	}
	return who, err
}

// externalIDs are the ids that are there, the preferred one first.
func (i identity) externalIDs() []string {
	var ids []string
	if i.userID != "" {
		ids = append(ids, i.userID)
	}
	if i.anonymous != "" && i.anonymous != i.userID {
		ids = append(ids, i.anonymous)
	}
	return ids
}

// notBlank keeps blank ids out: all who send one would become one customer.
func notBlank(v mapping.Value) bool {
	return v.Kind() != mapping.String || strings.TrimSpace(v.Str()) != ""
}

// ownID is an id of the sender's as text, "" for none.
func ownID(s source) (string, error) {
	id, err := idText(s)
	if err == nil && longer(id, maxExternalID) {
		err = mapping.FieldError(mapping.InvalidID, s.path, "is longer than 256 characters")
	}
	return id, err
}

func idText(s source) (string, error) {
	switch s.value.Kind() {
	case mapping.Absent, mapping.Null:
		return "", nil
	case mapping.String, mapping.Number:
		return s.value.Text(), nil
	default:
		return "", mapping.FieldError(mapping.WrongType, s.path, "is "+s.value.Kind().String()+", not an id")
	}
}

// kustomerID is the event's external id of type kustomerId, "" if there is none. Errors:
// wrong_type, invalid_id.
func kustomerID(ev mapping.Event, n *notes) (string, error) {
	given, path, warnings := ev.ExternalID("kustomerId")
	n.list = append(n.list, warnings...)
	id, err := idText(source{path: path, value: given})
	if err != nil || id == "" {
		return "", err
	}
	if !ValidID(id) {
		return "", mapping.FieldError(mapping.InvalidID, path, "has a kustomerId that is no id of Kustomer's")
	}
	return id, nil
}

// ValidID tells whether text may stand in a path as one of Kustomer's own ids.
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
