package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// Spread is how events are spread over users.
type Spread string

// The spreads: every user alike, or some far more often than others.
const (
	Uniform Spread = "uniform"
	Zipf    Spread = "Zipf"
)

const (
	users      = 5000
	partitions = 12
	seed       = 7
)

// dataset gives the same events for the same spread and number, in every process.
// Event i is that of user(i), and carries i as properties.eventNo.
type dataset struct{ of []uint16 }

func newDataset(spread Spread, events int) dataset {
	rng := rand.New(rand.NewPCG(seed, 0))
	user := func() uint16 { return uint16(rng.IntN(users)) }
	if spread == Zipf {
		zipf := rand.NewZipf(rng, 1.1, 1, users-1)
		user = func() uint16 { return uint16(zipf.Uint64()) }
	}
	d := dataset{of: make([]uint16, events)}
	for i := range d.of {
		d.of[i] = user()
	}
	return d
}

func (d dataset) key(i int) []byte { return fmt.Appendf(nil, "user-%04d", d.of[i]) }

// value is a track event of about 700 bytes, as RudderStack writes it.
func (d dataset) value(i int) []byte {
	const text = `{"type":"track","messageId":"bench-%07d","channel":"web","userId":"user-%04d","anonymousId":"anon-%04d",` +
		`"event":"Product Purchased","properties":{"eventNo":%d,"product":"Everyday Notebook","category":"stationery",` +
		`"price":%d.95,"currency":"EUR","quantity":%d,"coupon":"","gift":false},` +
		`"context":{"app":{"name":"web shop","version":"4.12.1"},"ip":"192.0.2.%d","locale":"en-GB",` +
		`"library":{"name":"rudder-js","version":"2.52.0"},"page":{"path":"/checkout","url":"https://shop.example/checkout"},` +
		`"userAgent":"Mozilla/5.0 (X11; Linux x86_64)"},"integrations":{"All":true},` +
		`"originalTimestamp":"2026-01-02T03:04:05.678Z","sentAt":"2026-01-02T03:04:05.700Z",` +
		`"receivedAt":"2026-01-02T03:04:05.710Z","timestamp":"2026-01-02T03:04:05.678Z"}`
	return fmt.Appendf(nil, text, i, d.of[i], d.of[i], i, i%90+10, i%4+1, i%254+1)
}

var mark = []byte(`eventNo`)

// number finds the event's number in a request, whatever a program made of the event.
func number(body []byte) (int, bool) {
	_, rest, ok := bytes.Cut(body, mark)
	if !ok {
		return 0, false
	}
	_, after, ok0 := bytes.Cut(rest, []byte{':'})
	if !ok0 {
		return 0, false
	}
	digits := after
	end := 0
	for end < len(digits) && digits[end] >= '0' && digits[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(string(digits[:end]))
	return n, err == nil
}
