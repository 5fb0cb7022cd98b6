package avro

import (
	"errors"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// Names are the fields of an event that may be called as many Avro schemas call them,
// by their own names: at the top of the event.
var Names = map[string]string{
	"anonymous_id":       "anonymousId",
	"event_name":         "event",
	"event_type":         "type",
	"group_id":           "groupId",
	"message_id":         "messageId",
	"original_timestamp": "originalTimestamp",
	"previous_id":        "previousId",
	"received_at":        "receivedAt",
	"sent_at":            "sentAt",
	"user_id":            "userId",
}

// ContextNames are those within an event's context.
var ContextNames = map[string]string{
	"external_id":  "externalId",
	"external_ids": "externalIds",
	"session_id":   "sessionId",
	"user_agent":   "userAgent",
}

// packed are the members of an event that may be JSON in a string, context.traits
// besides.
var packed = []string{"properties", "traits", "context"}

// usable is what mapping.Event.Get says of a value.
func usable(v mapping.Value) bool {
	return v.Exists() && (v.Kind() != mapping.String || v.Str() != "")
}

// rename gives members the names that events have for them. One whose own name has a
// usable value already stays what it is; one that has no usable value makes room. The
// list is changed in place.
func rename(names map[string]string, members []mapping.Member) []mapping.Member {
	stale := false
	for i := range members {
		m := &members[i]
		if strings.IndexByte(m.Name, '_') < 0 {
			continue // spares most of them the look-up
		}
		own, known := names[m.Name]
		if !known || !usable(m.Value) {
			continue
		}
		at := slices.IndexFunc(members, func(m mapping.Member) bool { return m.Name == own })
		if at >= 0 && usable(members[at].Value) {
			continue
		}
		if at >= 0 {
			members[at].Value, stale = mapping.Value{}, true
		}
		m.Name = own
	}
	if stale {
		members = slices.DeleteFunc(members, func(m mapping.Member) bool { return m.Value.Kind() == mapping.Absent })
	}
	return members
}

// unpack reads the JSON that the members of an event at the given depth hold as text, and
// names the context's members. The list is changed in place.
func unpack(members []mapping.Member, depth int) ([]mapping.Member, error) {
	for i := range members {
		m := &members[i]
		if !slices.Contains(packed, m.Name) {
			continue
		}
		var err error
		if m.Value, err = unpackMember(m.Value, depth+1); err != nil {
			return nil, err
		}
		if m.Name != "context" || m.Value.Kind() != mapping.Object {
			continue
		}
		if m.Value, err = unpackContext(m.Value, depth+1); err != nil {
			return nil, err
		}
	}
	return members, nil
}

// unpackContext changes a list that convert has just made, and nobody else has seen.
func unpackContext(context mapping.Value, depth int) (mapping.Value, error) {
	members := rename(ContextNames, context.Members())
	for i := range members {
		if members[i].Name != "traits" {
			continue
		}
		var err error
		if members[i].Value, err = unpackMember(members[i].Value, depth+1); err != nil {
			return mapping.Value{}, err
		}
	}
	return context.With(members), nil
}

func unpackMember(v mapping.Value, depth int) (mapping.Value, error) {
	if v.Kind() != mapping.String {
		return v, nil
	}
	return jsonText(v.Str(), depth)
}

// jsonText is the JSON that a text is, or the text if it is none.
func jsonText(text string, depth int) (mapping.Value, error) {
	v, err := mapping.ParseNested([]byte(text), depth)
	if fault, ok := errors.AsType[*mapping.Error](err); ok && fault.Code != mapping.TooDeep {
		return mapping.Str(text), nil
	}
	return v, err
}
