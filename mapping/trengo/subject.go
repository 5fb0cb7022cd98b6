package trengo

import (
	"fmt"
	"slices"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/template"
)

// MaxSubject is the longest subject, in bytes; a longer one is cut.
const MaxSubject = 64 << 10

// subject renders the subject, one line without outer blanks. Error: template_error.
func (r *reader) subject(parsed *template.Template, ev mapping.Event) (string, error) {
	text, cut, err := parsed.Render(templateContext(ev), MaxSubject)
	if err != nil {
		return "", &mapping.Error{Code: mapping.TemplateError, Message: "rendering the subject: " + err.Error()}
	}
	if cut {
		r.warn(fmt.Sprintf("the subject was cut at %d bytes", MaxSubject))
	}
	return mapping.OneLine(text), nil
}

// templateContext is what a template's names mean: event is the event's name,
// properties and traits are those of the event, and any other name is a property.
// The first three cannot be hidden by a property of the same name.
func templateContext(ev mapping.Event) mapping.Value {
	properties := ev.Body.Get("properties")
	if properties.Kind() != mapping.Object {
		properties = mapping.Obj()
	}
	members := []mapping.Member{{Name: "event", Value: ev.Body.Get("event")}, {Name: "properties", Value: properties}}
	own := []string{"event", "properties"}
	if traits := ev.Traits(); traits.Exists() {
		members = append(members, mapping.Member{Name: "traits", Value: traits})
		own = append(own, "traits")
	}
	return mapping.Obj(slices.Concat(members, properties.Without(own...).Members())...)
}
