package trengo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// The names of the steps that open the ticket: a ticket that is gone is looked for, or opened,
// again.
const (
	ticketStepName  = "ticket"
	ticketAgainName = "ticket:again"
)

// The members of a ticket's mark.
const (
	markContact = "contact_id"
	markChannel = "channel_id"
	markSubject = "subject" // a digest, see subjectDigest
	markFloor   = "floor"   // no ticket that was there before has a higher id
	markRef     = "ref"     // with what the subject ends, if it has a reference
)

// ticketStep opens one ticket, and finds it again when nobody knows whether it was opened.
// Trengo has no key for that: of the contact's newest tickets it is one with an id above all
// that were known before, of the same channel, subject and maker, that no other event has
// made. Times say nothing: they carry no zone, and differ by field. DESIGN: Probes.
type ticketStep struct {
	finds                     *sink.IDs // shares look-ups
	made                      *sink.Made
	do                        sink.Doer
	contact, channel, subject string
	ref                       string // with what the subject ends, "" for no reference
	step                      string // its Ref

	sent func() // ends what began when the ticket was about to be sent; nil if it is not
}

// description is what tickets have in common that might be taken for each other.
func (t *ticketStep) description() string { return t.contact + "\x00" + t.channel }

// newestTickets names the look-up of the newest tickets among those of identifiers.
const newestTickets = "\x00tickets"

// prepare looks the newest tickets up where no ticket of the account is known yet, as in a
// process that has just begun: once for all events that begin with it.
func (t *ticketStep) prepare(ctx context.Context) error {
	if t.known() {
		return nil
	}
	_, _, err := t.finds.Find(ctx, t.do, newestTickets, func(ctx context.Context) (string, error) {
		if t.known() { // since another look-up ended
			return "", nil
		}
		return "", t.newest(ctx)
	})
	return err
}

// known reports whether a ticket of the account is known, or that there is none.
func (t *ticketStep) known() bool {
	_, known := t.made.Floor()
	return known
}

// mark is what the ticket is known by. As long as no ticket of the account is known it cannot be
// looked for.
func (t *ticketStep) mark() sink.Mark {
	if t.sent == nil {
		t.sent = t.made.Send(t.description())
	}
	floor, known := t.made.Floor()
	if !known {
		return nil
	}
	mark := sink.Mark{
		markContact: t.contact, markChannel: t.channel, markSubject: subjectDigest(t.subject),
		markFloor: strconv.FormatInt(floor, 10),
	}
	if t.ref != "" {
		mark[markRef] = t.ref
	}
	return mark
}

// subjectRef is a reference to the event as subjects have it: with it a ticket is found also when
// another one has the same subject, or an agent has it by now.
func subjectRef(do sink.Doer, step string) string { return "[ds-" + do.Ref(step)[:8] + "]" }

// newest takes in the tickets on the first page of the account's list.
func (t *ticketStep) newest(ctx context.Context) error {
	call := listCall("page=1")
	call.Optional = true
	reply, err := t.do.Do(ctx, call)
	if err != nil || !reply.OK() {
		return err
	}
	t.made.Seen(0)
	for _, row := range reply.JSON().Get("data").Members() {
		t.seen(row.Value)
	}
	return nil
}

// seen takes in the id of a ticket, 0 for what has none that is a number.
func (t *ticketStep) seen(row mapping.Value) int64 {
	id, err := strconv.ParseInt(contactID(row), 10, 64)
	if err != nil {
		return 0
	}
	t.made.Seen(id)
	return id
}

// ids takes in the response that says that the ticket was opened.
func (t *ticketStep) ids(reply sink.Reply) map[string]string {
	body := reply.JSON()
	t.made.SetMaker(scalar(body.Get("user_id")))
	if id := t.seen(body); id != 0 {
		t.made.Take(id, t.step)
	}
	if id := contactID(body); id != "" {
		return map[string]string{ticketIDName: id}
	}
	return nil
}

// end is called when nothing is sent for the ticket any more.
func (t *ticketStep) end() {
	if t.sent != nil {
		t.sent()
		t.sent = nil
	}
}

