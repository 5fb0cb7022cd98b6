package tally_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/tally"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/topics"
)

func TestTail_readsTheTopicsIntoTheBook(t *testing.T) {
	kafka := kafkatest.Kafka(t, kafkatest.Topic("events", 3), kafkatest.Topic("responses", 3), kafkatest.Topic("dlq", 3))
	w := newWorld()
	w.calls = w.calls[1:] // the first outcome's call was made in an earlier run
	kafka.Produce(t, w.events[0], w.outcomes[0])

	from := tally.Topics{Source: []string{"events"}, Responses: "responses", DeadLetters: "dlq"}
	book := tally.NewBook(byUser(), tally.Destination{Name: "crm", Type: "kustomer", BaseURL: baseURL})
	tail, err := tally.NewTail(t.Context(), book, from, kafka.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- tail.Run(ctx) }()

	for _, records := range [][]*kgo.Record{w.events[1:], w.outcomes[1:], w.letters} {
		kafka.Produce(t, records...)
	}
	waitUntilCaughtUp(t, tail)
	cancel()
	if err := <-stopped; err != nil {
		t.Errorf("the reader ended with %v", err)
	}
	r := book.Report(map[string][]stub.Call{"kustomer": w.calls})
	if !r.OK() {
		t.Errorf("the faults are %q", r.Faults)
	}
	want := map[string]int{"delivered": 3, "dead rejected/http_400": 1}
	if diff := cmp.Diff(want, r.Destinations[0].Became); diff != "" {
		t.Error(diff)
	}
}

func waitUntilCaughtUp(t *testing.T, tail *tally.Tail) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
		caughtUp, err := tail.CaughtUp(ctx)
		if err != nil {
			t.Fatal(fmt.Errorf("waiting for the reader: %w", err))
		}
		if caughtUp {
			return
		}
	}
}

func TestNewTail_failsWithoutATopic(t *testing.T) {
	kafka := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
	from := tally.Topics{Source: []string{"events"}, Responses: "missing", DeadLetters: "dlq"}
	if tail, err := tally.NewTail(t.Context(), tally.NewBook(mapping.PlainReader), from, kafka.Options()...); err == nil {
		tail.Close()
		t.Error("a missing topic is no error")
	}
}

// A topic that was deleted and recreated has other events at the offsets of the earlier ones.
func TestTail_outcomesOfAnEarlierTopicAreNotThoseOfTheEvents(t *testing.T) {
	kafka := kafkatest.Kafka(t, kafkatest.Topic("events", 1), kafkatest.Topic("responses", 1), kafkatest.Topic("dlq", 1))
	of := func(r *kgo.Record, cluster string, id topics.TopicID) *kgo.Record {
		for _, h := range [][2]string{
			{"group", "deskstream.crm"},
			{"source", "events/0/0"},
			{"source.epoch", "0"},
			{"source.topic_id", id.String()},
			{"cluster", cluster},
			{"destination", "crm"},
			{"outcome", "delivered"},
			{"round", "0"},
		} {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: "deskstream." + h[0], Value: []byte(h[1])})
		}
		return r
	}
	id := topics.TopicID(kafka.TopicInfo("events").TopicID)
	earlier := letter("letter-0")
	for _, h := range [][2]string{
		{"version", "1"},
		{"id", "00000000000000000000000000000001"},
		{"source.topic", "events"},
		{"source.partition", "0"},
		{"source.offset", "0"},
		{"destination", "crm"},
		{"stage", "map"},
		{"class", "invalid"},
		{"code", "panic"},
		{"redrive.round", "0"},
		{"source.topic_id", topics.TopicID{9}.String()},
	} {
		earlier.Headers = append(earlier.Headers, kgo.RecordHeader{Key: "dlq." + h[0], Value: []byte(h[1])})
	}
	kafka.Produce(t, event(0, "ada"), earlier, of(outcome(0, 1, delivered), "kfake", topics.TopicID{9}), of(outcome(0, 1, delivered), "another", id))
	book := tally.NewBook(byUser(), tally.Destination{Name: "crm", Type: "kustomer", BaseURL: baseURL})
	tail, err := tally.NewTail(t.Context(), book, tally.Topics{Source: []string{"events"}, Responses: "responses", DeadLetters: "dlq"}, kafka.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	go func() { _ = tail.Run(t.Context()) }()
	waitUntilCaughtUp(t, tail)
	if p := book.Progress()[0]; p.Events != 1 || p.Settled != 0 {
		t.Errorf("%d of %d events are settled, want none: the outcomes are of others", p.Settled, p.Events)
	}
	kafka.Produce(t, of(outcome(0, 1, delivered), "kfake", id))
	waitUntilCaughtUp(t, tail)
	if r := book.Report(nil); book.Progress()[0].Settled != 1 || slices.ContainsFunc(r.Faults, func(f string) bool { return !strings.Contains(f, "calls") }) {
		t.Errorf("settled %d, want 1; faults %q", book.Progress()[0].Settled, r.Faults)
	}
	kafka.Produce(t, of(outcome(0, 1, delivered), "kfake", topics.TopicID{9}))
	waitUntilCaughtUp(t, tail)
	if r := book.Report(nil); !slices.Contains(r.Faults, "outcomes of an earlier source topic of the name, or of another cluster: 1") {
		t.Errorf("the faults are %q", r.Faults)
	}
}
