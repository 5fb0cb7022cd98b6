package topics_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

const (
	responses   = "events.responses"
	deadLetters = "dlq.events.deskstream"
)

// bench is a writer on a cluster of its own, in a bubble.
type bench struct {
	*kafkatest.Cluster
	cfg    topics.Config
	writer *topics.Writer
	log    *logBuffer

	mu     sync.Mutex
	failed []string
}

// logBuffer is what the writer logs.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// fails notes a failure that the writer counts.
func (b *bench) fails(topic, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = append(b.failed, topic+" "+reason)
}

// failures are those that were noted.
func (b *bench) failures() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.failed)
}

func newBench(t *testing.T, change func(*topics.Config)) *bench {
	t.Helper()
	b := &bench{log: new(logBuffer)}
	b.Cluster = kafkatest.Kafka(t, kafkatest.Virtual(),
		kafkatest.Topic(responses, 3, "max.message.bytes", "16384"),
		kafkatest.Topic(deadLetters, 2, "max.message.bytes", "16384"))
	b.cfg = topics.Config{
		Responses: responses, Bodies: true, DeadLetters: deadLetters,
		Dialects: []topics.Dialect{topics.Connect, topics.Spring, topics.KIP1191},
		Group:    "deskstream.crm", Destination: "crm", DestinationType: "kustomer",
		AppVersion: "1.2.3",
		Failed:     b.fails,
	}
	if change != nil {
		change(&b.cfg)
	}
	cl := b.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytesFn(func(string) int32 { return 16384 }))
	b.cfg.Large = b.Client(t, topics.LargeOptions()...)
	b.writer = topics.NewWriter(b.cfg, cl, slog.New(slog.NewTextHandler(b.log, nil)))
	return b
}

// write waits until the entry is done, which has a day of the bubble's time.
func (b *bench) write(t *testing.T, e topics.Entry) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	defer cancel()
	errs := make(chan error, 1)
	b.writer.Write(ctx, e, func(_ int64, err error) { errs <- err })
	if err := <-errs; err != nil {
		t.Fatalf("writing the entry: %v", err)
	}
}

func (b *bench) only(t *testing.T, topic string) *kgo.Record {
	t.Helper()
	records := b.Consume(t, topic)
	if len(records) != 1 {
		t.Fatalf("%s holds %d records, want 1", topic, len(records))
	}
	return records[0]
}

func (b *bench) logged(message string) int { return strings.Count(b.log.String(), message) }

func source() *kgo.Record {
	return &kgo.Record{
		Topic: "events", Partition: 7, Offset: 118, LeaderEpoch: 4,
		Timestamp: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
		Key:       []byte("user-7"), Value: []byte(`{"type":"track"}`),
	}
}

func delivered() topics.Entry {
	return topics.Entry{
		ConfigHash: "c0ffee",
		Source:     source(), Lane: "user-7", Outcome: outcome(sink.Delivered),
		Origin:   topics.Origin{Cluster: "cluster-1", TopicID: topics.TopicID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
		Attempts: 1, Partitions: func() (int32, int32) { return 3, 2 },
	}
}

func dead() topics.Entry {
	e := delivered()
	e.Outcome = outcome(sink.Dead)
	status := 422
	e.Outcome.Error = &sink.ErrorInfo{
		Stage: sink.StageRequest, Class: sink.Rejected, Code: "http_422",
		HTTPStatus: &status, Message: `name is too long: 300 of 255`,
	}
	e.FirstAttempt = time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)
	e.LastAttempt = e.FirstAttempt.Add(1500 * time.Millisecond)
	e.Attempts = 2
	return e
}

func outcome(d sink.Disposition) *sink.Outcome {
	id, typ := "m-1", "track"
	return &sink.Outcome{
		Event:       sink.EventInfo{ID: &id, Type: &typ, Digest: sink.DigestOf(id)},
		Destination: sink.DestinationInfo{Name: "crm", Type: "kustomer"},
		Outcome:     d,
		Calls: []sink.CallRecord{{
			Method: "POST", URL: "https://x.test/v1/t?a=1&b=2", Attempts: 1,
			Request:  sink.RawJSONOf(mapping.Obj(mapping.Member{Name: "name", Value: mapping.Str("<b>")})),
			Response: sink.RawJSONOf(mapping.Obj(mapping.Member{Name: "id", Value: mapping.Int(42)})),
		}},
		IDs: map[string]string{"customer_id": "42"}, Warnings: []string{}, Schema: 1,
	}
}

