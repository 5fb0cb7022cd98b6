package kustomer

import (
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// The properties that name Kustomer's session and tracking id, and so are no meta.
var (
	sessionPaths  = []string{"properties.kustomerSessionId", "properties.kustomer_session_id", "context.sessionId"}
	trackingPaths = []string{"properties.kustomerTrackingId", "properties.kustomer_tracking_id"}
	idProperties  = []string{"kustomerSessionId", "kustomer_session_id", "kustomerTrackingId", "kustomer_tracking_id"}
)

// The names of page and screen events, and what their own names come from.
const (
	pageTitle   = "Web-Page-Viewed"
	screenTitle = "Screen-Viewed"
)

var titlePaths = []string{"event", "properties.event", "name", "properties.name"}

// track maps a track, page or screen.
func (m *Mapper) track(ev mapping.Event, n *notes) (Step, error) {
	who, err := identify(ev, n)
	if err != nil {
		return nil, err
	}
	name, err := m.name(ev)
	if err != nil {
		return nil, err
	}
	var identity []mapping.Member
	if ids := who.externalIDs(); len(ids) > 0 {
		identity = append(identity, mapping.Member{Name: "externalId", Value: mapping.Str(ids[0])})
	}
	if m.config.SetIdentityEmail {
		if email := fitting(ev, n, rule{"identity.email", emailPaths, identityEmail}); email.Exists() {
			identity = append(identity, mapping.Member{Name: "email", Value: email})
		}
	}
	if len(identity) == 0 {
		return nil, who.missing(mapping.MissingIdentity, "there is nothing to tell the customer by")
	}
	return Track{Body: mapping.Obj(
		mapping.Member{Name: "identity", Value: mapping.Obj(identity...)},
		mapping.Member{Name: "event", Value: mapping.Obj(
			mapping.Member{Name: "name", Value: mapping.Str(name)},
			mapping.Member{Name: "sessionId", Value: trackingID(ev, n, "sessionId", sessionPaths)},
			mapping.Member{Name: "trackingId", Value: trackingID(ev, n, "trackingId", trackingPaths)},
			mapping.Member{Name: "meta", Value: m.stamped(m.meta(ev.Body.Get("properties"), n), ev, n)},
		)},
	)}, nil
}

// trackingID is the first of the paths' values that is an id of a session.
func trackingID(ev mapping.Event, n *notes, field string, paths []string) mapping.Value {
	return fitting(ev, n, rule{field, paths, func(n *notes, label string, v mapping.Value) mapping.Value {
		id, ok := v.ID()
		switch {
		case v.Kind() == mapping.Number && !ok:
			n.leftOut(label, whyNoID)
		case !ok:
			n.leftOut(label, "it is "+v.Kind().String()+", not text")
		case ev.IsNoID(v):
			n.leftOut(label, whyNobody)
		default:
			return mapping.Str(id)
		}
		return mapping.Value{}
	}})
}

// name is the event's name. Errors: missing_event, wrong_type, invalid_event_name.
func (m *Mapper) name(ev mapping.Event) (string, error) {
	name, err := m.rawName(ev)
	if err != nil || !m.config.AdvancedTransform {
		return name, err
	}
	switch name = cleanName(name); {
	case name == "":
		return "", mapping.FieldError(mapping.InvalidEventName, "event", "has no letter that Kustomer takes")
	case len(name) < minName:
		return "", mapping.FieldError(mapping.InvalidEventName, "event", "is one letter, and Kustomer takes two characters or more")
	}
	return name, nil
}

func (m *Mapper) rawName(ev mapping.Event) (string, error) {
	switch ev.Type {
	case "page":
		if m.config.GenericPage {
			return pageTitle, nil
		}
		return title(ev, pageTitle), nil
	case "screen":
		if m.config.GenericScreen {
			return screenTitle, nil
		}
		return title(ev, screenTitle), nil
	}
	event := ev.Body.Get("event")
	if event.Exists() && event.Kind() != mapping.String {
		return "", mapping.FieldError(mapping.WrongType, "event", "is "+event.Kind().String()+", not text")
	}
	blank := strings.TrimSpace(event.Str()) == ""
	if event.Str() == "" || blank && !m.config.AdvancedTransform {
		return "", mapping.FieldError(mapping.MissingEvent, "event", "is missing or blank")
	}
	return event.Str(), nil
}

// title is the name of a page or screen event: its kind, and its own name if it has one.
func title(ev mapping.Event, kind string) string {
	own := pickIf(ev, titlePaths, isName).value.Str()
	if own == "" {
		return kind
	}
	return strings.TrimSpace(kind + "-" + own)
}
