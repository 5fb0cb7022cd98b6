package main

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// leftBehind is what a build left on a cluster: it delivered 14 events and was stopped, then it
// was given 26 more and was killed in the midst of them, before it committed any.
type leftBehind struct {
	Topics []struct {
		Topic      string
		ID         string
		Partitions int32
		Records    []struct {
			Partition  int32
			At         int64 // milliseconds
			Key, Value *string
			Headers    []struct {
				Key, Text string
				Bytes     []byte // where it is no text
			}
		}
	}
	// Groups have offsets by partition, of the topic events.
	Groups map[string]map[string]struct {
		Offset   int64
		Metadata string
	}
}

// records are those of the n-th topic.
func (l *leftBehind) records(n int) []*kgo.Record {
	bytes := func(text *string) []byte {
		if text == nil {
			return nil
		}
		return []byte(*text)
	}
	var records []*kgo.Record
	for _, r := range l.Topics[n].Records {
		c := &kgo.Record{Topic: l.Topics[n].Topic, Partition: r.Partition, Timestamp: time.UnixMilli(r.At), Key: bytes(r.Key), Value: bytes(r.Value)}
		for _, h := range r.Headers {
			value := []byte(h.Text)
			if h.Bytes != nil {
				value = h.Bytes
			}
			c.Headers = append(c.Headers, kgo.RecordHeader{Key: h.Key, Value: value})
		}
		records = append(records, c)
	}
	return records
}

// restore puts it all on a cluster of its own. The ids of topics are the new ones in the offsets'
// metadata, where they are all that is not as it was.
func restore(t *testing.T, left *leftBehind) *kafkatest.Cluster {
	t.Helper()
	opts := []kafkatest.Option{kafkatest.Fake(kfake.ClusterID("Aa1tAXoTXP_SQhIswLzAfw"))} // of the letters
	for _, topic := range left.Topics {
		settings := []string{"retention.ms", "-1"}
		if topic.Topic != eventsTopic {
			settings = append(settings, largeMessages...)
		}
		opts = append(opts, kafkatest.Topic(topic.Topic, topic.Partitions, settings...))
	}
	c := kafkatest.Kafka(t, opts...)
	var ids []string
	for n, topic := range left.Topics {
		found, err := c.Admin(t).ListTopics(t.Context(), topic.Topic)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, topic.ID, found[topic.Topic].ID.String())
		c.Produce(t, left.records(n)...)
	}
	for group, parts := range left.Groups {
		offsets := make(kadm.Offsets)
		for id, at := range parts {
			n, err := strconv.ParseInt(id, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			offsets.Add(kadm.Offset{
				Topic: eventsTopic, Partition: int32(n), At: at.Offset, LeaderEpoch: -1,
				Metadata: strings.NewReplacer(ids...).Replace(at.Metadata),
			})
		}
		if err := c.Admin(t).CommitAllOffsets(t.Context(), group, offsets); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// The records were written by the build of commit d5aa4ab on Apache Kafka 4.3.1: checkpoints of
// version 1, outcomes and letters without ids.
func TestRun_whatAnEarlierBuildLeftIsReadWithoutARepeat(t *testing.T) {
	t.Parallel()
	var left leftBehind
	if err := json.Unmarshal([]byte(readFile(t, filepath.Join("testdata", "upgrade", "d5aa4ab.json"))), &left); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, worldOptions{kafka: restore(t, &left), sources: 2, others: 2})
	events := left.records(0)
	next := make(map[int32]int64)
	for _, r := range events {
		r.Offset = next[r.Partition]
		next[r.Partition]++
	}
	w.remember(events)
	before := maps.Clone(w.outcomes())
	path := w.config(settings{letters: ", dialects: [connect, spring, kip1191]"})
	log := w.runToTheEnd(path, "--create-topics")
	warned := regexp.MustCompile(`(?m)^.*"level":"WARN","msg":"event dead-lettered.*$`).ReplaceAllString(log, "") // the events that have to die
	if strings.Contains(warned, `"level":"WARN"`) || strings.Contains(warned, `"level":"ERROR"`) || !strings.Contains(log, `"msg":"ledger read"`) {
		t.Errorf("the ledger was not read, or something was warned of:\n%s", log)
	}
	w.wantOnlyTheRest(before)
	for args, want := range map[string]string{
		"audit":    "80 outcomes: 64 delivered, 8 skipped, 8 dead; 0 duplicates, 0 missing, 0 conflicting",
		"dlq list": "8 letters", "dlq show " + string(left.records(2)[0].Headers[1].Value): "missing_event",
	} {
		runCommand(t, "", append(strings.Fields(args), "-c", path)...).want(t, exitOK, want, "")
	}
}

// wantOnlyTheRest fails the test unless each event was written once where it has no outcome
// among those that were there before, and nothing else was written.
func (w *world) wantOnlyTheRest(before map[outcomeKey]int) {
	w.t.Helper()
	delivered := make(map[outcomeKey]bool)
	for _, r := range outcomeRecords(w.Consume(w.t, responsesTopic)) {
		if entry, ok := topics.ParseEntry(r); ok && entry.Outcome == sink.Delivered {
			delivered[outcomeKey{entry.Destination, entry.Partition, entry.Offset}] = true
		}
	}
	for _, destination := range []string{inbox, crm} {
		times := w.timesWritten(destination)
		for mark, at := range w.place {
			key := outcomeKey{destination, at.partition, at.offset}
			want := 0
			if delivered[key] && before[key] == 0 {
				want = 1
			}
			if times[mark] != want {
				w.t.Errorf("%s was written %d times at %s, want %d; it had %d outcomes before", mark, times[mark], destination, want, before[key])
			}
		}
	}
}
