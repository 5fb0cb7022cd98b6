// Package webhook sends events to a webhook: an HTTP endpoint of the owner's own.
package webhook

import (
	"context"
	"net/http"

	mapping "github.com/deskstream/deskstream/mapping/webhook"
	"github.com/deskstream/deskstream/sink"
)

// Client sends messages to one webhook.
type Client struct{ path string }

// New returns a Client for the path of the webhook's URL, which may be empty.
func New(path string) *Client { return &Client{path: path} }

// Send posts the event. Any 2xx is success, whatever its body. An event without a messageId is
// not safe to repeat, since the receiver cannot recognise it.
func (c *Client) Send(ctx context.Context, doer sink.Doer, m mapping.Message) (sink.Receipt, error) {
	_, err := doer.Do(ctx, sink.Call{
		// Not the path, which is the owner's and can be anything.
		Op: "POST webhook", Method: http.MethodPost, Path: c.path, Body: m.Event, Unrepeatable: m.ID == "",
		Accept: func(sink.Reply) error { return nil },
	})
	return sink.Receipt{}, err
}
