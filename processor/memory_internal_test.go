package processor

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// alone is a processor with one active partition and no cluster.
func alone(limits Limits) (*Processor, *partition) {
	reader, err := mapping.NewReader(mapping.Layout{Lane: []string{"userId"}})
	if err != nil {
		panic(err)
	}
	log := slog.New(slog.DiscardHandler)
	p := &Processor{
		cfg: Config{Reader: reader, Limits: limits}, dest: &sink.Destination{}, log: log, life: context.Background(),
		metrics: &metrics{reasons: newReasons("crm", nil)}, member: newMembership(time.Minute), troubles: newTroubles(log),
	}
	p.topics, p.share = newTopicWatch(&p.cfg), newSourceShare(&p.cfg)
	p.book = newBook(p)
	part := p.book.newPartition(topicPartition{topic: "events"}, "")
	part.phase, part.live, part.next = active, true, 0
	p.book.parts[part.topicPartition] = part
	return p, part
}

// batch is a fetch of n records from an offset on, which are slices of one array, as
// the client decodes them. who names the user of an offset.
func batch(from int64, n int, who func(offset int64) string) kgo.Fetches {
	var values [][2]int
	var buf []byte
	for i := range n {
		at := len(buf)
		buf = fmt.Appendf(buf, `{"type":"track","userId":%q,"event":"E","properties":{"note":"%0200d"}}`, who(from+int64(i)), i)
		values = append(values, [2]int{at, len(buf)})
	}
	records := make([]kgo.Record, n)
	fetched := kgo.FetchPartition{Partition: 0}
	for i, v := range values {
		records[i] = kgo.Record{Topic: "events", Offset: from + int64(i), Value: buf[v[0]:v[1]:v[1]]}
		fetched.Records = append(fetched.Records, &records[i])
	}
	return kgo.Fetches{{Topics: []kgo.FetchTopic{{Topic: "events", Partitions: []kgo.FetchPartition{fetched}}}}}
}

// While the gate is closed nothing takes lanes from the queue. Those of partitions that went
// meanwhile go with them.
func TestMemory_aPartitionThatIsDroppedLeavesNothingInTheQueue(t *testing.T) {
	p, part := alone(Limits{Span: 1 << 20})
	p.book.queue.places = 100
	other := p.book.newPartition(topicPartition{topic: "events", id: 1}, "")
	other.phase, other.live, other.next = active, true, 0
	p.book.parts[other.topicPartition] = other
	for round := range 5 {
		for offset := range int64(1000) {
			p.book.takeInRecord(part, &kgo.Record{Topic: "events", Offset: offset, Value: fmt.Appendf(nil, `{"userId":"user-%d"}`, offset)})
		}
		if round == 0 {
			p.book.takeInRecord(other, &kgo.Record{Topic: "events", Partition: 1, Value: []byte(`{"userId":"stays"}`)})
		}
		inFlight, err := p.nextLane(t.Context())
		if err != nil || p.book.start(inFlight) == nil {
			t.Fatalf("round %d: no lane starts: %v", round, err)
		}
		p.book.release([]*partition{part})
		part = p.book.newPartition(part.topicPartition, "")
		part.phase, part.live, part.next = active, true, 0
		p.book.interrupted(inFlight, nil)
		if n := len(p.book.queue.lanes[mapping.Normal.Rank()]); n > 1 || p.book.queue.enough() {
			t.Fatalf("round %d: %d lanes are ready after their partition went, enough %v; want the other partition's alone", round, n, p.book.queue.enough())
		}
	}
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC() // what the first one finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A fetched record is a slice of its batch, and would keep all of it alive.
func TestMemory_whatWaitsKeepsItselfAliveAndNoMore(t *testing.T) {
	const size, stuckEvery = 500, 50
	batches := 1000
	if testing.Short() {
		batches = 300
	}
	p, part := alone(Limits{Records: 1 << 20, Bytes: 1 << 30, Lanes: 1 << 20, Span: 1 << 30})
	before := liveHeap()
	for b := range int64(batches) {
		p.book.takeIn(batch(b*size, size, func(offset int64) string {
			if offset%stuckEvery == 0 {
				return fmt.Sprint("stuck-", offset)
			}
			return fmt.Sprint("user-", offset)
		}))
		for l := p.book.queue.pop(mapping.Normal); l != nil; l = p.book.queue.pop(mapping.Normal) {
			if l.head.Offset%stuckEvery != 0 {
				part.inFlight++
				p.settled(&settling{lane: l, rec: l.head, entry: topics.Entry{Outcome: &sink.Outcome{Outcome: sink.Delivered}}}, -1, nil)
			}
		}
	}
	grown := liveHeap() - before
	if p.book.room.records != batches*size/stuckEvery || p.book.room.lanes != p.book.room.records {
		t.Fatalf("%d records open in %d lanes, want %d", p.book.room.records, p.book.room.lanes, batches*size/stuckEvery)
	}
	t.Logf("%d open records of %d fetched: heap grew by %d bytes, %d are counted", p.book.room.records, batches*size, grown, p.book.room.bytes)
	if grown > p.book.room.bytes {
		t.Errorf("heap grew by %d bytes, but only %d count against the limit", grown, p.book.room.bytes)
	}
	runtime.KeepAlive(p)
}
