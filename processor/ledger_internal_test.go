package processor

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

const ledgerTopic = "events.responses"

var ledgerOrigin = topics.Origin{Cluster: "4L6g3nShT-eMCtK--X86sw", TopicID: topics.TopicID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}

// outcomeOf is an outcome of the group g as it lies on the responses topic.
func outcomeOf(offset int64) *kgo.Record {
	return &kgo.Record{
		Topic: ledgerTopic, Key: fmt.Appendf(nil, "user-%d", offset%5000),
		Value: fmt.Appendf(nil, `{"event":{"id":"m-%d","type":"track","lane":"user-%d"},"outcome":"delivered","calls":[{"method":"POST","url":"https://api.kustomerapp.com/v1/tracking/identityEvent","status":201,"attempts":1}]}`, offset, offset%5000),
		Headers: []kgo.RecordHeader{
			{Key: "deskstream.group", Value: []byte("g")},
			{Key: "deskstream.source", Value: fmt.Appendf(nil, "events/0/%d", offset)},
			{Key: "deskstream.source.epoch", Value: []byte("0")},
			{Key: "deskstream.source.topic_id", Value: []byte(ledgerOrigin.TopicID.String())},
			{Key: "deskstream.cluster", Value: []byte(ledgerOrigin.Cluster)},
			{Key: "deskstream.destination", Value: []byte("crm")},
			{Key: "deskstream.outcome", Value: []byte("delivered")},
			{Key: "deskstream.round", Value: []byte("0")},
			{Key: "deskstream.event", Value: sink.DigestOf(fmt.Sprint("m-", offset)).AppendHex(nil)},
		},
	}
}

// stalled is a partition with n outcomes behind its checkpoint.
func stalled(n int64) (*ledgerReads, *partition) {
	part := &partition{topicPartition: topicPartition{topic: "events"}, n: 1, origin: ledgerOrigin}
	reads := newLedgerReads("g", ledgerTopic)
	reads.want(part, 0, n)
	return reads, part
}

func TestLedger_aLongStallTakesABitPerOutcome(t *testing.T) {
	const n = 500_000
	reads, part := stalled(n)
	before := liveHeap()
	for offset := range int64(n) {
		reads.take(outcomeOf(offset))
	}
	grown := liveHeap() - before
	done := reads.done(part)
	if done == nil || !done.has(0, 0) || !done.has(n-1, 0) || done.has(n, 0) || done.has(0, 1) {
		t.Fatal("the set is not that of the outcomes read")
	}
	if most := int64(256 << 10); grown > most {
		t.Errorf("%d outcomes take %d bytes, want at most %d", n, grown, most)
	}
	runtime.KeepAlive(reads)
}

// Several source partitions share a responses partition, which is read from the lowest of
// their positions on. What lies before a partition's own is no news of it.
func TestLedger_outcomesBeforeThePartitionsPositionCountForNothing(t *testing.T) {
	reads := newLedgerReads("g", ledgerTopic)
	part := &partition{topicPartition: topicPartition{topic: "events"}, n: 1}
	reads.want(part, 100, 200)
	for at, offset := range map[int64]int64{99: 7, 100: 8} {
		r := outcomeOf(offset)
		r.Offset = at
		reads.take(r)
	}
	if done := reads.done(part); done == nil || done.has(7, 0) || !done.has(8, 0) {
		t.Error("want the outcome at the position, and not the one before it")
	}
}

