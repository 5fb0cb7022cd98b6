package topics_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/topics"
)

// aKey is the record of one of many keys.
func aKey(i int) topics.KeyRecord {
	return topics.KeyRecord{
		Group: "deskstream.desk", Name: keys.NameOf("events", "u-"+strconv.Itoa(i%1000), "k-"+strconv.Itoa(i)),
		Entry: keys.Entry{
			Ticket: fmt.Sprintf("%024x", i), Closed: i%3 == 0,
			By:      keys.Event{TopicID: keys.ID{1, 2}, Partition: int32(i % 12), Offset: int64(i), Epoch: 4, At: time.UnixMilli(1_790_000_000_123).UTC()},
			Claim:   keys.Claim{TopicID: keys.ID{3, 4}, Partition: int32(i % 12), Number: int64(i / 12)},
			Expires: time.Unix(1_800_000_000, 0).UTC(),
		},
	}
}

// A million keys are read at the start. See docs/performance.md.
func BenchmarkKeyFollower_readsAMillionKeys(b *testing.B) {
	const n = 1_000_000
	kafka := kafkatest.Kafka(b, kafkatest.Topic("keys", 12, "cleanup.policy", "compact"))
	cl := kafka.Client(b, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(100_000))
	var sent sync.WaitGroup
	for i := range n {
		sent.Add(1)
		cl.Produce(b.Context(), topics.NewKeyRecord("keys", 12, aKey(i)), func(_ *kgo.Record, err error) {
			if sent.Done(); err != nil {
				b.Error(err)
			}
		})
	}
	sent.Wait()
	for b.Loop() {
		store := new(keys.Store)
		f := topics.FollowKeys(topics.KeysOf{Topic: "keys", Group: "deskstream.desk", Options: kafka.Options()}, store, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(b.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = f.Run(ctx) })
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := f.Sync(ctx); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		cancel()
		running.Wait()
		runtime.GC()
		runtime.ReadMemStats(&after)
		if store.Len() != n {
			b.Fatalf("%d keys were read, want %d", store.Len(), n)
		}
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/n, "B/key")
		runtime.KeepAlive(store)
		b.StartTimer()
	}
}
