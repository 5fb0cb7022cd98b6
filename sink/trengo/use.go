package trengo

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
)

// theTicket is the one that a rule's actions are about.
type theTicket struct {
	id     string
	open   bool // it is known to be
	opened bool // by this event
	// channel is the type of its channel, "" for an unknown one.
	channel string
	// labels are the ids of its labels as a look for this event showed them; nil for unknown ones.
	labels []string
}

// shownLabels are the ids of the labels that an answer shows of a ticket, nil where it shows none.
func shownLabels(shown mapping.Value) []string {
	list := shown.Get("labels")
	if list.Kind() != mapping.Array {
		return nil
	}
	return append([]string{}, idsIn(list)...)
}

// ticketPlaceholder stands in planned calls for the id of a ticket that is not there yet.
const ticketPlaceholder = "<id of the ticket>"

// useAgain looks for another ticket, the present one being gone: two were merged, or it was
// deleted.
func (w *work) useAgain(ctx context.Context) error {
	w.ids.Drop(w.openKey())
	w.ids.Drop(openTicketKey(w.ticket.id))
	w.again = true
	return w.useTicket(ctx)
}

// useTicket finds the contact's newest open ticket, or opens one, as the rule says. Error:
// mapping.TicketNotFound.
func (w *work) useTicket(ctx context.Context) error {
	w.again = w.again || w.do.Begun(ticketAgainName)
	if w.use.Find == rules.ByKey {
		return w.ids.Alone(ctx, w.do, "\x00key\x00"+w.contact+"\x00"+w.use.Key, w.useKey)
	}
	step, look := ticketStepName, w.use.Open != rules.OpenAlways
	if w.again {
		step, look = ticketAgainName, true // merged into another, most likely
	}
	if !look || w.do.Begun(step) {
		return w.openTicket(ctx, step)
	}
	return w.ids.Alone(ctx, w.do, "\x00use"+w.openKey(), func(ctx context.Context) error { return w.findOrOpen(ctx, step) })
}

// findOrOpen finds the ticket, or opens it as the step of a name if the rule says so.
func (w *work) findOrOpen(ctx context.Context, step string) error {
	found, err := w.findTicket(ctx)
	switch {
	case err != nil:
		return err
	case found.id != "":
		w.do.Skip(step, map[string]string{ticketIDName: found.id})
		w.ticket = found
		w.receipt.IDs[ticketIDName] = found.id
		return nil
	case w.use.Open == rules.OpenNever:
		w.do.Skip(step, nil)
		return mapping.TicketNotFound
	}
	return w.openTicket(ctx, step)
}

// openTicket opens the ticket as the step of a name, unless it was opened or found before.
func (w *work) openTicket(ctx context.Context, step string) error {
	if !w.Contact.Channel.Exists() && !w.do.Begun(step) {
		return sink.NotFound(mapping.MissingChannel, "a ticket is to be opened, and neither the event nor the rule nor the configuration names a channel for it")
	}
	opened, err := w.openAs(ctx, step, idValue(w.contact), opening{
		trengo.OpenTicket{Contact: w.Contact, Subject: w.use.Subject, Referenced: w.Referenced && w.use.Subject != ""}, slices.Clone(w.gone),
	})
	if err != nil {
		return err
	}
	id := opened.IDs[ticketIDName]
	switch {
	case opened.State == sink.StepSkipped: // found before
		w.ticket = theTicket{id: id}
		return nil
	case opened.State == "" && !opened.Reply.Planned:
		return w.took(opened, nil)
	case opened.Reply.Planned:
		id = ticketPlaceholder
	case id == "":
		return &sink.Failure{
			Stage: sink.StageRequest, Class: sink.Unknown, Code: sink.BadAnswer, Status: opened.Reply.Status,
			Message: "the answer to the new ticket holds no id, so the rule cannot go on with it",
		}
	default:
		w.ids.Put(w.openKey(), id)
	}
	w.gone = nil
	shown := opened.Reply.JSON()
	if isOpen(shown) {
		w.seenOpen(id)
	}
	w.ticket = theTicket{id: id, open: isOpen(shown), opened: true, channel: shown.Get("channel", "type").Str()}
	return nil
}

