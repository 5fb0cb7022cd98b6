//go:build synctests

package simulation

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sort"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/desk/kustomer"
	"github.com/deskstream/deskstream/desk/trengo"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/topics"
)

var backlogFlag = flag.Int("backlog", 5000, "identifies of the backlog of TestBacklog; 100000 for the figures in docs/budgets.md")

// backlog is so many identifies of a twentieth as many users, by Zipf's law with exponent 1: the
// second user has half as many as the first, the third a third.
type backlog struct {
	desk     string
	settings desk.Settings
	coalesce bool
	rate     int // requests a minute
}

// A backlog of identifies takes at most 0.15 of the calls that it takes without coalescing, lookups
// included, at a desk that has none of the customers.
func TestBacklog_coalescingTakesAFractionOfTheCalls(t *testing.T) {
	token := sink.NewSecret("token-of-the-desk")
	for _, b := range []backlog{
		{desk: "trengo", settings: &trengo.Settings{APIToken: token, BaseURL: "http://desk.test", ChannelID: "123456", ChannelIdentifier: "email", EnableDedup: true}, rate: 120},
		{desk: "kustomer", settings: &kustomer.Settings{APIKey: token, BaseURL: "http://desk.test", AdvancedTransform: true, Lists: "merge"}, rate: 1000},
	} {
		t.Run(b.desk, func(t *testing.T) {
			with, without := b, b
			with.coalesce = true
			without.rate *= 100 // it takes 14 hours, which changes nothing but that ids are forgotten meanwhile
			today, took := without.run(t)
			calls, lasted := with.run(t)
			ratio := float64(calls) / float64(today)
			t.Logf("%s: %d identifies, %d calls one by one (%v at 100 times the rate), %d with coalescing (%v): %.3f", b.desk, *backlogFlag, today, took.Round(time.Second), calls, lasted.Round(time.Second), ratio)
			if ratio > 0.15 {
				t.Errorf("coalescing takes %.3f of the calls, want at most 0.15", ratio)
			}
		})
	}
}

// run delivers the backlog, and returns the calls that it took, and for how long.
func (b backlog) run(t *testing.T) (calls int64, took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		const partitions = 12
		kafka := kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic(sourceTopic, partitions), kafkatest.Topic(responsesTopic, partitions), kafkatest.Topic(lettersTopic, 1))
		kafka.Produce(t, identifies(*backlogFlag, partitions)...)
		kind, _ := all.Kind(b.desk)
		server := &counted{handler: stub.New(stub.Config{Limit: b.rate}, kind.Stub()).Desk(kind.Name)}
		c := sink.Config{
			Name: "desk", BaseURL: "http://desk.test", Credential: b.settings.Credential().Secret, MaxInFlight: 64, Timeout: 30 * time.Second,
			Rate: budget.Rate{Requests: b.rate, Per: time.Minute, Reserve: 0.1}, Retry: sink.Policy{MaxElapsed: 15 * time.Minute, Initial: 500 * time.Millisecond, Max: time.Minute},
			Transport: server,
		}
		log := slog.New(slog.DiscardHandler)
		var accounts sink.Accounts
		route, err := kind.Route(desk.Destination{Name: "desk"}, b.settings, accounts.IDs(c))
		if err != nil {
			t.Fatal(err)
		}
		reader, err := mapping.NewReader(mapping.Layout{Lane: []string{"userId"}})
		if err != nil {
			t.Fatal(err)
		}
		destination := sink.NewDestination(c, accounts.Budget(c), log)
		p, err := processor.New(processor.Config{
			Topics: []string{sourceTopic}, Cluster: clusterID, Group: group, SessionTimeout: 45 * time.Second, CommitInterval: 10 * time.Second, DrainTimeout: 35 * time.Second,
			Reader: reader, Coalesce: b.coalesce, Connection: kafka.Options(),
			Limits: processor.Limits{Records: 200_000, Bytes: 256 << 20, Lanes: 50_000, Span: 5_000_000},
			Writer: topics.Config{Responses: responsesTopic, DeadLetters: lettersTopic, Bodies: true, Group: group, Destination: "desk", DestinationType: b.desk},
		}, route, destination, log)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		began := time.Now()
		go func() { ended <- p.Run(ctx) }()
		for int(p.Figures().Delivered+p.Figures().Skipped) < *backlogFlag && p.Figures().Dead == 0 {
			time.Sleep(time.Second)
		}
		calls, took = server.calls.Load(), time.Since(began)
		if f := p.Figures(); f.Dead > 0 || f.Gap != 0 {
			t.Errorf("figures %+v", f)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		destination.Close()
	})
	return calls, took
}

// identifies are n records in a random order, each with another name.
func identifies(n int, partitions int32) []*kgo.Record {
	rng := rand.New(rand.NewPCG(1, 25))
	users := max(n/20, 1)
	upTo := make([]float64, users)
	sum := 0.0
	for i := range users {
		sum += 1 / math.Pow(float64(i+1), 1)
		upTo[i] = sum
	}
	records := make([]*kgo.Record, n)
	for i := range records {
		user := sort.SearchFloat64s(upTo, rng.Float64()*sum)
		records[i] = &kgo.Record{
			Topic: sourceTopic, Partition: int32(user) % partitions,
			Value: fmt.Appendf(nil, `{"type":"identify","messageId":"m-%d","userId":"u-%d","traits":{"email":"u%d@shop.test","name":"Name %d"}}`, i, user, user, i),
		}
	}
	return records
}

// counted counts the requests that a desk gets.
type counted struct {
	handler http.Handler
	calls   atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	body := []byte{}
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w.Result(), nil
}
