package trengo

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// remarkKind is a kind of text that is added to a ticket or a contact, and cannot be told from
// one that was added before but by its id.
type remarkKind struct {
	step string
	id   string // its name in a Receipt
	made string // the kind of its ids, see sink.IDs.MadeOf
	typ  string // what a list shows as its type, "" for none
	// write is the call that adds it to an object, look asks for a page of those that are there,
	// the newest first unless all are on one page.
	write func(on, text string) sink.Call
	look  func(on string, page int) sink.Call
	list  string // the member of the answer to look that holds them
}

// The kinds. Vendor: POST /tickets/{id}/messages with internal_note makes a NOTE, without an
// OUTBOUND message; notes of a contact are shown with include=notes.
var (
	ticketNote    = remarkKind{"note", "note_id", messages, "NOTE", noteCall, messagesCall, "data"}
	ticketMessage = remarkKind{"message", "message_id", messages, "OUTBOUND", messageCall, messagesCall, "data"}
	contactNote   = remarkKind{"contact_note", "contact_note_id", contactNotes, "", contactNoteCall, contactNotesCall, "notes"}
)

// The kinds of ids: a ticket's notes are messages.
const (
	messages     = "messages"
	contactNotes = "contact notes"
)

// remark adds one text, and finds it again when nobody knows whether it was added: of the newest
// of its ticket or contact it is one with an id above all that were known before, of the same
// type, text and author, that no other event has added. DESIGN: Probes.
type remark struct {
	remarkKind
	of       *sink.Made
	finds    *sink.IDs // shares look-ups
	do       sink.Doer
	ref      string // of the step
	on, text string
	fresh    bool // what it is added to was made by this event

	sent func() // ends what began when it was about to be sent; nil if it is not
}

// The members of a remark's mark, besides markFloor.
const (
	markOn   = "on"
	markText = "text" // a digest, see subjectDigest
)

// description is what remarks have in common that might be taken for each other.
func (r *remark) description() string {
	return r.step + "\x00" + r.on + "\x00" + subjectDigest(r.text)
}

// prepare looks up what is there where nothing of the kind is known yet, as in a process that has
// just begun: once for all events that begin with it.
func (r *remark) prepare(ctx context.Context) error {
	if r.known() {
		return nil
	}
	_, _, err := r.finds.Find(ctx, r.do, "\x00"+r.made, func(ctx context.Context) (string, error) {
		if r.known() { // since another look-up ended
			return "", nil
		}
		call := r.look(r.on, 1)
		call.Optional = true
		reply, err := r.do.Do(ctx, call)
		if err != nil || !reply.OK() || reply.JSON().Get(r.list).Kind() != mapping.Array {
			return "", err
		}
		r.of.Seen(0)
		for _, row := range reply.JSON().Get(r.list).Members() {
			r.seen(row.Value)
		}
		return "", nil
	})
	return err
}

// known reports whether one of the kind is known, or that none is needed.
func (r *remark) known() bool {
	_, known := r.of.Floor()
	return known || r.fresh
}

// seen takes in the id of one that is there, 0 for what has none that is a number.
func (r *remark) seen(row mapping.Value) int64 {
	id, err := strconv.ParseInt(contactID(row), 10, 64)
	if err != nil {
		return 0
	}
	r.of.Seen(id)
	return id
}

// mark is what the remark is known by. As long as nothing of its kind is known it cannot be
// looked for.
func (r *remark) mark() sink.Mark {
	if r.sent == nil {
		r.sent = r.of.Send(r.description())
	}
	floor, _ := r.of.Floor()
	if !r.known() {
		return nil
	}
	return sink.Mark{markOn: r.on, markText: subjectDigest(r.text), markFloor: strconv.FormatInt(floor, 10)}
}

// ids takes in the response that says that it was added.
func (r *remark) ids(reply sink.Reply) map[string]string {
	body := reply.JSON()
	if wrapped := body.Get("message"); wrapped.Kind() == mapping.Object {
		body = wrapped
	}
	r.of.SetMaker(author(body))
	id := r.seen(body)
	if id == 0 {
		return nil
	}
	r.of.Take(id, r.ref)
	return map[string]string{r.id: strconv.FormatInt(id, 10)}
}

// author is the id of the user who wrote a remark.
func author(row mapping.Value) string {
	if id := scalar(row.Get("user_id")); id != "" {
		return id
	}
	return scalar(row.Get("user", "id"))
}

// end is called when nothing is sent for the remark any more.
func (r *remark) end() {
	if r.sent != nil {
		r.sent()
		r.sent = nil
	}
}