// A long span is read by two clients, one from its middle on.
func TestReadSpans_aLongSpanIsReadOnceAndInOrder(t *testing.T) {
	const partitions, each = 3, ledgerHalves/3 + 1000
	kafka := kafkatest.Kafka(t, kafkatest.Topic(ledgerTopic, partitions))
	client := kafka.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for i := range partitions * each {
		client.Produce(t.Context(), &kgo.Record{Topic: ledgerTopic, Partition: int32(i % partitions), Value: []byte("{}")}, nil)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The last 500 of each partition lie after the span.
	s := spans{topic: ledgerTopic, from: map[int32]int64{0: 0, 1: 100, 2: 7}, end: map[int32]int64{0: each - 500, 1: each - 500, 2: each - 500}}
	if n := len(s.halves()); n != 2 {
		t.Fatalf("%d clients read the span, want 2", n)
	}
	seen, latest := make(map[topicPartition]map[int64]int), make(map[topicPartition][2]int64)
	err := readSpans(t.Context(), s, func(r *kgo.Record) {
		of := topicPartition{r.Topic, r.Partition}
		if seen[of] == nil {
			seen[of], latest[of] = make(map[int64]int), [2]int64{-1, -1}
		}
		seen[of][r.Offset]++
		half, last := 0, latest[of]
		if r.Offset >= s.from[r.Partition]+(s.end[r.Partition]-s.from[r.Partition])/2 {
			half = 1
		}
		if r.Offset <= last[half] {
			t.Errorf("partition %d: offset %d comes after %d", r.Partition, r.Offset, last[half])
		}
		last[half] = r.Offset
		latest[of] = last
	}, kafka.Options(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for id, from := range s.from {
		got := seen[topicPartition{ledgerTopic, id}]
		if int64(len(got)) != s.end[id]-from {
			t.Errorf("partition %d: %d records are read, want %d", id, len(got), s.end[id]-from)
		}
		for offset := from; offset < s.end[id]; offset++ {
			if got[offset] != 1 {
				t.Fatalf("partition %d: offset %d is read %d times", id, offset, got[offset])
			}
		}
	}
}

// BenchmarkLedger compares the read of a takeover with one that looks at nothing.
func BenchmarkLedger(b *testing.B) {
	const n = 500_000
	kafka := kafkatest.Kafka(b, kafkatest.Topic(ledgerTopic, 1), kafkatest.Fake(kfake.DefaultNumPartitions(1)))
	client := kafka.Client(b, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for offset := range int64(n) {
		client.Produce(b.Context(), outcomeOf(offset), nil)
	}
	if err := client.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Run("plain", func(b *testing.B) {
		for b.Loop() {
			plain := kafka.Client(b, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{ledgerTopic: {0: kgo.NewOffset().At(0)}}))
			for read := 0; read < n; {
				read += plain.PollFetches(b.Context()).NumRecords()
			}
			plain.Close()
		}
	})
	b.Run("ledger", func(b *testing.B) {
		for b.Loop() {
			reads, _ := stalled(n)
			if err := reads.run(b.Context(), kafka.Options(), slog.New(slog.DiscardHandler)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("message ids", func(b *testing.B) {
		for b.Loop() {
			reads := newLedgerReads("g", ledgerTopic)
			reads.dedup = time.Hour
			part := &partition{topicPartition: topicPartition{topic: "events"}, n: 1, origin: ledgerOrigin, committed: n}
			reads.want(part, n, n)
			reads.wantRepeats(part, 0, n)
			if err := reads.run(b.Context(), kafka.Options(), slog.New(slog.DiscardHandler)); err != nil {
				b.Fatal(err)
			}
			if id, _ := topics.RepeatsOf(outcomeOf(n / 2)); !reads.seen(part).has(id, time.Now()) {
				b.Fatal("an id is missing")
			}
		}
	})
}

// progressAt is a progress of an event with a claim and a floor, at an offset of the topic.
func progressAt(at, offset, claim int64) *kgo.Record {
	r := outcomeOf(offset)
	r.Offset, r.Value = at, nil
	for i, h := range r.Headers {
		if h.Key == "deskstream.outcome" {
			r.Headers[i].Value = []byte("progress")
		}
	}
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: "deskstream.progress", Value: fmt.Appendf(nil, `{"claim":%d,"next":{"step":"ticket","mark":{"floor":"%d"},"at":"2026-01-02T03:04:05.000Z"}}`, claim, at)})
	return r
}

func outcomeAt(at, offset int64) *kgo.Record {
	r := outcomeOf(offset)
	r.Offset = at
	return r
}

func TestLedger_progress(t *testing.T) {
	tests := map[string]struct {
		records []*kgo.Record
		floor   string // of the progress of offset 7, "" for none
		top     int64
	}{
		"one":                               {[]*kgo.Record{progressAt(20, 7, 10)}, "20", 7},
		"the newest of a claim":             {[]*kgo.Record{progressAt(20, 7, 10), progressAt(22, 7, 10)}, "22", 7},
		"the newest of a claim, read first": {[]*kgo.Record{progressAt(22, 7, 10), progressAt(20, 7, 10)}, "22", 7},
		"the highest claim":                 {[]*kgo.Record{progressAt(20, 7, 12), progressAt(22, 7, 10)}, "20", 7},
		"ended by its outcome":              {[]*kgo.Record{progressAt(20, 7, 10), outcomeAt(21, 7)}, "", 7},
		"ended by its outcome, read first":  {[]*kgo.Record{outcomeAt(21, 7), progressAt(20, 7, 10)}, "", 7},
		"above what is settled":             {[]*kgo.Record{outcomeAt(19, 5), progressAt(20, 7, 10)}, "20", 7},
		"below what is settled":             {[]*kgo.Record{outcomeAt(19, 9), progressAt(20, 7, 10)}, "20", 9},
		"another event's":                   {[]*kgo.Record{progressAt(20, 8, 10)}, "", 8},
		"of the partition's earlier life":   {[]*kgo.Record{progressAt(3, 7, 2)}, "", 0},
		"below the committed offset":        {[]*kgo.Record{progressAt(20, 2, 10)}, "", 0},
		"with a header that cannot be read": {[]*kgo.Record{{Topic: ledgerTopic, Offset: 20, Headers: append(progressAt(20, 7, 1).Headers[:9], kgo.RecordHeader{Key: "deskstream.progress", Value: []byte("{")})}}, "", 0},
		"and a claim, which is no progress": {[]*kgo.Record{progressAt(20, 7, 10), claimRecord(21)}, "20", 7},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			reads := newLedgerReads("g", ledgerTopic)
			part := &partition{topicPartition: topicPartition{topic: "events"}, n: 1, origin: ledgerOrigin, committed: 3}
			reads.want(part, 5, 30)
			for _, r := range tt.records {
				reads.take(r)
			}
			part.progress, part.settled = reads.open(part), reads.done(part)
			got := ""
			if p := part.progressOf(&kgo.Record{Offset: 7}); p != nil {
				got = p.Next.Mark["floor"]
			}
			top := int64(0)
			if part.settled != nil {
				top = part.settled.top
			}
			if got != tt.floor || top != tt.top {
				t.Errorf("floor %q, the position is kept up to %d; want %q, %d", got, top, tt.floor, tt.top)
			}
			if part.progressOf(&kgo.Record{Offset: 7}) != nil {
				t.Error("the progress of one record is given twice")
			}
		})
	}
}

func claimRecord(at int64) *kgo.Record {
	r := outcomeAt(at, 3)
	for i, h := range r.Headers {
		if h.Key == "deskstream.outcome" {
			r.Headers[i].Value = []byte("claim")
		}
	}
	return r
}

func TestLedger_stepsOfAllEventsAreHandedOn(t *testing.T) {
	reads := newLedgerReads("g", ledgerTopic)
	var made []string
	reads.onRecord = func(_ string, s sink.StepRecord) { made = append(made, s.IDs["ticket_id"]) }
	r := outcomeAt(20, 7)
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: "deskstream.progress", Value: []byte(`{"steps":[{"name":"ticket","state":"done","ids":{"ticket_id":"42"}}]}`)})
	reads.take(r) // of a partition that nobody wants
	foreign := outcomeAt(21, 7)
	foreign.Headers = r.Headers
	foreign.Headers[0] = kgo.RecordHeader{Key: "deskstream.group", Value: []byte("other")}
	reads.take(foreign)
	if len(made) != 1 || made[0] != "42" {
		t.Errorf("made = %q, want 42 once", made)
	}
}
