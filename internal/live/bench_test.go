package live

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// hundredThousand is of how many outcomes the benchmarks give the CPU time.
const hundredThousand = 100_000

// fetched is outcomes as a broker answers a fetch.
func fetched(b *testing.B, n int) *kmsg.FetchResponseTopicPartition {
	b.Helper()
	cluster := kafkatest.Kafka(b, kafkatest.Topic(topic, 1))
	cl := cluster.Client(b)
	for i := range n {
		o := []made{delivered, skipped, dead}[i%3]
		cl.Produce(b.Context(), o.record(i), nil)
	}
	if err := cl.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	all := new(kmsg.FetchResponseTopicPartition)
	for offset := int64(0); offset < int64(n); {
		req := kmsg.NewPtrFetchRequest()
		req.Version, req.MaxBytes = 12, 64<<20
		part := kmsg.NewFetchRequestTopicPartition()
		part.FetchOffset, part.PartitionMaxBytes, part.CurrentLeaderEpoch = offset, 64<<20, -1
		of := kmsg.NewFetchRequestTopic()
		of.Topic, of.Partitions, of.TopicID = topic, []kmsg.FetchRequestTopicPartition{part}, cluster.TopicInfo(topic).TopicID
		req.Topics = []kmsg.FetchRequestTopic{of}
		resp, err := cl.Broker(0).Request(b.Context(), req)
		if err != nil {
			b.Fatal(err)
		}
		found := resp.(*kmsg.FetchResponse).Topics[0].Partitions[0]
		o := kgo.ProcessFetchPartitionOpts{Topic: topic, Offset: offset}
		_, next := kgo.ProcessFetchPartition(o, &found, kgo.DefaultDecompressor(), nil)
		if next <= offset {
			b.Fatalf("nothing at %d", offset)
		}
		offset = next
		all.RecordBatches = append(all.RecordBatches, found.RecordBatches...)
	}
	return all
}

// The CPU time that a reader takes for 100,000 outcomes that it looks at: the decoding of what was
// fetched by the Kafka client, and what a hub does for its viewers.
func BenchmarkHub(b *testing.B) {
	const n = 10_000
	batches := fetched(b, n)
	for name, viewers := range map[string][]Filter{
		"nobody": nil, "one viewer": {{}}, "a filter by code": {{Codes: []string{"http_422"}}}, "sixteen viewers": make([]Filter, MaxViewers),
	} {
		b.Run(name, func(b *testing.B) {
			h := NewHub(nil)
			var list []*Viewer
			for _, f := range viewers {
				list = append(list, newViewer(h, f))
			}
			for b.Loop() {
				part, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: topic}, batches, kgo.DefaultDecompressor(), nil)
				if len(part.Records) != n {
					b.Fatalf("%d records", len(part.Records))
				}
				for _, rec := range part.Records {
					if err := h.take(b.Context(), list, asJSON, rec); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)*hundredThousand/n, "ms/100k")
		})
	}
}
