package kustomer_test

import (
	"testing"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/kustomer"
	"github.com/deskstream/deskstream/internal/desktest"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

func settings(baseURL string) desk.Settings {
	return &kustomer.Settings{APIKey: sink.NewSecret(desktest.Token), BaseURL: baseURL, AdvancedTransform: true, Lists: "merge"}
}

func TestDesk(t *testing.T) { desktest.Run(t, suite()) }

func suite() desktest.Desk {
	return desktest.Desk{
		Kind: kustomer.Kind(), Settings: settings, Write: "/v1/customers",
		Events: map[string]string{
			"identify": `{"type":"identify","messageId":"m-1","userId":"u-1","traits":{"email":"nora1@example.com","name":"Nora Vos"}}`,
			"track":    `{"type":"track","event":"Order Completed","messageId":"m-2","userId":"u-1","properties":{"order_id":"A-1001"},"context":{"traits":{"email":"nora1@example.com"}}}`,
		},
		Skips: map[string]string{
			"sender: what is on a later page is found": "customers are looked up by id, e-mail and externalId, which have no pages",
		},
	}
}

// The same laws hold for what rules ask for.
func TestDesk_byRules(t *testing.T) {
	d := suite()
	d.Rules = []rules.Rule{
		rule("everything", func(r *rules.Rule) {
			r.Match.Event, r.Contact.Create = []string{"Order *"}, true
			r.Contact.Fields, r.Contact.Groups, r.Contact.Profile = map[string]string{"lastOrderStr": "{{ order_id }}"}, []string{"vip"}, "Acme"
			r.Object = rules.Object{Class: "order", ID: "{{ order_id }}", Title: "Order {{ order_id }}", Data: map[string]string{"id": "{{ order_id }}"}}
			r.Ticket.Subject, r.Ticket.Team, r.Ticket.Labels, r.Ticket.Urgency = "{{ event }}", "Billing", []string{"billing", "brand new"}, 4
			r.Ticket.Note, r.Ticket.Status = "Order {{ order_id }}", "closed"
		}),
		rule("identified", func(r *rules.Rule) {
			r.Match.Type, r.Default, r.Contact.Groups = "identify", true, []string{"vip"}
		}),
	}
	delete(d.Skips, "sender: what is on a later page is found")
	d.Paging = findsNamesOnLaterPages
	desktest.Run(t, d)
}
