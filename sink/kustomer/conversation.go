package kustomer

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

const (
	// conversationStepName is the name of the step that opens or finds the conversation.
	conversationStepName = "conversation"
	conversationID       = "conversation_id"
)

// Placeholders stand in planned calls for the ids of what is not there yet.
const (
	placeholder             = "<id of the customer>"
	conversationPlaceholder = "<id of the conversation>"
)

// theConversation is the one that a rule's actions are about.
type theConversation struct {
	id     string
	opened bool   // by this event, with all that the rule gives it
	given  bool   // it has what the rule gives it, but for tags and status
	status string // "" for an unknown one
	so     bool   // it has the status that the rule gives it
	// shown are its attributes, as a look for this event showed them; absent for unknown ones.
	shown mapping.Value
}

func isPlanned(err error) bool { return errors.Is(err, sink.ErrPlanned) }

// useAgain looks for another conversation, the present one being gone: it was merged or deleted.
func (w *work) useAgain(ctx context.Context) error {
	w.ids.Drop(w.openKey())
	w.ids.Drop(openConversationKey(w.ticket.id))
	w.again = true
	return w.useTicket(ctx)
}

// useTicket finds the conversation, or opens one, as the rule says. Error: mapping.TicketNotFound.
func (w *work) useTicket(ctx context.Context) error {
	again := againName(conversationStepName)
	w.again = w.again || w.do.Begun(again)
	step, look := conversationStepName, w.use.Open != rules.OpenAlways
	if w.again {
		step, look = again, true // merged into another, most likely
	}
	if w.use.Find == rules.ByKey {
		return w.ids.Alone(ctx, w.do, "\x00key\x00"+w.customer+"\x00"+w.use.Key, func(ctx context.Context) error { return w.useKey(ctx, step) })
	}
	if !look || w.do.Begun(step) {
		return w.open(ctx, step)
	}
	return w.ids.Alone(ctx, w.do, "\x00use"+w.openKey(), func(ctx context.Context) error { return w.findOrOpen(ctx, step) })
}

// findOrOpen finds the conversation, or opens it as the step of a name if the rule says so.
func (w *work) findOrOpen(ctx context.Context, step string) error {
	found, err := w.findConversation(ctx)
	switch {
	case err != nil:
		return err
	case found.id != "":
		w.do.Skip(step, map[string]string{conversationID: found.id})
		w.ticket = found
		w.receipt.IDs[conversationID] = found.id
		return nil
	case w.use.Open == rules.OpenNever:
		w.do.Skip(step, nil)
		return mapping.TicketNotFound
	}
	return w.open(ctx, step)
}

// open opens the conversation as the step of a name, unless it was opened or found before.
func (w *work) open(ctx context.Context, step string) error {
	opened, err := w.openAs(ctx, step)
	if err != nil {
		return err
	}
	id := opened.IDs[conversationID]
	switch {
	case opened.State == sink.StepSkipped: // found before
		w.ticket = theConversation{id: id}
		return nil
	case opened.Reply.Planned:
		id = conversationPlaceholder
	case opened.State == "":
		return errGone // the customer is
	case id == "":
		return &sink.Failure{
			Stage: sink.StageRequest, Class: sink.Unknown, Code: sink.BadAnswer, Status: opened.Reply.Status,
			Message: "the answer to the new conversation holds no id, so the rule cannot go on with it",
		}
	default:
		w.ids.Put(w.openKey(), id)
	}
	w.gone = false
	w.ticket = theConversation{id: id}
	if opened.Reply.Status != 0 || opened.Reply.Planned || !w.Changed { // else it was opened as another rule asked for
		w.ticket.opened, w.ticket.status = true, cmp.Or(w.firstStatus(), statusOpen)
	}
	return nil
}

// openAs opens the conversation as the step of a name. What Kustomer refuses of what the rule names is
// left out, unless the rule is strict.
func (w *work) openAs(ctx context.Context, step string) (sink.Effected, error) {
	call := sink.Call{
		Op: "POST /v1/customers/{id}/conversations", Path: "/v1/customers/" + segment(w.customer) + "/conversations",
		Answers: w.ofCustomer(),
	}
	for lenient := !w.Decision.Strict && w.routing.names(); ; {
		opened, err := w.once(ctx, making{
			step: step, id: conversationID, call: call, body: w.opening(), lenient: lenient,
			find: w.byExternalID("/v1/conversations/externalId=", conversationID),
		})
		status := opened.Reply.Status
		if err != nil || !lenient || opened.State != "" || slices.Contains(call.Answers, status) || !slices.Contains(refusedNames, status) {
			return opened, err
		}
		if lenient, err = w.leaveOut(ctx); err != nil {
			return sink.Effected{}, err
		}
	}
}

