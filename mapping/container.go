package mapping

import "slices"

// check warns of ids that are none, and takes out of the event what should be an object and
// is none: PHP writes an empty object as a list. Each is absent then. An external id may be
// one entry or a list of them.
func (e *Event) check() {
	members := e.Body.members
	for i := range members {
		m := &members[i]
		switch m.Name {
		case "userId", "anonymousId":
			e.checkID(m)
		case "traits", "properties":
			e.requireObject(&m.Value, m.Name)
		case "context":
			e.requireObject(&m.Value, m.Name)
			e.checkContext(m.Value.members)
		}
	}
}

// checkID warns of an id that destinations and lanes leave out. It stays in the event: a
// destination refuses the event if nothing else names the person, and says why.
func (e *Event) checkID(m *Member) {
	if !isIDKind(m.Value.kind) {
		return
	}
	if warning := e.noIDWarning(m.Name, m.Value); warning != "" {
		e.Warnings = append(e.Warnings, warning)
	}
}

func (e *Event) checkContext(members []Member) {
	for i := range members {
		m := &members[i]
		switch m.Name {
		case "traits":
			e.requireObject(&m.Value, "context", m.Name)
		case externalIDNames[0], externalIDNames[1]:
			if m.Value.kind != Array {
				e.requireObject(&m.Value, "context", m.Name)
			}
		}
	}
}

// requireObject takes v, which is at path, out of the event if it is no object.
func (e *Event) requireObject(v *Value, path ...string) {
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

// withPath is v with leaf at a path of names. Objects are made on the way where none is.
func (v Value) withPath(path []string, leaf Value) Value {
	if len(path) == 0 {
		return leaf
	}
	var members []Member
	if v.kind == Object {
		members = slices.Clone(v.members)
	}
	i := slices.IndexFunc(members, func(m Member) bool { return m.Name == path[0] })
	if i < 0 {
		i, members = len(members), append(members, Member{Name: path[0]})
	}
	members[i].Value = members[i].Value.withPath(path[1:], leaf)
	return Obj(members...)
}
