package mapping

import (
	"maps"
	"slices"
	"strings"
)

// Event is one customer event of the RudderStack and Segment specification.
type Event struct {
	// Type is the event's type in lower case, without outer blanks: identify,
	// track, page, screen, group, alias, or something that no destination takes.
	Type string
	// Body is the whole event, a JSON object.
	Body Value
	// NoIDs are the words that are no ids.
	NoIDs NoIDs
	// Warnings say, for people, what was left out while the event was read. They quote no value.
	Warnings []string
}

// Decode reads a record's value as an event. Errors of ParseObject mean that it is
// no event at all; what an event lacks, its type included, is found by Check.
func Decode(data []byte) (Event, error) { return Fields(nil).Decode(data) }

// Fields gives event fields other names: userId: customer_id reads the event's userId
// from its member customer_id. An event without that member keeps its own userId.
type Fields map[string]string

// Decode is Decode with the fields read from where f says.
func (f Fields) Decode(data []byte) (Event, error) {
	body, err := ParseObject(data)
	if err != nil {
		return Event{}, err
	}
	return f.Event(body), nil
}

// Event is the event with the given body, its fields read from where f says, without
// containers of the wrong type.
func (f Fields) Event(body Value) Event {
	body = f.rename(body)
	e := Event{Type: strings.ToLower(strings.TrimSpace(body.Get("type").Str())), Body: body}
	e.check()
	return e
}

// rename puts each renamed member in the place of the one that it stands for. An
// empty text is as good as absent, here as in Lane.
func (f Fields) rename(body Value) Value {
	var members []Member
	var replaced []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		v := body.Get(f[name])
		if f[name] == name || !v.Exists() || v.Kind() == String && v.Str() == "" {
			continue
		}
		members = append(members, Member{Name: name, Value: v})
		replaced = append(replaced, name, f[name])
	}
	if members == nil {
		return body
	}
	kept := body.Without(replaced...).Members()
	return Obj(append(kept[:len(kept):len(kept)], members...)...)
}

// Lane is the list of fields for Lane with the other names of f before each.
func (f Fields) Lane(fields []string) []string {
	var all []string
	for _, field := range fields {
		if other := f[field]; other != "" && field != KeyField {
			all = append(all, other)
		}
		all = append(all, field)
	}
	return all
}

// Check tells what is wrong with the event before its destination is asked:
// missing_type, or wrong_type for a type that is not text.
func (e Event) Check() error {
	switch t := e.Body.Get("type"); {
	case !t.Exists():
		return FieldError(MissingType, "type", "is missing")
	case t.Kind() != String:
		return FieldError(WrongType, "type", "is "+t.Kind().String()+", not text")
	case e.Type == "":
		return FieldError(MissingType, "type", "is empty")
	}
	return nil
}

// Get is the first usable value of the dotted paths: one that is neither absent,
// null nor an empty string. false, 0 and empty lists and objects are usable.
// That is the rule by which RudderStack's destinations pick a value.
func (e Event) Get(paths ...string) Value {
	for _, path := range paths {
		if v := e.Body.Path(path); v.Exists() && (v.Kind() != String || v.Str() != "") {
			return v
		}
	}
	return Value{}
}

// ID is the event's messageId in text form, "" if it has none.
func (e Event) ID() string { return scalar(e.Body.Get("messageId")) }

// Name is the name that filters and people know the event by: event of a track,
// name of a page or screen, else properties.name. Other types have none.
func (e Event) Name() string {
	switch e.Type {
	case "track":
		return e.Body.Get("event").Str()
	case "page", "screen":
		if name := e.Body.Get("name").Str(); name != "" {
			return name
		}
		return e.Body.Get("properties", "name").Str()
	default:
		return ""
	}
}

// scalar is the text of a string, number or boolean, and "" of anything else.
func scalar(v Value) string {
	switch v.Kind() {
	case String, Number, Bool:
		return v.Text()
	default:
		return ""
	}
}
