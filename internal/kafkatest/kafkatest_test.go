package kafkatest_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

func TestConsume_givesAllRecordsByPartitionAndOffset(t *testing.T) {
	k := kafkatest.Kafka(t, kafkatest.Topic("events", 3))
	k.Produce(t,
		&kgo.Record{Topic: "events", Partition: 2, Value: []byte("c")},
		&kgo.Record{Topic: "events", Partition: 0, Value: []byte("a")},
		&kgo.Record{Topic: "events", Partition: 0, Value: []byte("b")},
	)

	var got []string
	for _, r := range k.Consume(t, "events") {
		got = append(got, string(r.Value))
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int32]int64{0: 2, 1: 0, 2: 1}, k.EndOffsets(t, "events")); diff != "" {
		t.Errorf("end offsets (-want +got):\n%s", diff)
	}
}

func TestConsume_ofAnEmptyTopicIsNothing(t *testing.T) {
	k := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
	if got := k.Consume(t, "events"); len(got) != 0 {
		t.Errorf("got %d records, want none", len(got))
	}
}

func TestCommitted_givesOffsetAndMetadata(t *testing.T) {
	k := kafkatest.Kafka(t, kafkatest.Topic("events", 2))
	offsets := make(kadm.Offsets)
	offsets.Add(kadm.Offset{Topic: "events", Partition: 1, At: 7, LeaderEpoch: -1, Metadata: "mark"})
	if err := k.Admin(t).CommitAllOffsets(t.Context(), "group", offsets); err != nil {
		t.Fatal(err)
	}

	got := k.Committed(t, "group", "events")
	if len(got) != 1 || got[1].At != 7 || got[1].Metadata != "mark" {
		t.Errorf("committed = %+v, want offset 7 with its mark in partition 1 only", got)
	}
}

func TestKafka_runsInABubbleWhereTimeIsFree(t *testing.T) {
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		k := kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic("events", 1))
		k.Produce(t, &kgo.Record{Topic: "events", Value: []byte("a")})
		time.Sleep(time.Hour)
		if got := k.Consume(t, "events"); len(got) != 1 {
			t.Errorf("got %d records, want 1", len(got))
		}
	})
	if took := time.Since(began); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

func TestFailProduce_failsTheGivenNumberOfRequests(t *testing.T) {
	k := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
	fault := k.FailProduce("events", 1, kerr.TopicAuthorizationFailed)
	cl := k.Client(t)

	err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "events"}).FirstErr()
	if !errors.Is(err, kerr.TopicAuthorizationFailed) || fault.Hits() != 1 {
		t.Errorf("first produce: %v after %d faults, want the fault's error", err, fault.Hits())
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "events"}).FirstErr(); err != nil {
		t.Errorf("second produce: %v", err)
	}
}

func TestHoldProduce_holdsUntilReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic("events", 1), kafkatest.Topic("other", 1))
		release := k.HoldProduce(t, "events")
		cl := k.Client(t)

		acked := make(chan error, 1)
		cl.Produce(t.Context(), &kgo.Record{Topic: "events"}, func(_ *kgo.Record, err error) { acked <- err })
		time.Sleep(time.Second)
		select {
		case err := <-acked:
			t.Fatalf("acknowledged while held: %v", err)
		default:
		}
		k.Produce(t, &kgo.Record{Topic: "other"})
		release()
		if err := <-acked; err != nil {
			t.Errorf("after the release: %v", err)
		}
	})
}