// opening is the body of a new conversation. Of tags it has the ids: names are promised for the
// endpoints of tags only.
func (w *work) opening() []mapping.Member {
	var body []mapping.Member
	add := func(name string, v mapping.Value) {
		if v.Exists() {
			body = append(body, mapping.Member{Name: name, Value: v})
		}
	}
	add("name", optional(w.use.Subject))
	add("status", optional(w.firstStatus()))
	body = append(body, w.routing.given()...)
	if len(w.routing.tags) > 0 {
		add("tags", mapping.Arr(w.routing.tags...))
	}
	return body
}

// firstStatus is the status with which a conversation is opened, "" for the usual one: a create
// takes no snooze.
func (w *work) firstStatus() string {
	if s := w.routing.status; s != nil && s.Closed && !w.routing.last {
		return statusDone
	}
	return ""
}

// optional is absent for an empty text, so that its member is left out.
func optional(s string) mapping.Value {
	if s == "" {
		return mapping.Value{}
	}
	return mapping.Str(s)
}

// openKey is the name under which the conversation is remembered that this process has opened last
// for the customer: a list may lag.
func (w *work) openKey() string { return "open\x00" + w.customer }

// maxPages bounds a search for the customer's conversation: the order of their list is not
// documented, so all of it is read.
const maxPages = 10

// findConversation finds the conversation as the rule says, without an id if there is none.
func (w *work) findConversation(ctx context.Context) (theConversation, error) {
	if w.use.Find == rules.ByID {
		return w.withID(ctx)
	}
	return w.newestOpen(ctx)
}

// withID is the conversation that the rule names, if it is the customer's.
func (w *work) withID(ctx context.Context) (theConversation, error) {
	if w.again {
		return theConversation{}, nil // it is gone
	}
	data := w.named
	w.named = mapping.Value{} // looked for again it may be gone
	if !data.Exists() {
		var there bool
		var err error
		if data, there, err = w.show(ctx, w.use.ID); err != nil || !there {
			return theConversation{}, err
		}
	}
	if of := customerOf(data); of != w.customer {
		if w.gone {
			return theConversation{}, errGone // the remembered customer may have been merged into another
		}
		w.warn("the conversation that the rule names is another customer's: it was left alone")
		return theConversation{}, nil
	}
	return conversationIn(data), nil
}

// newestOpen returns the customer's newest conversation that is not done.
func (w *work) newestOpen(ctx context.Context) (theConversation, error) {
	if w.isNew {
		return w.openedLately(ctx)
	}
	var found theConversation
	newest := ""
	whole, err := w.pages(ctx, sink.Call{
		Op: "GET /v1/customers/{id}/conversations", Path: "/v1/customers/" + segment(w.customer) + "/conversations",
		Query: "page=1&pageSize=100", Answers: w.ofCustomer(),
	}, maxPages, func(c mapping.Value) {
		at := c.Get("attributes", "createdAt").Str() + pathID(c.Get("id")) // ISO 8601 in UTC, and ids that grow
		if one := conversationIn(c); one.status != statusDone && one.status != "" && at > newest && w.mayBeOurs(c) {
			newest, found = at, one
		}
	})
	switch {
	case isPlanned(err):
		return theConversation{}, nil
	case err != nil:
		return theConversation{}, err
	case !whole:
		w.warn("the customer has more conversations than were read")
	}
	w.gone = false
	if found.id != "" {
		return found, nil
	}
	return w.openedLately(ctx)
}

// mayBeOurs reports whether a conversation of the customer's list is the customer's.
func (w *work) mayBeOurs(data mapping.Value) bool {
	of := customerOf(data)
	return of == "" || of == w.customer
}

// openedLately returns the conversation that this process has opened for the customer a short
// while ago, if it is still open. The list may not have it yet.
func (w *work) openedLately(ctx context.Context) (theConversation, error) {
	id, ok := w.ids.Get(w.openKey())
	if !ok || w.again {
		return theConversation{}, nil
	}
	data, there, err := w.show(ctx, id)
	if one := conversationIn(data); err == nil && there && one.status != statusDone {
		return one, nil
	}
	return theConversation{}, err
}

// show returns the conversation of an id, if there is one.
func (w *work) show(ctx context.Context, id string) (data mapping.Value, there bool, err error) {
	reply, err := w.do.Do(ctx, sink.Call{
		Op: "GET /v1/conversations/{id}", Method: http.MethodGet, Path: "/v1/conversations/" + segment(id),
		Lookup: true, Answers: []int{http.StatusNotFound}, Accept: acceptOne,
	})
	if err != nil || !reply.OK() {
		return mapping.Value{}, false, err
	}
	return reply.JSON().Get("data"), true, nil
}

// conversationIn is a conversation as an answer shows it.
func conversationIn(data mapping.Value) theConversation {
	shown := data.Get("attributes")
	return theConversation{id: pathID(data.Get("id")), status: shown.Get("status").Str(), shown: shown}
}

// customerOf is the id of the customer whose conversation an answer shows.
func customerOf(data mapping.Value) string {
	return pathID(data.Get("relationships", "customer", "data", "id"))
}
