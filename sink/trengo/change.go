package trengo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// maxStepName limits the part of a step's name that a rule decides, in bytes: the steps of an
// event lie in one header.
const maxStepName = 60

// stepOf is the name of a step about something that has a name. A long one is cut, and stays
// another than that of a different name.
func stepOf(kind, name string) string {
	if len(name) > maxStepName {
		sum := sha256.Sum256([]byte(name))
		name = strings.ToValidUTF8(name[:maxStepName-9], "") + "-" + hex.EncodeToString(sum[:4])
	}
	return kind + ":" + name
}

// alreadySo are the statuses of refusals that may mean that a ticket is so already. What Trengo
// answers then is not documented.
var alreadySo = []int{http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity}

// onTicket makes a change of the ticket. so reports whether a ticket is as the change makes it.
func (w *work) onTicket(ctx context.Context, c sink.Change, so func(ticket mapping.Value) bool) error {
	_, err := w.changeTicket(ctx, c, so)
	return err
}

func (w *work) changeTicket(ctx context.Context, c sink.Change, so func(ticket mapping.Value) bool) (sink.Effected, error) {
	id := w.ticket.id
	c.Call.Path = "/tickets/" + url.PathEscape(id) + c.Call.Path
	c.Call.Op = c.Call.Method + " /tickets/{id}" + c.Call.Op
	c.Already = func(ctx context.Context) (bool, error) {
		shown, there, err := w.show(ctx, id)
		if err == nil && !there && !w.again {
			err = errTicketGone
		}
		return there && so(shown), err
	}
	if so != nil {
		c.Refusals = append(c.Refusals, alreadySo...)
	}
	if !w.again {
		c.Call.Answers = append(c.Call.Answers, http.StatusNotFound)
	}
	if c.Call.Method == http.MethodDelete { // the ticket is gone, or what was to be taken off
		c.Call.Answers, c.Refusals = nil, append(c.Refusals, http.StatusNotFound)
	}
	made, err := w.change(ctx, c)
	if err == nil && made.Reply.Status == http.StatusNotFound && made.State == "" {
		err = errTicketGone
	}
	return made, err
}

// show returns the ticket of an id, if there is one.
func (w *work) show(ctx context.Context, id string) (shown mapping.Value, there bool, err error) {
	reply, err := w.do.Do(ctx, sink.Call{
		Op: "GET /tickets/{id}", Method: http.MethodGet, Path: "/tickets/" + url.PathEscape(id),
		Lookup: true, Answers: []int{http.StatusNotFound},
	})
	if err != nil || !reply.OK() {
		return mapping.Value{}, false, err
	}
	shown = reply.JSON()
	if data := shown.Get("data"); data.Kind() == mapping.Object { // some clients read it there
		shown = data
	}
	return shown, true, nil
}

// assign gives the ticket to a user or a team.
func (w *work) assign(ctx context.Context, step, to, id string) error {
	member := to + "_id"
	return w.onTicket(ctx, sink.Change{Step: step, Call: sink.Call{
		Op: "/assign", Method: http.MethodPost, Path: "/assign",
		Body: mapping.Obj(
			mapping.Member{Name: "type", Value: mapping.Str(to)},
			mapping.Member{Name: member, Value: idValue(id)},
		),
	}}, func(ticket mapping.Value) bool { return scalar(ticket.Get(member)) == id })
}

// label puts a label on the ticket, or takes it off.
func (w *work) label(ctx context.Context, step, id string, off bool) error {
	call := sink.Call{Op: "/labels", Method: http.MethodPost, Path: "/labels", Body: mapping.Obj(mapping.Member{Name: "label_id", Value: idValue(id)})}
	if off {
		call = sink.Call{Op: "/labels/{label_id}", Method: http.MethodDelete, Path: "/labels/" + url.PathEscape(id)}
	}
	return w.onTicket(ctx, sink.Change{Step: step, Call: call}, func(ticket mapping.Value) bool {
		on := false
		for _, m := range ticket.Get("labels").Members() {
			on = on || scalar(m.Value.Get("id")) == id
		}
		return on != off
	})
}

// setField gives a field of the contact or the ticket, named by its id, a value. A value that
// Trengo refuses is left out, as a field that the desk does not have.
func (w *work) setField(ctx context.Context, of directory, step string, f rules.Named) error {
	c := sink.Change{Step: step, Call: sink.Call{
		Op: customFields, Method: http.MethodPost, Path: customFields,
		Body: mapping.Obj(
			mapping.Member{Name: "custom_field_id", Value: idValue(f.Name)},
			mapping.Member{Name: "value", Value: mapping.Str(f.Value)},
		),
	}}
	refused := false
	note := func(made sink.Effected, err error) error {
		refused = err == nil && made.State == "" && made.Reply.Status == http.StatusUnprocessableEntity
		return err
	}
	if !w.Decision.Strict {
		c.Call.Answers = []int{http.StatusUnprocessableEntity}
	}
	var err error
	if of.what == contactFields.what {
		c.Call.Op, c.Call.Path = "POST /contacts/{id}"+c.Call.Op, "/contacts/"+url.PathEscape(w.contact)+c.Call.Path
		c.Call.Answers = append(c.Call.Answers, w.gone...)
		err = note(w.change(ctx, c))
	} else {
		err = note(w.changeTicket(ctx, c, nil))
	}
	if refused {
		w.warn("Trengo refused the value of the " + of.what + " " + f.Name + ": it was left out")
		w.do.Skip(step, nil)
	}
	return err
}

// reopen opens the ticket again, unless it is known to be open.
func (w *work) reopen(ctx context.Context) error {
	if w.ticket.open {
		w.do.Skip("reopen", nil)
		return nil
	}
	return w.onTicket(ctx, sink.Change{Step: "reopen", Call: sink.Call{
		Op: "/reopen", Method: http.MethodPost, Path: "/reopen", Body: mapping.Obj(),
	}}, isOpen)
}

// close closes the ticket, with a result unless that is "".
func (w *work) close(ctx context.Context, result string) error {
	var with []mapping.Member
	if result != "" {
		with = append(with, mapping.Member{Name: "ticket_result_id", Value: idValue(result)})
	}
	err := w.onTicket(ctx, sink.Change{Step: "close", Final: true, Call: sink.Call{
		Op: "/close", Method: http.MethodPost, Path: "/close", Body: mapping.Obj(with...),
	}}, func(ticket mapping.Value) bool { return ticket.Get("status").Str() == "CLOSED" })
	if err == nil {
		w.ids.Drop(w.openKey())
	}
	return err
}

// isOpen reports whether a ticket is open, with an agent or without.
func isOpen(ticket mapping.Value) bool {
	status := ticket.Get("status").Str()
	return status == "OPEN" || status == "ASSIGNED"
}
