package rules

import (
	"fmt"
	"maps"
	"slices"

	"github.com/deskstream/deskstream/mapping"
)

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
	reopens bool // see Rules
	err     error
}

func (w *writer) add(a Action) { w.d.Actions = append(w.d.Actions, a) }

func (w *writer) warn(format string, args ...any) {
	w.d.Warnings = append(w.d.Warnings, fmt.Sprintf(format, args...))
}

func (w *writer) fail(path, reason string) {
	if w.err == nil {
		w.err = &mapping.Error{Code: mapping.TemplateError, Message: "rendering " + path + ": " + reason}
	}
}

// render renders the template of a setting, "" where there is none.
func (w *writer) render(path string, limit int) (text string, cut bool) {
	t := w.texts[path]
	if t == nil || w.err != nil {
		return "", false
	}
	text, cut, err := t.Render(w.context, limit)
	if err != nil {
		w.fail(path, err.Error())
		return "", false
	}
	return mapping.Trim(text), cut
}

// text is a text that is left out where the event has no value for it.
func (w *writer) text(path string, limit int) string {
	text, cut := w.render(path, limit)
	if cut {
		w.warn("%s was cut at %d bytes", path, limit)
	}
	if text == "" && w.texts[path] != nil && w.err == nil {
		w.warn("%s was left out: the event has no value for it", path)
	}
	return text
}

// line is a text on one line.
func (w *writer) line(path string) string { return mapping.OneLine(w.text(path, MaxLine)) }

// need is a text without which the event dies: one that says which thing is meant, so that a part
// of it would mean another.
func (w *writer) need(path string) string {
	text, cut := w.render(path, MaxLine)
	switch {
	case cut:
		w.fail(path, fmt.Sprintf("it is longer than %d bytes", MaxLine))
	case text == "":
		w.fail(path, "the event has no value for it")
	}
	return mapping.OneLine(text)
}

// fields are the values of a setting that the event has, in the order of their names.
func (w *writer) fields(path string, of map[string]string) (list []Named) {
	for _, name := range slices.Sorted(maps.Keys(of)) {
		at := path + "." + name
		if value := w.line(at); value != "" {
			list = append(list, Named{Name: name, Value: value, Typed: w.typed(at)})
		}
	}
	return list
}

// typed is the value of a template that is one name, unless that is a text.
func (w *writer) typed(path string) mapping.Value {
	v, ok := w.texts[path].Value(w.context)
	if !ok || v.Kind() == mapping.String {
		return mapping.Value{}
	}
	return v
}

// names are the names of a list that the event has a value for.
func (w *writer) names(path string, n int) (list []string) {
	for i := range n {
		if name := w.line(fmt.Sprintf("%s[%d]", path, i)); name != "" {
			list = append(list, name)
		}
	}
	return list
}

func (w *writer) contact(c *Contact) {
	fields := w.fields("contact.fields", c.Fields)
	if c.Create || len(fields) > 0 {
		w.add(SaveContact{Create: c.Create, Fields: fields})
	}
	if groups := w.names("contact.groups", len(c.Groups)); len(groups) > 0 {
		w.add(JoinGroups{groups})
	}
	if profile := w.line("contact.profile"); profile != "" {
		w.add(SetProfile{profile})
	}
	if note := w.text("contact.note", MaxBody); note != "" {
		w.add(NoteContact{note})
	}
}

// ticket adds the actions of a ticket, in the order in which agents would do them.
func (w *writer) ticket(t *Ticket) {
	use := UseTicket{
		Find: t.finding(), Open: t.opening(), Reopen: t.Reopen, Subject: w.line("ticket.subject"), Channel: w.line("ticket.channel"),
	}
	at := len(w.d.Actions)
	w.route(t)
	w.words(t)
	if t.Status != "" {
		w.add(SetStatus{Closed: t.Status == "closed", Snooze: t.Snooze.For, Result: w.line("ticket.result")})
	}
	if len(w.d.Actions) == at && t.Open != string(OpenAlways) && use.Subject == "" && blank(t.Key) {
		return
	}
	switch use.Find {
	case ByKey:
		use.Key, use.KeyTTL, use.KeepClosed = w.need("ticket.key"), t.KeyTTL, w.reopens
	case ByID:
		use.ID = w.need("ticket.find.id")
	case ByNewest:
	}
	w.d.Actions = slices.Insert(w.d.Actions, at, Action(use))
}

// route adds what says who gets the ticket, and what it is about.
func (w *writer) route(t *Ticket) {
	if assign := (Assign{w.line("ticket.team"), w.line("ticket.user")}); assign != (Assign{}) {
		w.add(assign)
	}
	if queue := w.line("ticket.queue"); queue != "" {
		w.add(SetQueue{queue})
	}
	if t.Urgency != 0 {
		w.add(SetUrgency{t.Urgency})
	}
	if on := w.names("ticket.labels", len(t.Labels)); len(on) > 0 {
		w.add(Label{Names: on})
	}
	if off := w.names("ticket.remove_labels", len(t.RemoveLabels)); len(off) > 0 {
		w.add(Label{Names: off, Off: true})
	}
	if fields := w.fields("ticket.fields", t.Fields); len(fields) > 0 {
		w.add(SetFields{fields})
	}
}

// words adds the note and the message.
func (w *writer) words(t *Ticket) {
	if note := w.text("ticket.note", MaxBody); note != "" {
		w.add(Note{note})
	}
	message := Message{Text: w.text("ticket.message", MaxBody), Template: w.approved("ticket.template", &t.Template)}
	if message.Text == "" && message.Template == nil {
		return
	}
	if t.App != "" || t.MessageChannel != "" {
		message.App, message.Channel = w.need("ticket.app"), w.need("ticket.message_channel")
	}
	w.add(message)
}

// approved is an approved template, nil for none.
func (w *writer) approved(path string, t *Template) *Approved {
	if blank(t.ID) {
		return nil
	}
	return &Approved{ID: w.need(path + ".id"), Params: w.fields(path+".params", t.Params)}
}

func (w *writer) send(s *Send) {
	send := SendMessage{Text: w.text("send.message", MaxBody), Template: w.approved("send.template", &s.Template)}
	if send.Text == "" && send.Template == nil {
		return
	}
	send.Channel, send.Subject = w.line("send.channel"), w.line("send.subject")
	w.add(send)
}

func (w *writer) object(o *Object) {
	if !o.given() {
		return
	}
	w.add(UpsertObject{
		Class: w.need("object.class"), ID: w.need("object.id"), Title: w.line("object.title"), Data: w.fields("object.data", o.Data),
	})
}