// find looks for the remark, page by page as long as a page holds one that was added since. Of
// several it is the oldest.
func (r *remark) find(ctx context.Context, mark sink.Mark) (sink.Sighting, error) {
	r.end()
	floor, ok := floorOf(mark)
	if !ok || mark[markOn] == "" {
		return sink.Sighting{Refused: true}, nil // of a version that marks them otherwise
	}
	var found int64
	for page := 1; page <= maxPages; page++ {
		call := r.look(mark[markOn], page)
		call.Patient, call.Answers = true, []int{http.StatusNotFound}
		reply, err := r.do.Do(ctx, call)
		if err != nil {
			return sink.Sighting{}, err
		}
		list := reply.JSON().Get(r.list)
		if !reply.OK() || list.Kind() != mapping.Array {
			return sink.Sighting{Refused: true}, nil // what it was added to is gone, or shows none
		}
		since := false
		for _, row := range list.Members() {
			id := r.seen(row.Value)
			since = since || id > floor
			if id > floor && !r.of.Taken(id, r.ref) && r.fits(row.Value, mark) && (found == 0 || id < found) {
				found = id
			}
		}
		if !since || reply.JSON().Get("links", "next").Str() == "" {
			break
		}
	}
	switch {
	case found == 0:
		return sink.Sighting{}, nil
	case r.of.Sending(r.description()) || !r.of.Take(found, r.ref):
		return sink.Sighting{Unsure: true}, nil
	}
	return sink.Sighting{IDs: map[string]string{r.id: strconv.FormatInt(found, 10)}}, nil
}

// fits reports whether one of a list can be that of a mark. What the list leaves out does not
// count, but for the text.
func (r *remark) fits(row mapping.Value, mark sink.Mark) bool {
	if typ := row.Get("type").Str(); r.typ != "" && typ != "" && typ != r.typ {
		return false
	}
	if maker, by := r.of.Maker(), author(row); maker != "" && by != "" && by != maker {
		return false
	}
	text := row.Get("message")
	if text.Kind() != mapping.String {
		text = row.Get("body") // of older lists, and of contacts' notes
	}
	return subjectDigest(text.Str()) == mark[markText]
}

// remarkOn adds a text to an object. The answer may be one of the call's Answers.
func (w *work) remarkOn(ctx context.Context, kind remarkKind, r remark, answers []int) (sink.Effected, error) {
	r.remarkKind, r.of, r.finds, r.do, r.ref = kind, w.ids.MadeOf(kind.made), w.ids, w.do, w.do.Ref(kind.step)
	r.of.SetMaker(w.ids.Made().Maker())
	defer r.end()
	call := kind.write(r.on, r.text)
	call.Answers = answers
	made, err := w.do.Once(ctx, sink.Effect{Step: kind.step, Call: call, Prepare: r.prepare, Mark: r.mark, Find: r.find, IDs: r.ids})
	if id := made.IDs[kind.id]; err == nil && id != "" {
		w.receipt.IDs[kind.id] = id
	}
	return made, w.took(made, err)
}

// say adds a note or a message to the ticket.
func (w *work) say(ctx context.Context, kind remarkKind, text string) error {
	var answers []int
	if !w.again {
		answers = []int{http.StatusNotFound}
	}
	made, err := w.remarkOn(ctx, kind, remark{on: w.ticket.id, text: text, fresh: w.ticket.opened}, answers)
	if err == nil && made.State == "" && made.Reply.Status == http.StatusNotFound {
		err = errTicketGone
	}
	// WhatsApp takes no free text later than 24 hours after the contact's last message, which is
	// a 422 as well. Of notes that is not known.
	if f, refused := errors.AsType[*sink.Failure](err); refused && kind.step == ticketMessage.step && f.Status == http.StatusUnprocessableEntity && w.ticket.channel == whatsApp {
		f.Code = sink.WindowClosed
	}
	return err
}

// whatsApp is the type of a channel, as tickets show it.
const whatsApp = "WA_BUSINESS"

// noteContact leaves a note at the contact.
func (w *work) noteContact(ctx context.Context, text string) error {
	_, err := w.remarkOn(ctx, contactNote, remark{on: w.contact, text: text}, w.gone)
	return err
}

func noteCall(ticket, text string) sink.Call {
	return sayCall(ticket, mapping.Member{Name: "message", Value: mapping.Str(text)}, mapping.Member{Name: "internal_note", Value: mapping.Boolean(true)})
}

func messageCall(ticket, text string) sink.Call {
	return sayCall(ticket, mapping.Member{Name: "message", Value: mapping.Str(text)})
}

func sayCall(ticket string, body ...mapping.Member) sink.Call {
	return sink.Call{
		Op: "POST /tickets/{id}/messages", Method: http.MethodPost, Path: "/tickets/" + url.PathEscape(ticket) + "/messages",
		Body: mapping.Obj(body...), Unrepeatable: true,
	}
}

func messagesCall(ticket string, page int) sink.Call {
	return sink.Call{
		Op: "GET /tickets/{id}/messages", Method: http.MethodGet, Path: "/tickets/" + url.PathEscape(ticket) + "/messages",
		Query: "page=" + strconv.Itoa(page), Lookup: true, Accept: acceptList,
	}
}

func contactNoteCall(contact, text string) sink.Call {
	return sink.Call{
		Op: "POST /contacts/{id}/notes", Method: http.MethodPost, Path: "/contacts/" + url.PathEscape(contact) + "/notes",
		Body: mapping.Obj(mapping.Member{Name: "note", Value: mapping.Str(text)}), Unrepeatable: true,
	}
}

// contactNotesCall asks for a contact with its notes: there are no pages.
func contactNotesCall(contact string, _ int) sink.Call {
	return sink.Call{
		Op: "GET /contacts/{id}", Method: http.MethodGet, Path: "/contacts/" + url.PathEscape(contact),
		Query: "include=notes", Lookup: true,
	}
}
