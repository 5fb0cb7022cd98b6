package mapping

// Event is one customer event of the RudderStack and Segment specification.
type Event struct {
	// Type is the event's type in lower case, without outer blanks: identify,
	// track, page, screen, group, alias, or something that no destination takes.
	Type string
	// Body is the whole event, a JSON object.
	Body Value
	// NoIDs are the words that are no ids.
	NoIDs NoIDs
	// Begun is the rule by which the event has begun: it goes on with that one, whatever it
	// matches now. It is nil for an event that has not.
	Begun *RuleMark
	// Warnings say, for people, what was left out while the event was read. They quote no value.
	Warnings []string
}

// Decode reads a record's value as an event, with the zero Layout: see Reader.Event.
func Decode(data []byte) (Event, error) { return PlainReader.Event(JSON, data) }

// Check returns what is wrong with the event before its destination is asked:
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

// ID is the event's messageId in text form, "" if it has none. A whole number is written
// as a plain integer, however the event writes it; any other one as it is.
func (e Event) ID() string { return messageID(e.Body.Get(fieldMessageID)) }

const fieldMessageID = "messageId"

func messageID(v Value) string {
	switch v.kind {
	case Number:
		if whole, ok := Whole(v.text); ok {
			return whole
		}
		return v.text
	case String, Bool:
		return v.text
	default:
		return ""
	}
}

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

// Traits are the event's own traits, and those of its context where it has no value of its own;
// absent if it has neither.
func (e Event) Traits() Value {
	own, context := e.Body.Get("traits"), e.Body.Get("context", "traits")
	if own.Kind() != Object {
		own = Value{}
	}
	if context.Kind() != Object {
		return own
	}
	var members []Member
	taken := make(map[string]bool)
	for _, m := range own.Members() {
		if m.Value.Exists() {
			members, taken[m.Name] = append(members, m), true
		}
	}
	for _, m := range context.Members() {
		if !taken[m.Name] {
			members = append(members, m)
		}
	}
	return Obj(members...)
}
