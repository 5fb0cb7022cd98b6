//go:build kafka

package main

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/internal/tally"
	"github.com/deskstream/deskstream/mapping"
)

// restartEvents is how many events go through a cluster whose broker restarts.
const restartEvents = 4000

// account reads the topics of a world into a book until the test ends.
func (w *world) account() (*tally.Book, *tally.Tail) {
	w.t.Helper()
	reader, err := mapping.NewReader(mapping.Layout{Lane: []string{"userId", "anonymousId", "key"}})
	if err != nil {
		w.t.Fatal(err)
	}
	book := tally.NewBook(reader,
		tally.Destination{Name: inbox, Type: stubtrengo.Name, BaseURL: w.url + stubtrengo.Path},
		tally.Destination{Name: crm, Type: stubkustomer.Name, BaseURL: w.url + stubkustomer.Path})
	topics := tally.Topics{Source: []string{w.topic(eventsTopic)}, Responses: w.topic(responsesTopic), DeadLetters: w.topic(lettersTopic)}
	tail, err := tally.NewTail(w.t.Context(), book, topics, w.Options()...)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- tail.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
		tail.Close()
	})
	return book, tail
}

// feed produces the demo's events, no more than a thousand ahead of the slowest
// destination.
func (w *world) feed(book *tally.Book, n int) {
	w.t.Helper()
	generator := sample.Shop(7, 0)
	cl := w.Client(w.t)
	for i := 0; i < n; i += 100 {
		await(w.t, "the program to come near the generator", func() bool { return i-settledBy(book) < 1000 })
		var records []*kgo.Record
		for range min(100, n-i) {
			r := generator.Next()
			records = append(records, &kgo.Record{Topic: w.topic(eventsTopic), Key: r.Key, Value: r.Value})
		}
		if err := cl.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
			w.t.Errorf("producing: %v", err)
			return
		}
	}
}

// awaitDivided waits until so many instances have divided the source of each
// destination among them.
func (w *world) awaitDivided(instances int) {
	w.t.Helper()
	admin := w.Admin(w.t)
	await(w.t, "the instances to divide the source", func() bool {
		groups, err := admin.DescribeGroups(w.t.Context(), w.group(inbox), w.group(crm))
		if err != nil {
			return false // a coordinator that is not there yet
		}
		for _, g := range groups {
			if g.State != "Stable" || len(g.Members) != instances || len(g.AssignedPartitions()[w.topic(eventsTopic)]) != int(w.sources) {
				return false
			}
			for _, m := range g.Members {
				if a, ok := m.Assigned.AsConsumer(); !ok || len(a.Topics) == 0 {
					return false
				}
			}
		}
		return true
	})
}

// settledBy is how many events the slowest destination has settled.
func settledBy(book *tally.Book) int {
	progress := book.Progress()
	return min(progress[0].Settled, progress[1].Settled)
}

func TestKafka_aBrokerThatRestartsUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*kafkatest.Apache, testing.TB, int){"stopped": (*kafkatest.Apache).Stop, "killed": (*kafkatest.Apache).Kill} {
		t.Run(name, func(t *testing.T) {
			a := kafkatest.OwnApache(t, kafkatest.ApacheConfig{Brokers: 3, Disturbed: true})
			w := newWorld(t, on(t, a, worldOptions{stub: stub.Config{Latency: 20 * time.Millisecond, Jitter: 20 * time.Millisecond}}))
			book, tail := w.account()
			path := w.config(settings{})
			one, two := w.start(path), w.start(path)
			w.awaitDivided(2) // a stop to divide later would cut lookups short, which no outcome lists
			fed := make(chan struct{})
			go func() { defer close(fed); w.feed(book, restartEvents) }()
			t.Cleanup(func() { <-fed })
			await(t, "a third of the work", func() bool { one.alive(); two.alive(); return settledBy(book) > restartEvents/3 })
			began, before := time.Now(), settledBy(book)
			end(a, t, 2)
			await(t, "the work to go on with two brokers", func() bool { return settledBy(book) > before+restartEvents/10 })
			a.Restart(t)
			away := time.Since(began)
			await(t, "all to be settled", func() bool {
				one.alive()
				two.alive()
				caughtUp, err := tail.CaughtUp(t.Context())
				return err == nil && caughtUp && settledBy(book) == restartEvents
			})
			w.awaitCommitted(one)
			lost := givenUp(t, one, two)
			one.stop()
			two.stop()
			report := book.Report(map[string][]stub.Call{stubtrengo.Name: w.desk.Desk(stubtrengo.Name).Received(), stubkustomer.Name: w.desk.Desk(stubkustomer.Name).Received()})
			again := 0
			for _, d := range report.Destinations {
				t.Logf("%s: of %d events became %v; %d writes made again after no answer, %d after an answer, %d out of order",
					d.Name, d.Events, d.Became, d.Repeated, d.Duplicates, d.OutOfOrder)
				again += d.Repeated + d.Duplicates
				if d.OutOfOrder > 0 {
					t.Errorf("%s: %d writes out of order", d.Name, d.OutOfOrder)
				}
			}
			t.Logf("the broker was away for %v; %v events were given up with partitions that were lost", away.Round(time.Second), lost)
			// Only an instance that lost partitions may leave a call to be made again.
			if again > int(lost) || lost == 0 && !report.OK() {
				t.Errorf("it does not add up: %q", report.Faults)
			}
		})
	}
}

// givenUp is how many open events instances gave up with their partitions.
func givenUp(t *testing.T, instances ...*process) float64 {
	t.Helper()
	sum := 0.0
	for _, p := range instances {
		for _, m := range metrics(t, p.listening())["deskstream_records_released_total"].GetMetric() {
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}
