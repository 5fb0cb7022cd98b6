package kustomer_test

import (
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/kustomer"
)

const purchased = `{"type":"track","messageId":"m-1","channel":"web","userId":"user-0007","anonymousId":"anon-0007",` +
	`"event":"Product Purchased","properties":{"orderNo":17,"product":"Everyday Notebook","category":"stationery",` +
	`"price":12.95,"currency":"EUR","quantity":2,"coupon":"","gift":false,"shipped on":"2026-01-02"},` +
	`"context":{"ip":"192.0.2.1","locale":"en-GB","userAgent":"Mozilla/5.0 (X11; Linux x86_64)"}}`

const identified = `{"type":"identify","messageId":"m-1","userId":"user-0007","anonymousId":"anon-0007",` +
	`"traits":{"email":"ada@example.org","name":"Ada","phone":"+31 20 555 0100","company":"Example","createdAt":"2026-01-02T03:04:05Z",` +
	`"address":{"street":"Main Street 1","city":"Utrecht"},"customObject":{"planStr":"gold","seatsNum":3}},"context":{"locale":"en-GB"}}`

func BenchmarkMap(b *testing.B) {
	for name, text := range map[string]string{"track": purchased, "identify": identified} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			ev, err := mapping.Decode([]byte(text))
			if err != nil {
				b.Fatal(err)
			}
			m := kustomer.New(kustomer.Config{AdvancedTransform: true})
			for b.Loop() {
				if _, err := m.Map(ev); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