// find looks for the ticket among the contact's newest, page by page as long as a page holds
// one that was made since. Of several it is the oldest.
func (t *ticketStep) find(ctx context.Context, mark sink.Mark) (sink.Sighting, error) {
	t.end()
	floor, ok := floorOf(mark)
	if !ok {
		return sink.Sighting{Refused: true}, nil // of a version that marks tickets otherwise
	}
	var found int64
	for page := 1; page <= maxPages; page++ {
		reply, err := t.list(ctx, ticketsCall(mark[markContact], page))
		if err != nil {
			return sink.Sighting{}, err
		}
		body, since := reply.JSON(), false
		for _, row := range body.Get("data").Members() {
			id := t.seen(row.Value)
			since = since || id > floor
			if id <= floor || t.made.Taken(id, t.step) || !t.fits(row.Value, mark) {
				continue
			}
			if hasRef(row.Value, mark) {
				t.made.Take(id, t.step)
				return sightingOf(id), nil
			}
			if found == 0 || id < found {
				found = id
			}
		}
		if !since || body.Get("links", "next").Str() == "" {
			break
		}
	}
	switch {
	case found == 0:
		return sink.Sighting{}, nil
	case t.made.Sending(t.description()) || !t.made.Take(found, t.step):
		return sink.Sighting{Unsure: true}, nil
	}
	return sightingOf(found), nil
}

func sightingOf(id int64) sink.Sighting {
	return sink.Sighting{IDs: map[string]string{ticketIDName: strconv.FormatInt(id, 10)}}
}

// hasRef reports whether a ticket of a list has the reference of a mark in its subject.
func hasRef(row mapping.Value, mark sink.Mark) bool {
	return mark[markRef] != "" && strings.Contains(row.Get("subject").Str(), mark[markRef])
}

// list asks for a list until it is answered with one. The API has it: a refusal says nothing
// of the ticket, and is a passing failure.
func (t *ticketStep) list(ctx context.Context, call sink.Call) (sink.Reply, error) {
	for {
		reply, err := t.do.Do(ctx, call)
		if err != nil || reply.OK() {
			return reply, err
		}
		if err := t.do.CountFailure(ctx, call, reply); err != nil {
			return sink.Reply{}, err
		}
	}
}

// fits reports whether a ticket of a list can be the one of a mark. What the list leaves out
// does not count.
func (t *ticketStep) fits(row mapping.Value, mark sink.Mark) bool {
	same := func(want string, shown ...mapping.Value) bool {
		for _, v := range shown {
			if text := scalar(v); text != "" && text != want {
				return false
			}
		}
		return true
	}
	if hasRef(row, mark) {
		return true
	}
	if !same(mark[markContact], row.Get("contact_id"), row.Get("contact", "id")) ||
		mark[markChannel] != "" && !same(mark[markChannel], row.Get("channel_id"), row.Get("channel", "id")) {
		return false
	}
	if maker := t.made.Maker(); maker != "" && !same(maker, row.Get("user_id")) {
		return false
	}
	subject := row.Get("subject")
	return subject.Kind() != mapping.String || subjectDigest(subject.Str()) == mark[markSubject]
}

// floorOf is the highest id that was known when a ticket was announced.
func floorOf(mark sink.Mark) (int64, bool) {
	floor, err := strconv.ParseInt(mark[markFloor], 10, 64)
	return floor, err == nil
}

// subjectDigest is a digest of a subject as it is compared: trimmed, with blanks joined.
func subjectDigest(subject string) string {
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(subject), " ")))
	return hex.EncodeToString(sum[:16])
}

// refusals are the statuses with which an API refuses a lookup for good.
var refusals = []int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusUnprocessableEntity}

// ticketsCall asks for a page of a contact's tickets.
func ticketsCall(contact string, page int) sink.Call {
	query := url.Values{"contact_id": {contact}, "page": {strconv.Itoa(page)}}
	call := listCall(query.Encode())
	call.Answers = refusals
	return call
}

// listCall asks for a page of tickets.
func listCall(query string) sink.Call {
	return sink.Call{
		Op: "GET /tickets", Method: http.MethodGet, Path: "/tickets", Query: query, Lookup: true, Patient: true, Accept: acceptTickets,
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
