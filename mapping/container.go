package mapping

import "slices"

// leaveOutWrongContainers takes out of the event what should be an object and is none:
// PHP writes an empty object as a list. Each is absent then, with a warning. An external
// id may be one entry or a list of them.
func (e *Event) leaveOutWrongContainers() {
	for _, m := range e.Body.members {
		switch m.Name {
		case "traits", "properties":
			e.requireObject(m.Value, m.Name)
		case "context":
			e.requireObject(m.Value, m.Name)
			e.checkContext(m.Value)
		}
	}
}

func (e *Event) checkContext(context Value) {
	if context.kind != Object {
		return
	}
	for i := range context.members {
		m := &context.members[i]
		switch m.Name {
		case "traits":
			e.requireObject(m.Value, "context", m.Name)
		case externalIDNames[0], externalIDNames[1]:
			if m.Value.kind != Array {
				e.requireObject(m.Value, "context", m.Name)
			}
		}
	}
}

// requireObject takes v, which stands at path, out of the event if it is no object.
func (e *Event) requireObject(v Value, path ...string) {
	if !v.Exists() || v.kind == Object {
		return
	}
	e.Body = e.Body.withoutPath(path)
	e.Warnings = append(e.Warnings, dotted(path)+" is "+v.kind.String()+" and was left out")
}

// withoutPath is v without the member at a path of names.
func (v Value) withoutPath(path []string) Value {
	if len(path) == 1 {
		return v.Without(path[0])
	}
	i := slices.IndexFunc(v.members, func(m Member) bool { return m.Name == path[0] })
	if v.kind != Object || i < 0 {
		return v
	}
	members := slices.Clone(v.members)
	members[i].Value = members[i].Value.withoutPath(path[1:])
	return v.With(members)
}
