//go:build kafka

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/sample"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// transaction produces events in a transaction and ends it.
func (w *world) transaction(cl *kgo.Client, n int, end kgo.TransactionEndTry) []*kgo.Record {
	w.t.Helper()
	if err := cl.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	records := w.events(n, each(20))
	if err := cl.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	if err := cl.EndTransaction(w.t.Context(), end); err != nil {
		w.t.Fatal(err)
	}
	return records
}

func TestKafka_abortedRecordsAreNotDeliveredAndMarkersAreNoHindrance(t *testing.T) {
	for name, source := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, real(t, worldOptions{sources: 2, others: 1}))
			cl := w.Client(t, kgo.TransactionalID(w.prefix+"producer"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
			w.remember(w.transaction(cl, 60, kgo.TryCommit))
			w.transaction(cl, 60, kgo.TryAbort)
			path := w.config(settings{source: source})
			p := w.start(path)
			w.awaitCommitted(p) // markers at the end of each partition included
			w.remember(w.transaction(cl, 60, kgo.TryCommit))
			w.produce(20, each(20))
			aborted := w.transaction(cl, 60, kgo.TryAbort)
			w.awaitCommitted(p)
			p.stop()
			w.wantOnce()
			for _, c := range w.writes() {
				if c.Mark == sample.FindMark(aborted[len(aborted)-1].Value) {
					t.Errorf("an aborted record was delivered: %+v", c)
				}
			}
			w.runToTheEnd(path)
			w.wantOnce()
		})
	}
}

func TestKafka_aTransactionThatDoesNotEndShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, real(t, worldOptions{sources: 2, others: 1}))
	cl := w.Client(t, kgo.TransactionalID(w.prefix+"producer"), kgo.TransactionTimeout(10*time.Minute), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	first := w.events(20, each(20))
	if err := cl.ProduceSync(t.Context(), first...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.remember(first)
	w.produce(20, each(20)) // in no transaction, and behind it
	p := w.start(w.config(settings{}))
	url := p.listening()
	await(t, "the metric to show it", func() bool { return metric(t, url, "deskstream_open_transaction_seconds", crm) > 0 })
	if n := len(w.writes()); n > 0 {
		t.Errorf("%d writes behind an open transaction", n)
	}
	if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	w.awaitCommitted(p)
	await(t, "the metric to be 0", func() bool { return metric(t, url, "deskstream_open_transaction_seconds", crm) == 0 })
	p.stop()
	w.wantOnce()
}

func TestKafka_anUncommittedReaderTakesAbortedRecordsToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, real(t, worldOptions{sources: 2, others: 1}))
	cl := w.Client(t, kgo.TransactionalID(w.prefix+"producer"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	w.remember(w.transaction(cl, 40, kgo.TryAbort))
	w.runToTheEnd(w.config(settings{source: "  isolation: read_uncommitted\n"}))
	w.wantOnce()
}

func TestKafka_aCompactedSourceIsDeliveredAsFarAsItIsThere(t *testing.T) {
	for name, source := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := real(t, worldOptions{stub: slow, sources: 1, others: 1})
			w := newWorld(t, o)
			// Each segment is compacted once it is no more written to, at once.
			w.setTopic(eventsTopic, "cleanup.policy", "compact", "segment.ms", "1000", "min.cleanable.dirty.ratio", "0.01",
				"min.compaction.lag.ms", "0", "max.compaction.lag.ms", "1000")
			w.produce(600, each(60))
			path := w.config(settings{source: source})
			p := w.start(path)
			await(t, "a third of the work", func() bool { p.alive(); return w.settled() > 400 })
			p.stop() // so that compaction takes what the commit points at
			rolled := time.Now()
			await(t, "Kafka to compact the topic", func() bool {
				if time.Since(rolled) > time.Second {
					w.produce(1, each(1)) // a segment ends with a record that comes late
					rolled = time.Now()
				}
				return len(w.Consume(t, w.topic(eventsTopic))) < 500
			})
			w.produce(30, each(60))
			before := w.outcomes()
			w.runToTheEnd(path)
			after, there := w.outcomes(), map[int64]bool{}
			for _, r := range w.Consume(t, w.topic(eventsTopic)) {
				there[r.Offset] = true
			}
			holes := 0
			for mark, at := range w.place {
				for _, destination := range []string{inbox, crm} {
					key := outcomeKey{destination, at.partition, at.offset}
					switch {
					case after[key] > 1:
						t.Errorf("%s (%+v) has %d outcomes at %s", mark, at, after[key], destination)
					case there[at.offset] && after[key] == 0:
						t.Errorf("%s (%+v) is there and has no outcome at %s", mark, at, destination)
					case !there[at.offset] && before[key] == 0:
						holes++
					}
				}
			}
			if holes == 0 {
				t.Error("compaction took nothing that was not delivered: nothing was tried")
			}
			t.Logf("%d records are left of %d", len(there), w.produced())
		})
	}
}

func TestKafka_whatRetentionTookIsCountedAndTheRestDelivered(t *testing.T) {
	for name, source := range protocols {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, real(t, worldOptions{sources: 1, others: 1}))
			w.produce(100, each(40))
			path := w.config(settings{source: source})
			w.runToTheEnd(path)
			w.produce(100, each(40))
			w.deleteRecords(eventsTopic, 150)
			p := w.start(path)
			url := p.listening()
			w.awaitCommitted(p)
			for _, destination := range []string{inbox, crm} {
				if n := metric(t, url, "deskstream_records_expired_total", destination); n != 50 {
					t.Errorf("%s counts %v expired records, want 50", destination, n)
				}
			}
			p.stop()
			w.wantTimes(func(_ string, at place) int {
				if at.offset >= 100 && at.offset < 150 {
					return 0
				}
				return 1
			})
			if n := strings.Count(p.stderr.String(), "records expired before they were read"); n != 2 {
				t.Errorf("the log tells %d times of expired records, want once for each destination", n)
			}
		})
	}
}

func TestKafka_retentionThatPassesTheCommitWhileTheProgramWaitsLosesNothingRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, real(t, worldOptions{sources: 1, others: 1}))
	w.desk.Desk(stubtrengo.Name).SetOutage(refuse)
	w.produce(100, each(40))
	p := w.start(w.config(settings{}))
	url := p.listening()
	await(t, "all to be read, and one destination on hold", func() bool {
		return metric(t, url, "deskstream_records_read_total", inbox) == 100 && metric(t, url, "deskstream_hold", inbox) == 1 && w.committedAll(crm)
	})
	w.deleteRecords(eventsTopic, 100)
	w.desk.Desk(stubtrengo.Name).SetOutage(nil)
	w.produce(20, each(40))
	w.awaitCommitted(p)
	p.stop()
	w.wantTimes(func(string, place) int { return 1 })
	if diff := cmp.Diff(map[string]int{"delivered": 120}, w.outcomesOf(inbox)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}
