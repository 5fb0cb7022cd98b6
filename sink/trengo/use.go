package trengo

import (
	"context"
	"slices"
	"strconv"

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
}

// ticketPlaceholder stands in planned calls for the id of a ticket that is not there yet.
const ticketPlaceholder = "<id of the ticket>"

// useAgain looks for another ticket, the present one being gone: two were merged, or it was
// deleted.
func (w *work) useAgain(ctx context.Context) error {
	w.ids.Drop(w.openKey())
	w.again = true
	return w.useTicket(ctx)
}

// useTicket finds the contact's newest open ticket, or opens one, as the rule says. Error:
// mapping.TicketNotFound.
func (w *work) useTicket(ctx context.Context) error {
	w.again = w.again || w.do.Begun(ticketAgainName)
	step, look := ticketStepName, w.use.Open != rules.OpenAlways
	if w.again {
		step, look = ticketAgainName, true // merged into another, most likely
	}
	if !look || w.do.Begun(step) {
		return w.openTicket(ctx, step)
	}
	return w.alone(ctx, func(ctx context.Context) error { return w.findOrOpen(ctx, step) })
}

// alone does something about the contact's ticket while no event of another lane does: each of two
// that find no ticket would open one.
func (w *work) alone(ctx context.Context, use func(context.Context) error) error {
	for done := false; !done; {
		_, _, err := w.ids.Find(ctx, w.do, "\x00use"+w.openKey(), func(ctx context.Context) (string, error) {
			done = true
			return "", use(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// findOrOpen finds the ticket, or opens it as the step of a name if the rule says so.
func (w *work) findOrOpen(ctx context.Context, step string) error {
	found, err := w.newestOpen(ctx)
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
	w.ticket = theTicket{id: id, open: isOpen(shown), opened: true, channel: shown.Get("channel", "type").Str()}
	return nil
}

// openKey is the name under which the ticket is remembered that this process has opened last for
// the contact: a list may lag.
func (w *work) openKey() string {
	return "\x00open\x00" + w.contact + "\x00" + w.Contact.Channel.Text()
}

// newestOpen returns the contact's newest open ticket in the channel, without an id if there is none. The
// list's filters are not relied on: the vendor ignores some of them.
func (w *work) newestOpen(ctx context.Context) (theTicket, error) {
	for page := 1; page <= maxPages; page++ {
		call := ticketsCall(w.contact, page)
		call.Patient, call.Answers = false, slices.Clone(w.gone)
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
	return theTicket{id: contactID(shown), open: true, channel: shown.Get("channel", "type").Str()}
}

// isOurs reports whether a ticket of a list is an open one of the contact, in the channel if one
// is known. A ticket that does not say whose it is, is not.
func (w *work) isOurs(row mapping.Value) bool {
	is := func(want string, shown ...mapping.Value) bool {
		for _, v := range shown {
			if text := scalar(v); text != "" {
				return text == want
			}
		}
		return false
	}
	channel := w.Contact.Channel.Text()
	return isOpen(row) && is(w.contact, row.Get("contact", "id"), row.Get("contact_id")) &&
		(channel == "" || is(channel, row.Get("channel", "id"), row.Get("channel_id")))
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