// openKey is the name under which the ticket is remembered that this process has opened last for
// the contact: a list may lag.
func (w *work) openKey() string {
	return "\x00open\x00" + w.contact + "\x00" + w.Contact.Channel.Text()
}

// findTicket finds the ticket that the rule is about, without an id if there is none.
func (w *work) findTicket(ctx context.Context) (theTicket, error) {
	if w.use.Find == rules.ByID {
		return w.ticketOf(ctx, w.use.ID)
	}
	return w.newestOpen(ctx)
}

// ticketOf returns the ticket of an id, without one if it is not there, or another contact's.
func (w *work) ticketOf(ctx context.Context, id string) (theTicket, error) {
	shown := w.named
	w.named = mapping.Value{} // looked for again it may be gone
	if !shown.Exists() {
		var there bool
		var err error
		if shown, there, err = w.show(ctx, id); err != nil || !there {
			return theTicket{}, err
		}
	}
	if !shows(w.contact, shown.Get("contact", "id"), shown.Get("contact_id")) {
		w.warn("the ticket of ticket.find.id is another contact's: it was not touched")
		return theTicket{}, nil
	}
	found := foundTicket(shown)
	found.id, found.open = id, isOpen(shown)
	return found, nil
}

// isID reports whether a text can be the id of a ticket.
func isID(text string) bool {
	return text != "" && len(text) < 20 && strings.Trim(text, "0123456789") == "" && strings.Trim(text, "0") != ""
}

// newestOpen returns the contact's newest open ticket in the channel, without an id if there is none. The
// list's filters are not relied on: the vendor ignores some of them.
func (w *work) newestOpen(ctx context.Context) (theTicket, error) {
	if w.contact == placeholder {
		return theTicket{}, nil // who is not there yet has no ticket
	}
	for page := 1; page <= maxPages; page++ {
		call := ticketsCall(w.contact, page)
		call.Answers = slices.Clone(w.gone)
		reply, err := w.do.Do(ctx, call)
		if err == nil && !reply.OK() {
			w.refusal, err = reply, errContactGone
		}
		if err != nil {
			return theTicket{}, err
		}
		body, newest, found := reply.JSON(), int64(0), theTicket{}
		for _, m := range body.Get("data").Members() {
			if id, err := strconv.ParseInt(contactID(m.Value), 10, 64); err == nil && id > newest && w.isOurs(m.Value) {
				newest, found = id, foundTicket(m.Value)
			}
		}
		if newest > 0 {
			return found, nil
		}
		if body.Get("links", "next").Str() == "" || body.Get("data").Len() == 0 {
			break
		}
	}
	return w.openedLately(ctx)
}

// foundTicket is an open ticket that was found.
func foundTicket(shown mapping.Value) theTicket {
	return theTicket{id: contactID(shown), open: true, channel: shown.Get("channel", "type").Str(), labels: shownLabels(shown)}
}

// isOurs reports whether a ticket of a list is an open one of the contact, in the channel if one
// is known. A ticket that does not say whose it is, is not.
func (w *work) isOurs(row mapping.Value) bool {
	channel := w.Contact.Channel.Text()
	return isOpen(row) && shows(w.contact, row.Get("contact", "id"), row.Get("contact_id")) &&
		(channel == "" || shows(channel, row.Get("channel", "id"), row.Get("channel_id")))
}

// shows reports whether the first of some values that is an id is the wanted one.
func shows(want string, shown ...mapping.Value) bool {
	for _, v := range shown {
		if text := scalar(v); text != "" {
			return text == want
		}
	}
	return false
}

// openedLately returns the ticket that this process has opened for the contact a short
// while ago, if it is still open. The list may not have it yet.
func (w *work) openedLately(ctx context.Context) (theTicket, error) {
	id, ok := w.ids.Get(w.openKey())
	if !ok || w.again {
		return theTicket{}, nil
	}
	shown, there, err := w.show(ctx, id)
	if err != nil || !there || !isOpen(shown) {
		return theTicket{}, err
	}
	return foundTicket(shown), nil
}
