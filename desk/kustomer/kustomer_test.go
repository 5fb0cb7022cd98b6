package kustomer_test

import (
	"testing"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/kustomer"
	"github.com/deskstream/deskstream/internal/desktest"
	"github.com/deskstream/deskstream/sink"
)

func settings(baseURL string) desk.Settings {
	return &kustomer.Settings{APIKey: sink.NewSecret(desktest.Token), BaseURL: baseURL, AdvancedTransform: true, Lists: "merge"}
}

func TestDesk(t *testing.T) {
	desktest.Run(t, desktest.Desk{
		Kind: kustomer.Kind(), Settings: settings, Write: "/v1/customers",
		Events: map[string]string{
			"identify": `{"type":"identify","messageId":"m-1","userId":"u-1","traits":{"email":"nora1@example.com","name":"Nora Vos"}}`,
			"track":    `{"type":"track","event":"Order Completed","messageId":"m-2","userId":"u-1","properties":{"order_id":"A-1001"},"context":{"traits":{"email":"nora1@example.com"}}}`,
		},
		Skips: map[string]string{
			"sender: what is on a later page is found": "customers are looked up by id, e-mail and externalId, which have no pages",
		},
	})
}
