package inbound_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/deskstream/deskstream/mapping/kustomer/inbound"
	"github.com/deskstream/deskstream/mapping/unified"
)

// Of several things that changed the first of the order counts.
func TestEvent_anUpdateIsWhatItBecame(t *testing.T) {
	r := inbound.New("kustomer", "crm")
	change := func(field, before, after string) string {
		return fmt.Sprintf(`%q:{"op":"replace","before":%s,"after":%s}`, field, before, after)
	}
	closed, reopened := change("status", `"open"`, `"done"`), change("status", `"done"`, `"open"`)
	assigned, labelled := change("assignedUsers", `[]`, `["u"]`), change("tags", `["a"]`, `["b"]`)
	for changes, want := range map[string]unified.Type{
		closed + "," + assigned:                   unified.TicketClosed,
		assigned + "," + closed + "," + labelled:  unified.TicketClosed,
		reopened + "," + assigned:                 unified.TicketReopened,
		labelled + "," + assigned:                 unified.TicketAssigned,
		labelled:                                  unified.TicketLabelled,
		change("tags", `["a"]`, `[]`):             unified.TicketUnlabelled,
		change("tags", `["a"]`, `7`):              unified.TicketUnlabelled,
		change("name", `"a"`, `"b"`):              unified.TicketUpdated,
		change("status", `"open"`, `"snoozed"`):   unified.TicketUpdated,
		change("status", `"done"`, `"snoozed"`):   unified.TicketReopened,
		change("status", `"open"`, `"forgotten"`): unified.TicketUpdated,
		`"status":7`:                              unified.TicketUpdated,
		``:                                        unified.TicketUpdated,
	} {
		body := fmt.Sprintf(`{"id":"e","name":"kustomer.conversation.update","data":{"type":"conversation","id":"c","attributes":{"status":"done"}},"changes":{"attributes":{%s}}}`, changes)
		if e := r.Event(unified.Webhook{Body: []byte(body)}); e.Type != want {
			t.Errorf("%s is %s, want %s", changes, e.Type, want)
		}
	}
	// Changes have to be there: an update of what is closed closes nothing.
	for _, changes := range []string{"null", "[]", `"x"`, `{"attributes":[]}`} {
		body := `{"id":"e","name":"kustomer.conversation.update","data":{"type":"conversation","id":"c","attributes":{"status":"done"}},"changes":` + changes + `}`
		if e := r.Event(unified.Webhook{Body: []byte(body)}); e.Type != unified.TicketUpdated || e.Changes != nil {
			t.Errorf("changes %s: %s", changes, e.Type)
		}
	}
}

func TestSignature(t *testing.T) {
	const mac = "5f0c2c1f1d3b2a4958677685949392a1b0cfdeedfc0b1a2938475665748392a1"
	of := func(value string) (unified.Signature, error) {
		return inbound.Signature(func(name string) string {
			if name != "X-Kustomer-Webhook-Signature" {
				return ""
			}
			return value
		}, nil)
	}
	if s, err := of(mac); err != nil || hex.EncodeToString(s.MAC) != mac || s.Prefix != "" || !s.At.IsZero() {
		t.Errorf("signature %+v, %v", s, err)
	}
	for _, value := range []string{"", mac[2:], mac + "00", "zz" + mac[2:], "sha256=" + mac} {
		if s, err := of(value); !errors.Is(err, unified.ErrNoSignature) {
			t.Errorf("%q is taken as %+v, %v", value, s, err)
		}
	}
}
