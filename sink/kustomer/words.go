package kustomer

import (
	"context"
	"errors"
	"net/http"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// note leaves a note at the conversation.
func (w *work) note(ctx context.Context, text string) error {
	return w.say(ctx, making{
		step: "note", id: "note_id", call: sink.Call{Path: "/notes"},
		body: []mapping.Member{{Name: "body", Value: mapping.Str(text)}}, on: w.ticket.id, find: w.findNote,
	})
}

// message records a message in the conversation: Kustomer sends none.
func (w *work) message(ctx context.Context, m rules.Message) error {
	return w.say(ctx, making{
		step: "message", id: "message_id", call: sink.Call{Path: "/messages"},
		body: []mapping.Member{
			{Name: "channel", Value: mapping.Str(m.Channel)},
			{Name: "app", Value: mapping.Str(m.App)},
			{Name: "direction", Value: mapping.Str("out")},
			{Name: "preview", Value: mapping.Str(m.Text)},
		},
		find: w.byExternalID("/v1/messages/externalid=", "message_id"),
	})
}

// say adds something to the conversation.
func (w *work) say(ctx context.Context, m making) error {
	m.call.Op, m.call.Path = "POST /v1/conversations/{id}"+m.call.Path, "/v1/conversations/"+segment(w.ticket.id)+m.call.Path
	if !w.again {
		m.call.Answers = []int{http.StatusNotFound}
	}
	made, err := w.once(ctx, m)
	if err == nil && made.State == "" && made.Reply.Status == http.StatusNotFound {
		err = errConversationGone
	}
	return err
}

// maxNotePages bounds a search for a note of ours: notes have no address by externalId, and the
// order of their list is not documented.
const maxNotePages = 100

// findNote looks for a note by its externalId on all pages.
func (w *work) findNote(ctx context.Context, external, on string) (sink.Sighting, error) {
	found := ""
	call := sink.Call{
		Op: "GET /v1/conversations/{id}/notes", Path: "/v1/conversations/" + segment(on) + "/notes", Query: "page=1&pageSize=100",
		Patient: true, Answers: []int{http.StatusNotFound},
	}
	_, err := w.pages(ctx, call, maxNotePages, func(n mapping.Value) {
		if id := pathID(n.Get("id")); n.Get("attributes", "externalId").Str() == external && (found == "" || id < found) {
			found = id
		}
	})
	switch {
	case errors.Is(err, errGone) || isPlanned(err): // with the conversation, or nothing is looked up
		return sink.Sighting{Refused: true}, nil
	case err != nil || found == "":
		return sink.Sighting{}, err
	}
	return sink.Sighting{IDs: map[string]string{"note_id": found}}, nil
}
