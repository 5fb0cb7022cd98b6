package webhook_test

import (
	"testing"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/webhook"
	"github.com/deskstream/deskstream/internal/desktest"
	"github.com/deskstream/deskstream/sink"
)

func TestDesk(t *testing.T) {
	const asIs = "the receiver gets each event as it is"
	desktest.Run(t, desktest.Desk{
		Kind: webhook.Kind(), Write: "/in",
		Settings: func(baseURL string) desk.Settings {
			return &webhook.Settings{URL: baseURL + "/in", Headers: map[string]sink.Secret{"Authorization": sink.NewSecret("Bearer " + desktest.Token)}}
		},
		Events: map[string]string{
			"track":               `{"type":"track","event":"Order Completed","messageId":"m-2","properties":{"order_id":"A-1001"}}`,
			"without a messageId": `{"type":"group","groupId":"g-1"}`,
		},
		Skips: map[string]string{
			"mapping: unknown members make no difference":     asIs,
			"mapping: an event of an unknown type is skipped": asIs,
			"sender: unknown members of answers are ignored":  "the body of an answer is not read",
			"sender: what is on a later page is found":        "it makes no lookups",
			"sender: a web page is no success":                "any 2xx is a delivery, whatever its body",
		},
	})
}
