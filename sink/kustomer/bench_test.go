package kustomer_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/mapping"
	mapper "github.com/deskstream/deskstream/mapping/kustomer"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/kustomer"
)

// at once answers every request, without a connection.
type atOnce struct{ body string }

func (a atOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	return &http.Response{
		StatusCode: http.StatusCreated, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header:        http.Header{"Content-Type": {"application/json"}, "Date": {"Sun, 22 Nov 2026 21:00:00 GMT"}},
		ContentLength: int64(len(a.body)), Body: io.NopCloser(strings.NewReader(a.body)),
	}, nil
}

// BenchmarkDeliver is all that a track event needs but for Kafka and the network.
func BenchmarkDeliver(b *testing.B) {
	const (
		event = `{"type":"track","messageId":"bench-0000001","channel":"web","userId":"user-0001","anonymousId":"anon-0001",` +
			`"event":"Product Purchased","properties":{"eventNo":1,"product":"Everyday Notebook","category":"stationery",` +
			`"price":11.95,"currency":"EUR","quantity":2,"coupon":"","gift":false},` +
			`"context":{"app":{"name":"web shop","version":"4.12.1"},"ip":"192.0.2.7","locale":"en-GB",` +
			`"library":{"name":"rudder-js","version":"2.52.0"},"page":{"path":"/checkout","url":"https://shop.example/checkout"},` +
			`"userAgent":"Mozilla/5.0 (X11; Linux x86_64)"},"integrations":{"All":true},` +
			`"originalTimestamp":"2026-01-02T03:04:05.678Z","sentAt":"2026-01-02T03:04:05.700Z",` +
			`"receivedAt":"2026-01-02T03:04:05.710Z","timestamp":"2026-01-02T03:04:05.678Z"}`
		answer = `{"data":{"type":"tracking_identity","id":"5f0f8d0c1b7f4d0012a3b4c5","attributes":{"trackingId":"5f0f8d0c1b7f4d0012a3b4c6","status":"identified"}}}`
	)
	deliverAgain(b, event, answer)
}

// BenchmarkIdentify is the same of a known user's identify, whose lists hold nothing new.
func BenchmarkIdentify(b *testing.B) {
	const (
		event = `{"type":"identify","messageId":"bench-0000001","channel":"web","userId":"user-0001","anonymousId":"anon-0001",` +
			`"traits":{"name":"Nora Vos","email":"nora@example.test","phone":"+31612345678","tags":["newsletter","vip"],` +
			`"address":{"street":"Molenweg 12","city":"Utrecht"},"createdAt":"2025-01-02T03:04:05.678Z"},` +
			`"context":{"locale":"en-GB","timezone":"Europe/Amsterdam","library":{"name":"rudder-js","version":"2.52.0"}},` +
			`"originalTimestamp":"2026-01-02T03:04:05.678Z"}`
		answer = `{"data":{"type":"customer","id":"5f0f8d0c1b7f4d0012a3b4c5","attributes":{"name":"Nora Vos","externalId":"user-0001","rev":7,` +
			`"emails":[{"type":"home","email":"nora@example.test","verified":false}],"phones":[{"type":"home","phone":"+31612345678"}],` +
			`"tags":["newsletter","vip"],"locations":[{"type":"home","address":"Molenweg 12 Utrecht"}]}}}`
	)
	deliverAgain(b, event, answer)
}

// deliverAgain delivers an event to a desk that answers the same to all calls.
func deliverAgain(b *testing.B, event, answer string) {
	b.Helper()
	config := sink.Config{
		Name: "crm", BaseURL: "https://api.kustomerapp.com", Credential: sink.NewSecret("eyJhbGciOiJIUzI1NiJ9.bench.key"),
		MaxInFlight: 1, Rate: budget.Rate{Requests: 1e9, Per: time.Second}, Timeout: time.Minute,
		Transport: atOnce{answer},
	}
	dest := sink.NewDestination(config, budget.New(config.Rate), slog.New(slog.DiscardHandler))
	m := mapper.New(mapper.Config{AdvancedTransform: true})
	route := sink.NewRoute(sink.DestinationInfo{Name: "crm", Type: "kustomer"}, mapping.Filter{}, m.Map, kustomer.New(sink.NewIDs(100, time.Hour)).Send)
	stop := sink.Stop{Soft: b.Context(), Hard: b.Context()}
	value := []byte(event)
	deliver := func() sink.Outcome {
		pass, err := dest.Gate().Enter(b.Context(), "user-0001")
		if err != nil {
			b.Fatal(err)
		}
		s := dest.Session(pass, stop)
		s.Lane = "user-0001"
		outcome, err := route.Deliver(b.Context(), s, value)
		if err != nil || outcome.Outcome == sink.Dead {
			b.Fatalf("%+v, %v", outcome, err)
		}
		return outcome
	}
	deliver() // what can be remembered is
	b.ReportAllocs()
	for b.Loop() {
		if outcome := deliver(); outcome.Outcome != sink.Delivered || len(outcome.Calls) != 1 {
			b.Fatalf("%+v", outcome)
		}
	}
}
