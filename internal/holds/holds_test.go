package holds_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/holds"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/sink/topics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const states, group = "letters.state", "deskstream.crm"

// instance is a Book of a process, and what it did with its destination.
type instance struct {
	*holds.Book

	mu    sync.Mutex
	held  bool
	since time.Time
	moved chan struct{}
}

// start starts an instance, which ends with the test.
func start(t *testing.T, c *kafkatest.Cluster) *instance {
	t.Helper()
	i := &instance{moved: make(chan struct{}, 100)}
	i.Book = holds.New(holds.Config{
		Topic: states, Groups: []string{group}, Connection: []kgo.Opt{kgo.SeedBrokers(c.Brokers...)}, Log: slog.New(slog.DiscardHandler),
		Changed: func(_ string, held bool, at time.Time) {
			i.mu.Lock()
			defer i.mu.Unlock()
			i.held, i.since = held, at
			i.moved <- struct{}{}
		},
	})
	if err := i.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { _ = i.Run(t.Context()) })
	t.Cleanup(running.Wait)
	return i
}

func (i *instance) isHeld() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.held
}

// await waits until the instance holds its destination, or does not.
func (i *instance) await(held bool) {
	for i.isHeld() != held {
		<-i.moved
	}
}

func TestBook_aHoldReachesAllAndWhoStartsLater(t *testing.T) {
	t.Parallel()
	c := kafkatest.Kafka(t, kafkatest.Topic(states, 3))
	c.Produce(t, &kgo.Record{Topic: states, Key: topics.HoldKey("another.group"), Value: []byte("{}")})
	told, other := start(t, c), start(t, c)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := told.Hold(t.Context(), group, at); err != nil {
		t.Fatal(err)
	}
	if !told.isHeld() || !told.Held(group) {
		t.Error("the instance that was told does not hold")
	}
	other.await(true)
	later := start(t, c)
	if !later.isHeld() || !later.since.Equal(at) {
		t.Errorf("an instance that starts later: held %v since %v, want true since %v when it has begun", later.isHeld(), later.since, at)
	}
	if err := later.Resume(t.Context(), group); err != nil {
		t.Fatal(err)
	}
	told.await(false)
	other.await(false)
	if last := start(t, c); last.isHeld() {
		t.Error("a hold that was resumed is found again")
	}
}

// People may write and remove the record with a tool of Kafka's.
func TestBook_followsWhatOthersWrite(t *testing.T) {
	t.Parallel()
	c := kafkatest.Kafka(t, kafkatest.Topic(states, 3))
	i := start(t, c)
	c.Produce(t, &kgo.Record{Topic: states, Key: topics.HoldKey(group), Value: []byte("by hand")})
	i.await(true)
	c.Produce(t, &kgo.Record{Topic: states, Key: topics.HoldKey(group)})
	i.await(false)
}

func TestBook_withoutATopicSaysSo(t *testing.T) {
	t.Parallel()
	c := kafkatest.Kafka(t)
	i := start(t, c)
	err := i.Hold(t.Context(), group, time.Now())
	if err == nil || i.isHeld() || i.Held(group) {
		t.Fatalf("held %v, error %v, want one that says that the topic does not exist", i.isHeld(), err)
	}
}

// Only a person ends a hold: a topic that is deleted and created again does not.
func TestBook_aRecreatedTopicGetsTheHoldAgain(t *testing.T) {
	t.Parallel()
	c := kafkatest.Kafka(t, kafkatest.Topic(states, 1))
	i := start(t, c)
	if err := i.Hold(t.Context(), group, time.Now()); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.DeleteTopic(t.Context(), states); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.CreateTopic(t.Context(), 1, 1, nil, states); err != nil {
		t.Fatal(err)
	}
	for { // until it has noticed and written
		ends, err := admin.ListEndOffsets(t.Context(), states)
		if o, ok := ends.Lookup(states, 0); err == nil && ok && o.Offset > 0 {
			break
		}
		if t.Context().Err() != nil {
			t.Fatal("the hold is not on the new topic")
		}
	}
	if later := start(t, c); !i.isHeld() || !later.isHeld() {
		t.Error("the hold is gone with its topic")
	}
}

// A topic that was deleted has no record to remove, and must not keep a destination on hold for ever.
func TestBook_aHoldEndsWhenItsTopicIsGone(t *testing.T) {
	t.Parallel()
	c := kafkatest.Kafka(t, kafkatest.Topic(states, 1))
	i := start(t, c)
	if err := i.Hold(t.Context(), group, time.Now()); err != nil {
		t.Fatal(err)
	}
	if !i.OnRecord(group) || i.OnRecord("another.group") {
		t.Error("it is not known which hold is on record")
	}
	if _, err := c.Admin(t).DeleteTopic(t.Context(), states); err != nil {
		t.Fatal(err)
	}
	for i.OnRecord(group) && t.Context().Err() == nil { // until it has noticed
		runtime.Gosched()
	}
	if !i.isHeld() {
		t.Error("the hold ended with its topic")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // as the service does
	defer cancel()
	if err := i.Resume(ctx, group); err != nil || i.isHeld() || i.Held(group) {
		t.Errorf("held %v, error %v, want it resumed", i.isHeld(), err)
	}
	if err := i.Hold(t.Context(), group, time.Now()); err == nil || errors.Is(err, kgo.ErrClientClosed) {
		t.Errorf("the error of a hold is %v, want one that names the topic", err)
	}
}

// Somebody may ask at once when an instance starts.
func TestBook_isAskedOnlyWhenItHasBegun(t *testing.T) {
	t.Parallel()
	b := holds.New(holds.Config{Topic: states})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Await(ended); err == nil {
		t.Error("no error before it has begun")
	}
	c := kafkatest.Kafka(t, kafkatest.Topic(states, 1))
	if err := start(t, c).Await(t.Context()); err != nil {
		t.Error(err)
	}
}
