package kustomer_test

import (
	"fmt"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
)

func ExampleMapper_Map() {
	ev, err := mapping.Decode([]byte(`{
		"type": "track", "event": "Order Completed", "userId": "u1",
		"properties": {"order id": "o-55", "total": 129.90, "gift": false}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	message, err := kustomer.New(kustomer.Config{AdvancedTransform: true}).Map(ev)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range message.Steps {
		if track, ok := step.(kustomer.Track); ok {
			fmt.Println(track.Body.JSON())
		}
	}
	// Output: {"identity":{"externalId":"u1"},"event":{"name":"Order-Completed","meta":{"order-id":"o-55","totalNum":129.90,"gift":"false"}}}
}
