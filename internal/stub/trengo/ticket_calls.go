package trengo

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// owner is the user whose token it is, unless the configuration names another.
const owner = 7

// userOf is the user who makes a call: a token belongs to one user.
func userOf(r stub.Request) int64 { return cmp.Or(r.UserID, owner) }

// openTicket makes a ticket of a known contact in a known channel. There may be an open
// one already: each call makes another.
func (t *trengo) openTicket(r stub.Request) stub.Answer {
	channel := stub.ScalarText(r.Object["channel_id"])
	if _, ok := t.channels[channel]; !ok {
		return invalidFlat("The selected channel id is invalid.")
	}
	subject, ok := laravelString(r.Object, "subject")
	if !ok {
		return invalidFlat("The subject must be a string.")
	}
	contact := stub.ScalarText(r.Object["contact_id"])
	if _, ok := t.contacts.get(contact); !ok {
		return invalidFlat("The selected contact id is invalid.")
	}
	made := t.tickets.open(
		ticket{contact: contact, channel: channel, subject: subject, user: userOf(r), createdAt: r.Now, origin: origin{userOf(r), r.Seq, r.Mark}},
		func(nth int) time.Duration { return r.Spread(r.Quirks.ListLag, "list lag", contact, strconv.Itoa(nth)) },
	)
	return stub.JSON(http.StatusCreated, t.made(seen(r, made)))
}

func (t *trengo) showTicket(r stub.Request) stub.Answer {
	ticket, ok := t.tickets.get(r.Params[0])
	return t.shown(r, ticket, ok)
}

// shown is the answer with a ticket, 404 without one: there never was one of that id, or
// it was merged into another.
func (t *trengo) shown(r stub.Request, ticket ticket, ok bool) stub.Answer {
	if !ok {
		return t.Refuse(http.StatusNotFound)
	}
	return stub.JSON(http.StatusOK, t.whole(seen(r, ticket)))
}

// seen is a ticket as the answer to a request shows it. Tickets of several types of channel
// were recorded without a subject.
func seen(r stub.Request, k ticket) ticket {
	if r.Quirks.NullSubjects {
		k.subject = ""
	}
	return k
}

func (t *trengo) setState(state string) func(stub.Request) stub.Answer {
	return func(r stub.Request) stub.Answer {
		ticket, ok := t.tickets.setState(r.Params[0], state, r.Now)
		return t.shown(r, ticket, ok)
	}
}

// assign gives a ticket to a user or a team; a note comes into the ticket in the same call.
//
// The vendor's documents name the members of the body, and no more. Guesses: any positive
// number is a user or a team, listed or not; a ticket has a user or a
// team, never both; one of a team is OPEN until a user has it; a closed one stays closed.
func (t *trengo) assign(r stub.Request) stub.Answer {
	if _, ok := t.tickets.get(r.Params[0]); !ok {
		return t.Refuse(http.StatusNotFound)
	}
	user, team, problem := assignee(r.Object)
	text, ok := laravelString(r.Object, "note")
	switch {
	case problem != "":
		return invalidFlat(problem)
	case !ok:
		return invalidFlat("The note must be a string.")
	}
	ticket, ok := t.tickets.assign(r.Params[0], user, team, message{user: userOf(r), kind: note, text: text, at: r.Now})
	return t.shown(r, ticket, ok)
}

// assignee is the user or the team that a body names, or what is wrong with it.
func assignee(body map[string]any) (user, team int64, problem string) {
	kind := stub.ScalarText(body["type"])
	if kind != "user" && kind != "team" {
		return 0, 0, "The selected type is invalid."
	}
	id, err := strconv.ParseInt(stub.ScalarText(body[kind+"_id"]), 10, 64)
	switch {
	case err != nil || id <= 0:
		return 0, 0, "The selected " + kind + " id is invalid."
	case kind == "team":
		return 0, id, ""
	}
	return id, 0, ""
}

// deleteTicket deletes a ticket with its messages.
func (t *trengo) deleteTicket(r stub.Request) stub.Answer {
	if !t.tickets.remove(r.Params[0]) {
		return t.Refuse(http.StatusNotFound)
	}
	return stub.Answer{Status: http.StatusOK}
}

