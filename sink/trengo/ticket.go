package trengo

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
)

// The names of the steps that open the ticket: a ticket that is gone is looked for, or opened,
// again.
const (
	ticketStepName  = "ticket"
	ticketAgainName = "ticket:again"
)

// The members of a ticket's mark, besides markFloor.
const (
	markContact = "contact_id"
	markChannel = "channel_id"
	markSubject = "subject" // a digest
	markRef     = "ref"     // with what the subject ends, if it has a reference
)

// tickets are found among the contact's newest, by contact, channel and subject.
var tickets = kind{id: ticketIDName, list: "data", page: ticketsOf, fits: fitsTicket, lasts: true}

// ticketProbe is for a ticket of a contact, opened as the step of a name. ref is with what its
// subject ends, "" for no reference.
func (s *sending) ticketProbe(step, contact, ref string, t trengo.OpenTicket) *probe {
	by := sink.Mark{markContact: contact, markChannel: t.Channel.Text(), markSubject: digest(t.Subject)}
	if ref != "" {
		by[markRef] = ref
	}
	return &probe{
		kind: &tickets, made: s.ids.Made(), finds: s.ids, do: s.do, ref: s.do.Ref(step),
		by: by, like: contact + "\x00" + t.Channel.Text(), newest: listCall("page=1"),
	}
}

// subjectRef is a reference to the event as subjects have it: with it a ticket is found also when
// another one has the same subject, or an agent has it by now.
func subjectRef(do sink.Doer, step string) string { return "[ds-" + do.Ref(step)[:8] + "]" }

// fitsTicket reports whether a ticket of a list can be the one of a mark. It must be if it has the
// mark's reference in its subject.
func fitsTicket(row mapping.Value, by sink.Mark) (can, must bool) {
	same := func(want string, shown ...mapping.Value) bool {
		for _, v := range shown {
			if text := scalar(v); text != "" && text != want {
				return false
			}
		}
		return true
	}
	subject := row.Get("subject")
	if by[markRef] != "" && strings.Contains(subject.Str(), by[markRef]) {
		return true, true
	}
	return same(by[markContact], row.Get("contact_id"), row.Get("contact", "id")) &&
		(by[markChannel] == "" || same(by[markChannel], row.Get("channel_id"), row.Get("channel", "id"))) &&
		(subject.Kind() != mapping.String || digest(subject.Str()) == by[markSubject]), false
}

// ticketsOf asks for a page of the tickets of a mark's contact.
func ticketsOf(by sink.Mark, page int) sink.Call { return ticketsCall(by[markContact], page) }

// ticketsCall asks for a page of a contact's tickets.
func ticketsCall(contact string, page int) sink.Call {
	return listCall(url.Values{"contact_id": {contact}, "page": {strconv.Itoa(page)}}.Encode())
}

// listCall asks for a page of tickets.
func listCall(query string) sink.Call {
	return sink.Call{
		Op: "GET /tickets", Method: http.MethodGet, Path: "/tickets", Query: query, Lookup: true, Accept: acceptTickets,
	}
}

var errNoTickets = errors.New("its body holds no list of tickets")

// acceptTickets is a Call's Accept for a list of tickets.
func acceptTickets(r sink.Reply) error {
	if r.JSON().Get("data").Kind() != mapping.Array {
		return errNoTickets
	}
	return nil
}