func TestWrite_outcomeWaitsForItsLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		fault := b.FailProduce(deadLetters, -1, kerr.TopicAuthorizationFailed)
		outcomes := b.WatchProduce(responses)
		done := 0
		b.writer.Write(t.Context(), dead(), func(_ int64, err error) {
			if err != nil {
				t.Errorf("done with %v", err)
			}
			done++
		})

		time.Sleep(time.Hour)
		if done != 0 || outcomes.Hits() != 0 || fault.Hits() < 300 {
			t.Fatalf("done %d times, %d outcomes sent while the letter was refused %d times; want 0, 0, over 300",
				done, outcomes.Hits(), fault.Hits())
		}
		fault.Remove()
		time.Sleep(11 * time.Second)
		letter, out := b.only(t, deadLetters), readOutcome(t, b.only(t, responses))
		if id := header(t, letter, "dlq.id"); done != 1 || out.DLQID == nil || *out.DLQID != id {
			t.Errorf("done %d times, outcome names letter %v, want %s", done, out.DLQID, id)
		}
	})
}

func TestWrite_repeatsUntilTheBrokerAgrees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.FailProduce(responses, 5, kerr.TopicAuthorizationFailed)
		began := time.Now()
		b.write(t, delivered())

		// 100, 200, 400, 800 and 1600 ms, each less its jitter.
		if took := time.Since(began); took < 1500*time.Millisecond || took > 3500*time.Millisecond {
			t.Errorf("took %v, want five pauses that double", took)
		}
		b.only(t, responses)
		want := slices.Repeat([]string{responses + " TOPIC_AUTHORIZATION_FAILED"}, 5)
		if diff := cmp.Diff(want, b.failures()); diff != "" {
			t.Errorf("failures counted (-want +got):\n%s", diff)
		}
		if b.logged("topic write failed") != 1 || b.logged("topic writes recovered") != 1 {
			t.Errorf("want the beginning and the end logged once each, got:\n%s", b.log)
		}
	})
}

func TestWrite_waitsForATopicThatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		if err := b.DeleteTopic(responses); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Hour, func() {
			if err := b.CreateTopic(responses, 3, nil); err != nil {
				t.Errorf("creating the topic: %v", err)
			}
		})
		b.write(t, delivered())
		b.only(t, responses)
	})
}

func TestWrite_endsWithItsContext(t *testing.T) {
	stopped := errors.New("stopped")
	for _, topic := range []string{responses, deadLetters} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, nil)
			b.FailProduce(topic, -1, kerr.TopicAuthorizationFailed)
			ctx, cancel := context.WithCancelCause(t.Context())
			var got []error
			b.writer.Write(ctx, dead(), func(_ int64, err error) { got = append(got, err) })
			time.Sleep(time.Minute)
			// While it waits to be produced again: what the client has, it gives back in its own time.
			for n := len(b.failures()); len(b.failures()) == n; {
				time.Sleep(time.Millisecond)
			}
			synctest.Wait()
			cancel(stopped)
			synctest.Wait()
			if len(got) != 1 || !errors.Is(got[0], stopped) {
				t.Errorf("%s refused: done with %v, want once with the context's cause", topic, got)
			}
			time.Sleep(time.Minute)
			if len(got) != 1 {
				t.Errorf("%s refused: done %d times, want once", topic, len(got))
			}
		})
	}
}

func TestWrite_toAClosedClientEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		cl := b.Client(t)
		cl.Close()
		var reasons []string
		cfg := b.cfg
		cfg.Failed = func(_, reason string) { reasons = append(reasons, reason) }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		errs := make(chan error, 1)
		topics.NewWriter(cfg, cl, slog.New(slog.DiscardHandler)).
			Write(ctx, delivered(), func(_ int64, err error) { errs <- err })
		if err := <-errs; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("done with %v, want the context's error", err)
		}
		if len(reasons) == 0 || reasons[0] != "client_closed" {
			t.Errorf("reasons %v, want client_closed", reasons)
		}
	})
}

func TestWrite_givesTheOffsetOfTheOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.write(t, delivered())
		offsets := make(chan int64, 1)
		b.writer.Write(t.Context(), dead(), func(offset int64, _ error) { offsets <- offset })
		if got := <-offsets; got != 1 {
			t.Errorf("offset %d, want 1: the second outcome of the partition", got)
		}
	})
}

func readOutcome(t *testing.T, rec *kgo.Record) sink.Outcome {
	t.Helper()
	var out struct {
		sink.Outcome
		At     string
		Source json.RawMessage
	}
	if err := json.Unmarshal(rec.Value, &out); err != nil {
		t.Fatalf("outcome %s: %v", rec.Value, err)
	}
	return out.Outcome
}

// header is the last header of a name.
func header(t *testing.T, rec *kgo.Record, name string) string {
	t.Helper()
	for _, h := range slices.Backward(rec.Headers) {
		if h.Key == name {
			return string(h.Value)
		}
	}
	t.Fatalf("no header %s in %v", name, headerNames(rec))
	return ""
}

func headerNames(rec *kgo.Record) []string {
	names := make([]string, len(rec.Headers))
	for i, h := range rec.Headers {
		names[i] = h.Key
	}
	return names
}