// merge ends another ticket in favour of the path's.
func (t *trengo) merge(r stub.Request) stub.Answer {
	if _, ok := t.tickets.get(r.Params[0]); !ok {
		return t.Refuse(http.StatusNotFound)
	}
	ticket, ok := t.tickets.merge(r.Params[0], stub.ScalarText(r.Object["source_ticket_id"]), r.Now)
	if !ok {
		return invalidFlat("The selected source ticket id is invalid.")
	}
	return t.shown(r, ticket, true)
}

// listTickets lists tickets, those that were spoken in last first.
func (t *trengo) listTickets(r stub.Request) stub.Answer {
	order := slices.Backward[bySpoken]
	if r.Query.Get("sort") == "date" {
		order = slices.All[bySpoken]
	}
	p := pager{path: "/tickets", query: r.Query, size: listPage}
	part, more := t.tickets.page(p, order, ticketFilter(r.Query))
	rows := make([]map[string]any, len(part))
	for i, ticket := range part {
		rows[i] = t.row(seen(r, ticket))
	}
	return p.answer(rows, len(rows), more)
}

// ticketFilters are what the filters of a query compare with. channel_id is none of
// them, as at the vendor's: it changes nothing.
var ticketFilters = map[string]func(*ticket) []string{
	"status":     func(t *ticket) []string { return []string{t.state} },
	"contact_id": func(t *ticket) []string { return []string{t.contact} },
	"channels[]": func(t *ticket) []string { return []string{t.channel} },
	"users[]":    func(t *ticket) []string { return []string{strconv.FormatInt(t.user, 10)} },
	"labels[]":   func(t *ticket) []string { return t.labels },
	"last_message_type": func(t *ticket) []string {
		latest, _ := t.latest()
		return []string{latest.kind}
	},
}

// ticketFilter keeps what a query asks for. updated_at_gt is undocumented and was seen to work; in
// which zone it is read is not known: here in that of the ticket's updated_at.
func ticketFilter(q url.Values) func(*ticket) bool {
	after, err := time.ParseInLocation(time.DateTime, q.Get("updated_at_gt"), amsterdam())
	return func(t *ticket) bool {
		if err == nil && !t.updatedAt.After(after) {
			return false
		}
		for name, wanted := range q {
			have := ticketFilters[name]
			if have != nil && !slices.ContainsFunc(have(t), func(text string) bool { return slices.Contains(wanted, text) }) {
				return false
			}
		}
		return true
	}
}

// say sends a message in a ticket, or leaves a note. Nobody ever writes to the stub, so
// WhatsApp's window of 24 hours after a contact's message is never open.
func (t *trengo) say(r stub.Request) stub.Answer {
	ticket, ok := t.tickets.get(r.Params[0])
	if !ok {
		return t.Refuse(http.StatusNotFound)
	}
	text, ok := laravelString(r.Object, "message")
	if !ok || strings.TrimSpace(text) == "" {
		return invalid("message", "The message field is required.")
	}
	kind := outbound
	if isTrue(r.Object["internal_note"]) {
		kind = note
	}
	if kind == outbound && t.channels[ticket.channel] == WABusiness {
		return invalid("message", "The contact has not written in the last 24 hours.")
	}
	ticket, ok = t.tickets.say(r.Params[0], message{user: userOf(r), kind: kind, text: text, at: r.Now})
	if !ok {
		return t.Refuse(http.StatusNotFound) // merged meanwhile
	}
	return stub.JSON(http.StatusCreated, map[string]any{"message": t.said(seen(r, ticket))})
}

// isTrue: Laravel takes 1 and "1" for true as well.
func isTrue(v any) bool { return v == true || stub.ScalarText(v) == "1" }

// listMessages lists the messages and notes of a ticket, newest first.
func (t *trengo) listMessages(r stub.Request) stub.Answer {
	ticket, ok := t.tickets.get(r.Params[0])
	if !ok {
		return t.Refuse(http.StatusNotFound)
	}
	newest := slices.Clone(ticket.messages)
	slices.Reverse(newest)
	p := pager{path: "/tickets/" + r.Params[0] + "/messages", query: r.Query, size: messagePage}
	part, more := pageOf(p, newest)
	items := make([]map[string]any, len(part))
	for i, m := range part {
		items[i] = t.item(ticket, m)
	}
	return p.answer(items, len(items), more)
}
