package call

import (
	"net/url"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// Request is an API request that may be made.
type Request struct {
	// Entry is the text of the entry that allows it.
	Entry string
	// Method is one of GET, POST, PUT, PATCH and DELETE.
	Method string
	// Path is below the base URL, and escaped.
	Path string
	// Query is encoded, and Parameters is where it comes from: an object, absent for none.
	Query      string
	Parameters mapping.Value
	// Body is the JSON body, absent for none.
	Body mapping.Value
	// Repeatable says that it may be sent again when nobody knows whether it took effect.
	Repeatable bool
	// Warnings say what was left out.
	Warnings []string
}

// types reads the type of a record.
var types = func() *mapping.Reader {
	r, err := mapping.NewReader(mapping.Layout{Lane: []string{"type"}})
	if err != nil {
		panic(err) // it has neither other names nor a place
	}
	return r
}()

// Is reports whether a line of events is a call.
func Is(line []byte) bool {
	return strings.EqualFold(strings.TrimSpace(types.Lane(mapping.JSON, line, nil)), mapping.TypeCall)
}

// CorrelationID is the record's own id for its answer, in text form, "" for none. The error is
// wrong_type.
func CorrelationID(ev mapping.Event) (string, error) {
	switch v := ev.Body.Get("correlationId"); v.Kind() {
	case mapping.Absent, mapping.Null:
		return "", nil
	case mapping.String, mapping.Number:
		return v.Text(), nil
	default:
		return "", mapping.FieldError(mapping.WrongType, "correlationId", "is "+v.Kind().String()+", not text")
	}
}

// Desk is one destination that takes calls.
type Desk struct {
	destination string
	allowed     allowed
	known       []string // members that are no misspelled ones
}

// NewDesk makes a Desk of a destination's name, its allow list, and the fields that order records,
// which a call may have. The error is that of the first entry that is wrong.
func NewDesk(destination string, allow, lane []string) (Desk, error) {
	d := Desk{destination: destination, known: slices.Clone(members)}
	for _, text := range allow {
		entry, err := Parse(text)
		if err != nil {
			return Desk{}, err
		}
		d.allowed = append(d.allowed, entry)
	}
	for _, field := range lane {
		name, _, _ := strings.Cut(field, ".")
		d.known = append(d.known, name)
	}
	return d, nil
}

// Read reads a record as a request to the destination. Errors: mapping.TypeNotTaken for a record
// that is no call, mapping.OtherDestination for a call to another destination, and *mapping.Error:
// missing_type, wrong_type, invalid_path, not_allowed.
func (d Desk) Read(ev mapping.Event) (Request, error) {
	if err := ev.Check(); err != nil {
		return Request{}, err
	}
	if ev.Type != mapping.TypeCall {
		return Request{}, mapping.TypeNotTaken
	}
	to, err := textOf(ev, "destination")
	if err != nil {
		return Request{}, err
	}
	if to != d.destination {
		return Request{}, mapping.OtherDestination
	}
	if _, err := CorrelationID(ev); err != nil {
		return Request{}, err
	}
	return d.read(ev)
}

func (d Desk) read(ev mapping.Event) (r Request, err error) {
	if r.Method, err = textOf(ev, "method"); err != nil {
		return Request{}, err
	}
	path := ev.Body.Get("path")
	if path.Kind() != mapping.String {
		return Request{}, mapping.FieldError(mapping.InvalidPath, "path", "is "+missingOr(path)+", not text")
	}
	decoded, err := segments(path.Str())
	if err != nil {
		return Request{}, err
	}
	entry, ok := d.allowed.find(r.Method, decoded)
	if !ok {
		return Request{}, &mapping.Error{Code: mapping.NotAllowed, Message: "the destination's calls.allow has no entry for the method and path of the call"}
	}
	r.Entry, r.Path = entry.Text, joined(decoded)
	if r.Query, err = query(ev.Body.Get("query")); err != nil {
		return Request{}, err
	}
	r.Parameters, r.Body = ev.Body.Get("query"), ev.Body.Get("body")
	if !r.Body.Exists() {
		r.Body = mapping.Value{}
	}
	if r.Method == methodGet && r.Body.Exists() {
		r.Body = mapping.Value{}
		r.Warnings = append(r.Warnings, "a GET has no body: that of the call was left out")
	}
	if slices.ContainsFunc(r.Parameters.Members(), overrides) || slices.ContainsFunc(r.Body.Members(), overrides) {
		return Request{}, &mapping.Error{Code: mapping.NotAllowed, Message: "query or body has a member _method, by which a server may take another method than the one that is allowed"}
	}
	r.Repeatable = r.Method == methodGet
	switch idempotent := ev.Body.Get("idempotent"); idempotent.Kind() {
	case mapping.Absent, mapping.Null:
	case mapping.Bool:
		r.Repeatable = r.Repeatable || idempotent.IsTrue()
	default:
		return Request{}, mapping.FieldError(mapping.WrongType, "idempotent", "is "+idempotent.Kind().String()+", not true or false")
	}
	r.Warnings = append(r.Warnings, d.leftOut(ev.Body)...)
	return r, nil
}

// override is the parameter by which some frameworks, Laravel and Rails among them, take a POST for
// another method.
const override = "_method"

// overrides reports whether a server may read a member as the override: PHP ends the name of a
// parameter at a NUL, drops blanks before it, and takes a dot or a blank in it for an underscore.
func overrides(m mapping.Member) bool {
	name, _, _ := strings.Cut(m.Name, "\x00")
	name = strings.NewReplacer(".", "_", " ", "_").Replace(strings.TrimLeft(name, " \t\n\v\f\r"))
	return strings.EqualFold(name, override)
}

// textOf is a member that a call must have.
func textOf(ev mapping.Event, name string) (string, error) {
	v := ev.Body.Get(name)
	if v.Kind() != mapping.String || v.Str() == "" {
		return "", mapping.FieldError(mapping.WrongType, name, "is "+missingOr(v)+": a call needs it as text")
	}
	return v.Str(), nil
}

func missingOr(v mapping.Value) string {
	switch {
	case !v.Exists():
		return "missing"
	case v.Kind() == mapping.String:
		return "empty"
	default:
		return v.Kind().String()
	}
}

// query encodes parameters in their order. A list is one parameter for each of its elements, and
// null is none.
func query(parameters mapping.Value) (string, error) {
	if !parameters.Exists() {
		return "", nil
	}
	if parameters.Kind() != mapping.Object {
		return "", mapping.FieldError(mapping.WrongType, "query", "is "+parameters.Kind().String()+", not an object of parameters")
	}
	var encoded strings.Builder
	for _, m := range parameters.Members() {
		values := []mapping.Value{m.Value}
		if m.Value.Kind() == mapping.Array {
			values = values[:0]
			for _, e := range m.Value.Members() {
				values = append(values, e.Value)
			}
		}
		for _, v := range values {
			if v.Kind() == mapping.Object || v.Kind() == mapping.Array {
				return "", mapping.FieldError(mapping.WrongType, "query", "has a parameter that is neither a single value nor a list of them")
			}
			if !v.Exists() {
				continue
			}
			if encoded.Len() > 0 {
				encoded.WriteByte('&')
			}
			encoded.WriteString(url.QueryEscape(m.Name) + "=" + url.QueryEscape(v.Text()))
		}
	}
	if encoded.Len() > maxPath {
		return "", mapping.FieldError(mapping.InvalidPath, "query", "is longer than 4 KiB")
	}
	return encoded.String(), nil
}

// members are those of a call, and those that any event may have.
var members = []string{
	"type", "destination", "method", "path", "query", "body", "correlationId", "idempotent",
	"messageId", "userId", "anonymousId", "timestamp", "originalTimestamp", "sentAt", "receivedAt", "context",
}

// maxWarnings is how many members warnings name.
const maxWarnings = 5

// leftOut warns of members that a call does not have: headers cannot be set, and a misspelled
// member would pass unseen.
func (d Desk) leftOut(body mapping.Value) (warnings []string) {
	for _, m := range body.Members() {
		if slices.Contains(d.known, m.Name) || len(warnings) == maxWarnings {
			continue
		}
		warnings = append(warnings, "a call has no member "+shown(m.Name)+": it was left out")
	}
	return warnings
}

// shown is a name for people, not too long.
func shown(name string) string {
	const most = 60
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "..."
	}
	return mapping.Str(name).JSON()
}
