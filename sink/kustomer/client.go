package kustomer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
)

// The names of Kustomer's ids in receipts.
const (
	customerID = "customer_id"
	identityID = "identity_id" // of the tracking identity that took an event
	trackingID = "tracking_id" // under which Kustomer tracks a visitor
)

// Client sends events to Kustomer. It is safe for concurrent use.
type Client struct{ ids *sink.IDs }

// New makes a Client that remembers customers in ids, which belongs to one credential.
func New(ids *sink.IDs) *Client { return &Client{ids: ids} }

// Send makes the calls that m needs, in order. The error is the Doer's, or a
// *sink.Failure of its own, code http_409: exhausted, for a write that is refused as a
// duplicate of a customer whom no lookup finds, and rejected, for the second one that is
// refused. It is mapping.NothingToUpdate when lookups made for this event show that
// Kustomer holds all of it already. The receipt is good, as far as it goes, with an error
// too.
func (c *Client) Send(ctx context.Context, do sink.Doer, m kustomer.Message) (sink.Receipt, error) {
	receipt := sink.Receipt{IDs: map[string]string{}, Warnings: slices.Clone(m.Warnings)}
	wrote := false
	for _, step := range m.Steps {
		err := c.step(ctx, do, step, &receipt)
		if errors.Is(err, mapping.NothingToUpdate) {
			continue
		}
		if err != nil {
			return receipt, err
		}
		wrote = true
	}
	if !wrote {
		return receipt, mapping.NothingToUpdate
	}
	return receipt, nil
}

func (c *Client) step(ctx context.Context, do sink.Doer, step kustomer.Step, receipt *sink.Receipt) error {
	switch step := step.(type) {
	case kustomer.Upsert:
		return c.upsert(ctx, do, step, receipt)
	case kustomer.Track:
		return track(ctx, do, step, receipt)
	default:
		return fmt.Errorf("unknown step %T", step)
	}
}

func (c *Client) upsert(ctx context.Context, do sink.Doer, step kustomer.Upsert, receipt *sink.Receipt) error {
	u := upsert{memory: memory{ids: c.ids, step: step}, do: do, receipt: receipt}
	return u.run(ctx)
}

// track posts an event. Kustomer has no key by which it would know a repeated one.
func track(ctx context.Context, do sink.Doer, step kustomer.Track, receipt *sink.Receipt) error {
	reply, err := do.Do(ctx, trackCall(step))
	if err == nil && !reply.Planned {
		tracked(&reply, receipt.IDs)
		warnUntracked(receipt)
	}
	return err
}

func trackCall(step kustomer.Track) sink.Call {
	return sink.Call{
		Op: "POST /v1/tracking/identityEvent", Method: "POST", Path: "/v1/tracking/identityEvent",
		Body: step.Body, Unrepeatable: true,
	}
}

// warnUntracked warns of an event that was tracked without an id.
func warnUntracked(receipt *sink.Receipt) {
	if receipt.IDs[identityID] == "" {
		receipt.Warnings = append(receipt.Warnings, "Kustomer's answer to the event has no id")
	}
}

// tracked takes the ids from the answer to an event.
func tracked(reply *sink.Reply, ids map[string]string) {
	data := reply.JSON().Get("data")
	for _, found := range [...]struct {
		name string
		id   mapping.Value
	}{
		{identityID, data.Get("id")},
		{trackingID, data.Get("attributes", "trackingId")},
		{customerID, data.Get("relationships", "customer", "data", "id")},
	} {
		if id := idText(found.id); id != "" {
			ids[found.name] = id
		}
	}
}

// idText is one of Kustomer's ids in an answer as text, "" if there is none.
func idText(v mapping.Value) string {
	if text := ownerText(v); len(text) <= sink.MaxID {
		return text
	}
	return ""
}

// pathID is one of Kustomer's ids in an answer that goes into a path, "" if there is none.
func pathID(v mapping.Value) string {
	if id := idText(v); kustomer.ValidID(id) {
		return id
	}
	return ""
}

// ownerText is an id of somebody else's in an answer as text, "" if there is none. The
// number 0 is no id.
func ownerText(v mapping.Value) string {
	if v.Kind() != mapping.String && v.Kind() != mapping.Number || v.IsZeroNumber() {
		return ""
	}
	return v.Text()
}
