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

// remark is a sort of text that is added to a ticket or a contact, and cannot be told from one that
// was added before but by its id.
type remark struct {
	kind
	step string
	made string // the kind of its ids, see sink.IDs.MadeOf
	// write is the call that adds a text to an object.
	write func(on, text string) sink.Call
}

// The remarks. Vendor: POST /tickets/{id}/messages with internal_note makes a NOTE, without an
// OUTBOUND message; notes of a contact are shown with include=notes.
var (
	ticketNote = remark{
		kind: kind{id: "note_id", list: "data", page: messagesOf, fits: fitsText("NOTE")},
		step: "note", made: messages, write: noteCall,
	}
	ticketMessage = remark{
		kind: kind{id: "message_id", list: "data", page: messagesOf, fits: fitsText("OUTBOUND")},
		step: "message", made: messages, write: messageCall,
	}
	contactNote = remark{
		kind: kind{id: "contact_note_id", list: "notes", page: contactNotesOf, fits: fitsText("")},
		step: "contact_note", made: contactNotes, write: contactNoteCall,
	}
)

// The kinds of ids: a ticket's notes are messages.
const (
	messages     = "messages"
	contactNotes = "contact notes"
)

// The members of a remark's mark, besides markFloor.
const (
	markOn   = "on"
	markText = "text" // a digest
)

// fitsText reports whether a remark of a list, which shows the type, can be the one of a mark: its
// text has to be there.
func fitsText(typ string) func(mapping.Value, sink.Mark) (can, must bool) {
	return func(row mapping.Value, by sink.Mark) (can, must bool) {
		if shown := row.Get("type").Str(); typ != "" && shown != "" && shown != typ {
			return false, false
		}
		text := row.Get("message")
		if text.Kind() != mapping.String {
			text = row.Get("body") // of older lists, and of contacts' notes
		}
		return digest(text.Str()) == by[markText] || digest(plainOf(text.Str())) == by[markText], false
	}
}

// said is a text that is added to an object.
type said struct {
	on, text string
	sent     string // the text as it goes out
	fresh    bool   // the object was made by this event
	answers  []int  // see sink.Call
}

// remarkOn adds a text to an object.
func (w *work) remarkOn(ctx context.Context, r *remark, a said) (sink.Effected, error) {
	by := sink.Mark{markOn: a.on, markText: digest(a.text)}
	p := &probe{
		kind: &r.kind, made: w.ids.MadeOf(r.made), finds: w.ids, do: w.do, ref: w.do.Ref(r.step), by: by,
		like: r.step + "\x00" + a.on + "\x00" + by[markText], newest: r.page(by, 1), fresh: a.fresh,
	}
	p.made.SetMaker(w.ids.Made().Maker())
	defer p.end()
	call := r.write(a.on, a.sent)
	call.Answers = a.answers
	made, err := w.do.Once(ctx, p.effect(r.step, call))
	if id := made.IDs[r.id]; err == nil && id != "" {
		w.receipt.IDs[r.id] = id
	}
	return made, w.took(made, err)
}

// say adds a note or a message to the ticket.
func (w *work) say(ctx context.Context, r *remark, text string) error {
	var answers []int
	if !w.again {
		answers = []int{http.StatusNotFound}
	}
	sent := text
	if r == &ticketMessage {
		switch typ, err := w.channelType(ctx); {
		case err != nil:
			return err
		case typ == eMail: // the vendor takes its messages as HTML
			sent = htmlOf(text)
		}
	}
	made, err := w.remarkOn(ctx, r, said{on: w.ticket.id, text: text, sent: sent, fresh: w.ticket.opened, answers: answers})
	if err == nil && made.State == "" && made.Reply.Status == http.StatusNotFound {
		err = errTicketGone
	}
	// WhatsApp takes no free text later than 24 hours after the contact's last message, which is
	// a 422 as well. Of notes that is not known.
	if f, refused := errors.AsType[*sink.Failure](err); refused && r == &ticketMessage && f.Status == http.StatusUnprocessableEntity && w.ticket.channel == whatsApp {
		f.Code = sink.WindowClosed
	}
	return err
}

// noteContact leaves a note at the contact.
func (w *work) noteContact(ctx context.Context, text string) error {
	_, err := w.remarkOn(ctx, &contactNote, said{on: w.contact, text: text, sent: text, answers: w.gone})
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
		Body: mapping.Obj(body...),
	}
}

// messagesOf asks for a page of the messages and notes of a mark's ticket.
func messagesOf(by sink.Mark, page int) sink.Call {
	return sink.Call{
		Op: "GET /tickets/{id}/messages", Method: http.MethodGet, Path: "/tickets/" + url.PathEscape(by[markOn]) + "/messages",
		Query: "page=" + strconv.Itoa(page), Lookup: true, Accept: acceptList,
	}
}

func contactNoteCall(contact, text string) sink.Call {
	return sink.Call{
		Op: "POST /contacts/{id}/notes", Method: http.MethodPost, Path: "/contacts/" + url.PathEscape(contact) + "/notes",
		Body: mapping.Obj(mapping.Member{Name: "note", Value: mapping.Str(text)}),
	}
}

// contactNotesOf asks for a mark's contact with its notes: there are no pages.
func contactNotesOf(by sink.Mark, _ int) sink.Call {
	return sink.Call{
		Op: "GET /contacts/{id}", Method: http.MethodGet, Path: "/contacts/" + url.PathEscape(by[markOn]),
		Query: "include=notes", Lookup: true,
	}
}
