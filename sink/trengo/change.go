package trengo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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

// alreadySo are the statuses of refusals that may mean that a ticket is so already, and refusals those
// that may mean besides that Trengo does not have what a change names. What Trengo answers then is not
// documented.
var (
	alreadySo = []int{http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity}
	refusals  = append(slices.Clip(alreadySo), http.StatusNotFound)
)

// onTicket makes a change of the ticket. so reports whether a ticket is as the change makes it.
func (w *work) onTicket(ctx context.Context, c sink.Change, so func(ticket mapping.Value) bool) error {
	_, err := w.changeTicket(ctx, c, so)
	return err
}

// nameOnTicket makes a change of the ticket to something that it names by an id. What Trengo refuses
// is left out unless the rule is strict: most likely the desk has nothing of the id.
func (w *work) nameOnTicket(ctx context.Context, c sink.Change, so func(ticket mapping.Value) bool) error {
	c.Lenient = !w.Decision.Strict
	return w.orLeaveOut("the step "+c.Step, func() (sink.Effected, error) { return w.changeTicket(ctx, c, so) }, c.Step)
}

func (w *work) changeTicket(ctx context.Context, c sink.Change, so func(ticket mapping.Value) bool) (sink.Effected, error) {
	id := w.ticket.id
	c.Call.Path = "/tickets/" + url.PathEscape(id) + c.Call.Path
	c.Call.Op = c.Call.Method + " /tickets/{id}" + c.Call.Op
	c.Already = func(ctx context.Context) (bool, error) {
		shown, there, err := w.show(ctx, id)
		if err == nil && !there {
			err = w.ticketGone()
		}
		return there && so != nil && so(shown), err
	}
	c.Refusals = refusals
	if so == nil { // what is refused was not so
		c.Refusals = []int{http.StatusNotFound}
		if c.Lenient {
			c.Call.Answers = alreadySo
		}
	}
	return w.change(ctx, c)
}

// ticketGone is the error of a change of a ticket that is not there any more: another one is looked
// for, once.
func (w *work) ticketGone() error {
	if !w.again {
		return errTicketGone
	}
	return sink.GoneAgain("ticket")
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
	return w.nameOnTicket(ctx, sink.Change{Step: step, Call: sink.Call{
		Op: "/assign", Method: http.MethodPost, Path: "/assign",
		Body: mapping.Obj(
			mapping.Member{Name: "type", Value: mapping.Str(to)},
			mapping.Member{Name: member, Value: idValue(id)},
		),
	}}, func(ticket mapping.Value) bool { return scalar(ticket.Get(member)) == id })
}

// label puts a label on the ticket, or takes it off, unless it is so.
func (w *work) label(ctx context.Context, step, id string, off bool) error {
	if w.ticket.labels != nil && slices.Contains(w.ticket.labels, id) != off {
		w.do.Skip(step, nil)
		return nil
	}
	call := sink.Call{Op: "/labels", Method: http.MethodPost, Path: "/labels", Body: mapping.Obj(mapping.Member{Name: "label_id", Value: idValue(id)})}
	if off {
		call = sink.Call{Op: "/labels/{label_id}", Method: http.MethodDelete, Path: "/labels/" + url.PathEscape(id)}
	}
	err := w.nameOnTicket(ctx, sink.Change{Step: step, Call: call}, func(ticket mapping.Value) bool {
		return slices.Contains(shownLabels(ticket), id) != off
	})
	if err == nil && w.ticket.labels != nil {
		w.ticket.labels = slices.DeleteFunc(w.ticket.labels, func(on string) bool { return on == id })
		if !off {
			w.ticket.labels = append(w.ticket.labels, id)
		}
	}
	return err
}

// setField gives a field of the contact or the ticket, named by its id, a value. A value that
// Trengo refuses is left out, as a field that the desk does not have.
func (w *work) setField(ctx context.Context, of directory, step string, f rules.Named) error {
	c := sink.Change{Step: step, Lenient: !w.Decision.Strict, Call: sink.Call{
		Op: customFields, Method: http.MethodPost, Path: customFields,
		Body: mapping.Obj(
			mapping.Member{Name: "custom_field_id", Value: idValue(f.Name)},
			mapping.Member{Name: "value", Value: mapping.Str(f.Value)},
		),
	}}
	change := func() (sink.Effected, error) { return w.changeTicket(ctx, c, nil) }
	if of.what == contactFields.what {
		c.Call.Op, c.Call.Path = "POST /contacts/{id}"+c.Call.Op, "/contacts/"+url.PathEscape(w.contact)+c.Call.Path
		c.Call.Answers = slices.Clone(w.gone)
		if c.Lenient {
			c.Call.Answers = append(c.Call.Answers, refusals...)
		}
		change = func() (sink.Effected, error) { return w.change(ctx, c) }
	}
	return w.orLeaveOut("the value of the "+of.what+" "+f.Name, change, step)
}

// reopen opens the ticket again, unless it is known to be open.
func (w *work) reopen(ctx context.Context) error {
	if w.ticket.open {
		w.do.Skip("reopen", nil)
		return nil
	}
	return w.openAgain(ctx)
}

// openAgain opens the ticket again.
func (w *work) openAgain(ctx context.Context) error {
	return w.onTicket(ctx, sink.Change{Step: "reopen", Call: sink.Call{
		Op: "/reopen", Method: http.MethodPost, Path: "/reopen", Body: mapping.Obj(),
	}}, isOpen)
}

// close closes the ticket, with a result unless that is "". A result that Trengo refuses is left out,
// unless the rule is strict.
func (w *work) close(ctx context.Context, result string) error {
	var with []mapping.Member
	if result != "" {
		with = append(with, mapping.Member{Name: "ticket_result_id", Value: idValue(result)})
	}
	made, err := w.changeTicket(ctx, sink.Change{Step: "close", Final: true, Lenient: result != "" && !w.Decision.Strict, Call: sink.Call{
		Op: "/close", Method: http.MethodPost, Path: "/close", Body: mapping.Obj(with...),
	}}, func(ticket mapping.Value) bool { return ticket.Get("status").Str() == "CLOSED" })
	switch {
	case err != nil:
		return err
	case isRefusal(made):
		w.warn("Trengo refused the ticket result " + result + " (" + strconv.Itoa(made.Reply.Status) + "): left out")
		return w.close(ctx, "")
	}
	w.ids.Drop(w.openKey())
	return w.closedKey(ctx)
}

// isRefusal reports whether a change was refused, and is not so already.
func isRefusal(made sink.Effected) bool {
	return made.State == "" && slices.Contains(refusals, made.Reply.Status)
}

// isOpen reports whether a ticket is open, with an agent or without.
func isOpen(ticket mapping.Value) bool {
	status := ticket.Get("status").Str()
	return status == "OPEN" || status == "ASSIGNED"
}
