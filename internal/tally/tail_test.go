package tally_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/tally"
	"github.com/deskstream/deskstream/mapping"
)

func TestTail_readsTheTopicsIntoTheBook(t *testing.T) {
	kafka := kafkatest.Kafka(t, kafkatest.Topic("events", 3), kafkatest.Topic("responses", 3), kafkatest.Topic("dlq", 3))
	w := newWorld()
	w.calls = w.calls[1:] // the first outcome's call was made in an earlier run
	kafka.Produce(t, w.events[0], w.outcomes[0])

	topics := tally.Topics{Source: []string{"events"}, Responses: "responses", DeadLetters: "dlq"}
	book := tally.NewBook(byUser(), tally.Destination{Name: "crm", Type: "kustomer", BaseURL: baseURL})
	tail, err := tally.NewTail(t.Context(), book, topics, kafka.Options()...)
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
	topics := tally.Topics{Source: []string{"events"}, Responses: "missing", DeadLetters: "dlq"}
	if tail, err := tally.NewTail(t.Context(), tally.NewBook(mapping.PlainReader), topics, kafka.Options()...); err == nil {
		tail.Close()
		t.Error("a missing topic is no error")
	}
}
