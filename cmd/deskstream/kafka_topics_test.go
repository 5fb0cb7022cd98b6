//go:build kafka

package main

import (
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
)

// refuse is an outage in which a help desk takes no credential.
func refuse(stub.Call) int { return http.StatusUnauthorized }

// made starts an instance that creates its topics, in a world that has none.
func made(t *testing.T) (*world, *process) {
	t.Helper()
	a := kafkatest.SharedApache(t)
	w := newWorld(t, onEmpty(a, worldOptions{}))
	p := w.start(w.config(settings{}), "--create-topics")
	t.Cleanup(func() {
		_, _ = w.Admin(t).DeleteTopics(t.Context(), w.topic(eventsTopic), w.topic(responsesTopic), w.topic(lettersTopic), w.topic(lettersTopic+".state"))
	})
	p.awaitLog("partitions assigned")
	return w, p
}

func TestKafka_topicsAreCreatedWithTheReplicationOfTheCluster(t *testing.T) {
	t.Parallel()
	w, p := made(t)
	second := w.start(w.config(settings{}), "--create-topics")
	w.produce(300, each(60))
	w.awaitCommitted(p)
	second.stop()
	p.stop()
	w.wantOnce()
	found, err := w.Admin(t).ListTopicsWithInternal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	offsets := found["__consumer_offsets"].Partitions.NumReplicas() // as the cluster's own topics
	for _, name := range []string{eventsTopic, responsesTopic, lettersTopic, lettersTopic + ".state"} {
		topic := found[w.topic(name)]
		if len(topic.Partitions) != 12 || topic.Partitions.NumReplicas() != offsets {
			t.Errorf("%s has %d partitions with %d replicas, want 12 with %d", name, len(topic.Partitions), topic.Partitions.NumReplicas(), offsets)
		}
	}
}

// noise is text that compression does not make small.
func noise(n int) []byte {
	raw := make([]byte, n/2+1)
	for i := range raw {
		raw[i] = byte(rand.Uint32()) //nolint:gosec // of no secret
	}
	return []byte(hex.EncodeToString(raw))[:n]
}

// largestRecord is a record that fits the source by one byte, as the broker says.
func largestRecord(t *testing.T, w *world) *kgo.Record {
	t.Helper()
	cl := w.Client(t, kgo.ProducerBatchMaxBytes(3<<20), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for size := cluster.DefaultMaxMessageBytes; ; size-- {
		r := &kgo.Record{Topic: w.topic(eventsTopic), Partition: 0, Key: []byte("large"), Value: noise(size)}
		err := cl.ProduceSync(t.Context(), r).FirstErr()
		if err == nil {
			return r
		}
		if !errors.Is(err, kerr.MessageTooLarge) {
			t.Fatalf("producing %d bytes: %v", size, err)
		}
	}
}

func TestKafka_theLargestRecordThatFitsGetsItsLetter(t *testing.T) {
	t.Parallel()
	w, p := made(t)
	largest := largestRecord(t, w)
	// What is over the limit as it is and below it in a batch that is compressed.
	zeros := &kgo.Record{Topic: w.topic(eventsTopic), Partition: 1, Key: []byte("zeros"), Value: make([]byte, 2_000_000)}
	cl := w.Client(t, kgo.ProducerBatchMaxBytes(3<<20), kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := cl.ProduceSync(t.Context(), zeros).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.awaitCommitted(p)
	p.stop()
	for _, destination := range []string{inbox, crm} {
		// Zeros look like a schema's id, and no registry is configured to ask for it.
		want := map[string]int{"dead decode/invalid/not_json": 1, "dead decode/invalid/unknown_schema": 1}
		if diff := cmp.Diff(want, w.outcomesOf(destination)); diff != "" {
			t.Errorf("outcomes of %s (-want +got):\n%s", destination, diff)
		}
	}
	whole := map[string]int{}
	for _, r := range w.Consume(t, w.topic(lettersTopic)) {
		for _, original := range []*kgo.Record{largest, zeros} {
			if string(r.Value) == string(original.Value) && string(r.Key) == string(original.Key) {
				whole[string(r.Key)]++
			}
		}
	}
	if diff := cmp.Diff(map[string]int{"large": 2, "zeros": 2}, whole); diff != "" {
		t.Errorf("letters with the original (-want +got):\n%s", diff)
	}
	t.Logf("the largest record has a value of %d bytes", len(largest.Value))
}

func TestKafka_aLetterThatItsTopicRefusesWaitsUntilItTakesMore(t *testing.T) {
	t.Parallel()
	w, p := made(t)
	w.setTopic(lettersTopic, "max.message.bytes", "20000")
	await(t, "the brokers to hold to that", func() bool {
		probe := &kgo.Record{Topic: w.topic(lettersTopic), Key: []byte("probe"), Value: noise(900_000)}
		cl := w.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		return errors.Is(cl.ProduceSync(t.Context(), probe).FirstErr(), kerr.MessageTooLarge)
	})
	large := &kgo.Record{Topic: w.topic(eventsTopic), Partition: 0, Key: []byte("large"), Value: noise(900_000)}
	w.Produce(t, large)
	w.produce(200, each(60))
	url := p.listening()
	await(t, "all but the letter to be settled", func() bool {
		p.alive()
		return metric(t, url, "deskstream_open_records", inbox) == 1 && metric(t, url, "deskstream_open_records", crm) == 1 && w.settled() == 400
	})
	const said = "record did not fit its topic in any form and waits"
	p.awaitLog(said)
	for _, destination := range []string{inbox, crm} {
		if at := w.Committed(t, w.group(destination), w.topic(eventsTopic))[0].At; at > large.Offset {
			t.Errorf("%s committed %d, past the record without a letter at %d", destination, at, large.Offset)
		}
	}
	w.setTopic(lettersTopic, "max.message.bytes", "2097152")
	w.awaitCommitted(p)
	p.stop()
	whole := 0
	for _, r := range w.Consume(t, w.topic(lettersTopic)) {
		if string(r.Value) == string(large.Value) {
			whole++
		}
	}
	if whole != 2 {
		t.Errorf("%d letters with the original, want 2", whole)
	}
	w.wantTimes(func(string, place) int { return 1 })
	if n := strings.Count(p.stderr.String(), said); n != 2 {
		t.Errorf("the log says %d times that the letter waits, want once for each destination", n)
	}
}
