package trengo_test

import (
	"fmt"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/trengo"
)

func ExampleMapper_Map() {
	mapper, err := trengo.New(trengo.Config{
		ChannelID: "880", ChannelIdentifier: trengo.Email, Dedup: true,
		Templates: []trengo.EventTemplate{{Event: "Order Refunded", Template: "{{event}}: {{amount}}"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ev, err := mapping.Decode([]byte(`{"type": "track", "event": "Order Refunded",
		"traits": {"email": "nora@example.test"}, "properties": {"amount": 12.50}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	message, err := mapper.Map(ev)
	if err != nil {
		fmt.Println(err)
		return
	}
	ticket := message.Steps[0].(trengo.OpenTicket)
	fmt.Println(ticket.Identifier, ticket.Channel.JSON(), ticket.Subject)
	// Output: nora@example.test "880" Order Refunded: 12.50
}
