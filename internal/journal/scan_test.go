package journal_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/kafkatest"
)

func connector(c *kafkatest.Cluster) journal.Connect {
	return func(_ context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
		return kgo.NewClient(append(c.Options(), opts...)...)
	}
}

func find(t *testing.T, c *kafkatest.Cluster, topic string) journal.Extent {
	t.Helper()
	extent, err := journal.Find(t.Context(), c.Client(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	return extent
}

func read(t *testing.T, c *kafkatest.Cluster, extents ...journal.Extent) []string {
	t.Helper()
	var got []string
	err := journal.Read(t.Context(), connector(c), func(r *kgo.Record) error {
		got = append(got, fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset))
		return nil
	}, extents...)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	return got
}

func TestRead_endsAtWhatWasThereWhenItBegan(t *testing.T) {
	c := kafkatest.Kafka(t, kafkatest.Topic("a", 3), kafkatest.Topic("b", 1))
	c.Produce(t, &kgo.Record{Topic: "a", Partition: 0}, &kgo.Record{Topic: "a", Partition: 2}, &kgo.Record{Topic: "b"})
	a, b := find(t, c, "a"), find(t, c, "b")
	c.Produce(t, &kgo.Record{Topic: "a", Partition: 0}, &kgo.Record{Topic: "a", Partition: 1})
	if diff := cmp.Diff([]string{"a/0/0", "a/2/0", "b/0/0"}, read(t, c, a, b)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if a.Len() != 2 {
		t.Errorf("the extent has %d offsets, want 2", a.Len())
	}
}

func TestRead_ofNothingEnds(t *testing.T) {
	c := kafkatest.Kafka(t, kafkatest.Topic("a", 3))
	if got := read(t, c, find(t, c, "a")); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestRead_seesNoAbortedRecordAndEndsBehindAMarker(t *testing.T) {
	c := kafkatest.Kafka(t, kafkatest.Topic("a", 1))
	cl := c.Client(t, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("a"))
	for _, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), &kgo.Record{}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"a/0/0"}, read(t, c, find(t, c, "a"))); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestRead_endsWithTheErrorOfWhatTakesTheRecords(t *testing.T) {
	c := kafkatest.Kafka(t, kafkatest.Topic("a", 1))
	c.Produce(t, &kgo.Record{Topic: "a"}, &kgo.Record{Topic: "a"})
	full, calls := errors.New("full"), 0
	err := journal.Read(t.Context(), connector(c), func(*kgo.Record) error { calls++; return full }, find(t, c, "a"))
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("error %v after %d calls, want %v after 1", err, calls, full)
	}
}

func TestFind_saysThatATopicIsMissing(t *testing.T) {
	c := kafkatest.Kafka(t)
	if _, err := journal.Find(t.Context(), c.Client(t), "nowhere"); !errors.Is(err, journal.ErrMissing) {
		t.Errorf("error %v, want %v", err, journal.ErrMissing)
	}
}

func TestExtent_countsWhatExpired(t *testing.T) {
	c := kafkatest.Kafka(t, kafkatest.Topic("a", 2))
	c.Produce(t, &kgo.Record{Topic: "a"}, &kgo.Record{Topic: "a"}, &kgo.Record{Topic: "a"}, &kgo.Record{Topic: "a", Partition: 1})
	if _, err := c.Admin(t).DeleteRecords(t.Context(), deleteTo("a", 0, 2)); err != nil {
		t.Fatal(err)
	}
	extent := find(t, c, "a")
	if offsets, partitions := extent.Expired(); offsets != 2 || partitions != 1 {
		t.Errorf("expired are %d offsets of %d partitions, want 2 of 1", offsets, partitions)
	}
	if diff := cmp.Diff([]string{"a/0/2", "a/1/0"}, read(t, c, extent)); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func deleteTo(topic string, partition int32, offset int64) kadm.Offsets {
	var to kadm.Offsets
	to.Add(kadm.Offset{Topic: topic, Partition: partition, At: offset})
	return to
}

func TestAfter_isWhereATimeBegins(t *testing.T) {
	c := kafkatest.Kafka(t, kafkatest.Topic("a", 2))
	began := time.UnixMilli(1_700_000_000_000)
	for i := range 3 {
		c.Produce(t, &kgo.Record{Topic: "a", Timestamp: began.Add(time.Duration(i) * time.Minute)})
	}
	c.Produce(t, &kgo.Record{Topic: "a", Partition: 1, Timestamp: began})
	from, err := journal.After(t.Context(), c.Client(t), "a", began.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/0/1", "a/0/2"}, read(t, c, find(t, c, "a").From(from))); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// Brokers take a timestamp of -1 for the end, and refuse others below 0.
func TestAfter_aTimeBefore1970IsTheStart(t *testing.T) {
	c := kafkatest.Kafka(t, kafkatest.Topic("a", 1))
	c.Produce(t, &kgo.Record{Topic: "a", Timestamp: time.UnixMilli(1)}, &kgo.Record{Topic: "a"})
	for _, ms := range []int64{0, -1, -2, -3, -3_600_000, time.Time{}.UnixMilli()} {
		from, err := journal.After(t.Context(), c.Client(t), "a", time.UnixMilli(ms))
		if err != nil || from[0] != 0 {
			t.Errorf("%d ms: offset %d, error %v, want the start", ms, from[0], err)
		}
	}
}
