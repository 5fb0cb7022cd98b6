package kustomer

import (
	"context"

	"github.com/deskstream/deskstream/sink"
)

// Find implements sink.Route's Find: what carries an externalId is looked for by it.
func (c *Client) Find(do sink.Doer, step string) sink.Finder {
	w := &work{do: do}
	var find func(ctx context.Context, external, on string) (sink.Sighting, error)
	switch step {
	case conversationStepName, againName(conversationStepName):
		find = w.byExternalID("/v1/conversations/externalId=", conversationID)
	case "message":
		find = w.byExternalID("/v1/messages/externalid=", "message_id")
	case "note":
		find = w.findNote
	case companyStepName:
		find = w.companyOf
	default:
		return nil
	}
	return func(ctx context.Context, mark sink.Mark) (sink.Sighting, error) {
		if mark[markExternalID] == "" || step == "note" && mark[markOn] == "" {
			return sink.Sighting{Refused: true}, nil
		}
		return find(ctx, mark[markExternalID], mark[markOn])
	}
}
