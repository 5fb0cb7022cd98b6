package kustomer

import (
	"context"
	"errors"
	"net/http"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
)

// placeholder stands in a planned call for the id of a customer that is not there yet.
const placeholder = "<id of the customer>"

const (
	// conversationStepName is the name of the step that opens a conversation.
	conversationStepName = "conversation"
	conversationID       = "conversation_id"
	// markExternalID is the member of its mark.
	markExternalID = "external_id"
)

// converse opens a conversation with the customer of the receipt. It carries an externalId of
// the event's own, which Kustomer calls unique: by it the conversation is looked for, and a second
// one is refused, as a conflict or, since that is not said, as a bad request.
func converse(ctx context.Context, do sink.Doer, step kustomer.Converse, receipt *sink.Receipt) error {
	c := conversation{do: do, external: "ds-" + do.Ref(conversationStepName)}
	made, err := do.Once(ctx, sink.Effect{
		Step: conversationStepName, Call: c.call(receipt.IDs[customerID], step),
		Prepare: func(context.Context) error { return nil },
		Mark:    func() sink.Mark { return sink.Mark{markExternalID: c.external} },
		Find:    c.find, IDs: conversationIDs, Exact: true,
		Duplicate: []int{http.StatusConflict, http.StatusBadRequest},
	})
	if err != nil || made.Reply.Planned {
		return err
	}
	if id := made.IDs[conversationID]; id != "" {
		receipt.IDs[conversationID] = id
	} else {
		receipt.Warnings = append(receipt.Warnings, "Kustomer's answer to the new conversation has no id")
	}
	return nil
}

// conversation is one that is being opened.
type conversation struct {
	do       sink.Doer
	external string
}

func (c *conversation) call(customer string, step kustomer.Converse) sink.Call {
	if customer == "" {
		customer = placeholder
	}
	return sink.Call{
		Op: "POST /v1/customers/{id}/conversations", Method: http.MethodPost, Path: "/v1/customers/" + segment(customer) + "/conversations",
		Body:         mapping.Obj(append([]mapping.Member{{Name: "externalId", Value: mapping.Str(c.external)}}, step.Conversation.Members()...)...),
		Unrepeatable: true,
	}
}

// find looks for the conversation by the externalId with which it was announced.
func (c *conversation) find(ctx context.Context, mark sink.Mark) (sink.Sighting, error) {
	external, ok := mark[markExternalID]
	if !ok {
		return sink.Sighting{Refused: true}, nil // of a version that marks conversations otherwise
	}
	reply, err := c.do.Do(ctx, sink.Call{
		Op: "GET /v1/conversations/externalId={externalId}", Method: http.MethodGet, Path: "/v1/conversations/externalId=" + segment(external),
		Lookup: true, Patient: true, Answers: []int{http.StatusNotFound}, Accept: acceptConversation,
	})
	if err != nil || !reply.OK() {
		return sink.Sighting{}, err
	}
	return sink.Sighting{IDs: conversationIDs(reply)}, nil
}

// conversationIDs returns the id of a conversation in an answer, nil for none.
func conversationIDs(reply sink.Reply) map[string]string {
	if id := idText(reply.JSON().Get("data", "id")); id != "" {
		return map[string]string{conversationID: id}
	}
	return nil
}

var errNoConversation = errors.New("its body holds no conversation")

// acceptConversation is a Call's Accept for a conversation.
func acceptConversation(reply sink.Reply) error {
	if conversationIDs(reply) == nil {
		return errNoConversation
	}
	return nil
}
