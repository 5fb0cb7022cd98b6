package rules

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/template"
)

// Decision is what the first rule that an event matches asks for.
type Decision struct {
	// Rule is the rule's name.
	Rule string
	// Default says to do first what the destination does without rules.
	Default bool
	// Strict says that the event dies of a name that the desk does not have; else what names it is
	// left out.
	Strict bool
	// Actions are to be done in order.
	Actions []Action
	// Warnings say, for people, what was left out. They quote no value.
	Warnings []string
}

// Rules are the compiled rules of a destination. They are safe for concurrent use.
type Rules struct {
	set      *Set
	rules    []Rule
	programs []texts
}

// texts are the parsed templates of a rule, by the path of their setting.
type texts map[string]*template.Template

// Compile compiles rules. Its error names all faults, each by the setting: rules[2].when: ....
func Compile(list []Rule) (*Rules, error) {
	r := &Rules{rules: list}
	var errs []error
	var matches []Match
	names := map[string]bool{}
	for i := range list {
		rule := &list[i]
		matches = append(matches, Match{Type: rule.Match.Type, Events: rule.Match.Event, When: rule.When})
		parsed := texts{}
		for _, s := range rule.settings() {
			t, err := template.Parse(s.text)
			if err != nil {
				errs = append(errs, fmt.Errorf("rules[%d].%s: %w", i, s.path, err))
			}
			parsed[s.path] = t
		}
		r.programs = append(r.programs, parsed)
		if typ := rule.Match.Type; typ == "" || strings.ToLower(strings.TrimSpace(typ)) != typ {
			errs = append(errs, fmt.Errorf("rules[%d].match.type: write a type of event in lower case, like track", i))
		}
		if names[rule.Name] {
			errs = append(errs, fmt.Errorf("rules[%d].name: %q is another rule's", i, rule.Name))
		}
		names[rule.Name] = true
		if len(parsed) == 0 && !rule.Default && rule.Ticket.Status == "" && rule.Ticket.Open != string(OpenAlways) {
			errs = append(errs, fmt.Errorf("rules[%d]: asks for nothing", i))
		}
	}
	set, err := New(matches)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	r.set = set
	return r, nil
}

// setting is a template in a rule.
type setting struct{ path, text string }

// settings are the templates of a rule that are not empty.
func (r *Rule) settings() []setting {
	t := &r.Ticket
	list := []setting{
		{"contact.note", r.Contact.Note},
		{"ticket.subject", t.Subject},
		{"ticket.channel", t.Channel},
		{"ticket.team", t.Team},
		{"ticket.user", t.User},
		{"ticket.note", t.Note},
		{"ticket.message", t.Message},
		{"ticket.result", t.Result},
	}
	for name, value := range r.Contact.Fields {
		list = append(list, setting{fieldPath("contact", name), value})
	}
	for name, value := range t.Fields {
		list = append(list, setting{fieldPath("ticket", name), value})
	}
	for i, label := range t.Labels {
		list = append(list, setting{fmt.Sprintf("ticket.labels[%d]", i), label})
	}
	for i, label := range t.RemoveLabels {
		list = append(list, setting{fmt.Sprintf("ticket.remove_labels[%d]", i), label})
	}
	return slices.DeleteFunc(list, func(s setting) bool { return strings.TrimSpace(s.text) == "" })
}

func fieldPath(part, name string) string { return part + ".fields." + name }

// Decide returns what the first rule that an event matches asks for. ok is false when it matches
// none. fault is called with the name of each rule whose condition could not be evaluated: it did
// not match. Error: template_error.
func (r *Rules) Decide(ev mapping.Event, fault func(rule string, err error)) (d Decision, ok bool, err error) {
	place, ok := r.set.First(ev, func(f Fault) { fault(r.rules[f.Rule].Name, f.Err) })
	if !ok {
		return Decision{}, false, nil
	}
	rule := &r.rules[place]
	d = Decision{Rule: rule.Name, Default: rule.Default, Strict: rule.OnMissing == "dead"}
	p := &writer{texts: r.programs[place], context: Context(ev), d: &d}
	p.contact(&rule.Contact)
	p.ticket(&rule.Ticket)
	return d, true, p.err
}

// MaxLine and MaxBody are the longest texts, in bytes: of what is one line, and of notes and
// messages. Longer ones are cut.
const (
	MaxLine = 1 << 10
	MaxBody = 10 << 10
)

// writer makes the actions of one event.
type writer struct {
	texts   texts
	context mapping.Value
	d       *Decision
	err     error
}

func (w *writer) add(a Action) { w.d.Actions = append(w.d.Actions, a) }

// text renders the template of a setting, "" where there is none.
func (w *writer) text(path string, limit int) string {
	t := w.texts[path]
	if t == nil || w.err != nil {
		return ""
	}
	text, cut, err := t.Render(w.context, limit)
	if err != nil {
		w.err = &mapping.Error{Code: mapping.TemplateError, Message: "rendering " + path + ": " + err.Error()}
		return ""
	}
	if cut {
		w.d.Warnings = append(w.d.Warnings, fmt.Sprintf("%s was cut at %d bytes", path, limit))
	}
	if text = mapping.Trim(text); text == "" {
		w.d.Warnings = append(w.d.Warnings, path+" was left out: the event has no value for it")
	}
	return text
}

// line is a text on one line.
func (w *writer) line(path string) string { return mapping.OneLine(w.text(path, MaxLine)) }

// fields are the fields of a part that have a value, in the order of their names.
func (w *writer) fields(part string, of map[string]string) (list []Named) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if value := w.line(fieldPath(part, name)); value != "" {
			list = append(list, Named{name, value})
		}
	}
	return list
}

// labels are the labels of a setting that have a name.
func (w *writer) labels(setting string, n int) (list []string) {
	for i := range n {
		if name := w.line(fmt.Sprintf("ticket.%s[%d]", setting, i)); name != "" {
			list = append(list, name)
		}
	}
	return list
}

func (w *writer) contact(c *Contact) {
	fields := w.fields("contact", c.Fields)
	if c.Create || len(fields) > 0 {
		w.add(SaveContact{Create: c.Create, Fields: fields})
	}
	if note := w.text("contact.note", MaxBody); note != "" {
		w.add(NoteContact{note})
	}
}

// ticket adds the actions of a ticket, in the order in which agents would do them.
func (w *writer) ticket(t *Ticket) {
	use := UseTicket{Open: Opening(t.Open), Subject: w.line("ticket.subject"), Channel: w.line("ticket.channel")}
	at := len(w.d.Actions)
	if assign := (Assign{w.line("ticket.team"), w.line("ticket.user")}); assign != (Assign{}) {
		w.add(assign)
	}
	if on := w.labels("labels", len(t.Labels)); len(on) > 0 {
		w.add(Label{Names: on})
	}
	if off := w.labels("remove_labels", len(t.RemoveLabels)); len(off) > 0 {
		w.add(Label{Names: off, Off: true})
	}
	if fields := w.fields("ticket", t.Fields); len(fields) > 0 {
		w.add(SetFields{fields})
	}
	if note := w.text("ticket.note", MaxBody); note != "" {
		w.add(Note{note})
	}
	if message := w.text("ticket.message", MaxBody); message != "" {
		w.add(Message{message})
	}
	if t.Status != "" {
		w.add(SetStatus{Closed: t.Status == "closed", Result: w.line("ticket.result")})
	}
	if len(w.d.Actions) > at || use.Open == OpenAlways || use.Subject != "" {
		w.d.Actions = slices.Insert(w.d.Actions, at, Action(use))
	}
}
