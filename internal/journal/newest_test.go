package journal_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/kafkatest"
)

// newest returns the values of the newest records of the source topics a and b.
func newest(t *testing.T, c *kafkatest.Cluster, isolation string, n int) []string {
	t.Helper()
	cfg := configtest.Parse(t, `
kafka: {brokers: [%q]}
source: {topics: [a, b], isolation: %s}
destinations: [{name: crm, type: kustomer, kustomer: {api_key: key-of-the-desk}}]
`, strings.Join(c.Brokers, ","), isolation)
	records, err := journal.Newest(t.Context(), journal.Options{Config: cfg, Log: slog.New(slog.DiscardHandler)}, n)
	if err != nil {
		t.Fatal(err)
	}
	values := []string{}
	for _, r := range records {
		values = append(values, string(r.Value))
	}
	return values
}

func TestNewest_areThoseOfAllTopicsByTheirTimestamps(t *testing.T) {
	c := kafkatest.Kafka(t, kafkatest.Topic("a", 2), kafkatest.Topic("b", 1))
	if got := newest(t, c, "read_committed", 3); len(got) != 0 {
		t.Errorf("of empty topics: %v", got)
	}
	for _, at := range []struct {
		topic     string
		partition int32
		hour      int
	}{{"b", 0, 3}, {"b", 0, 5}, {"a", 0, 1}, {"a", 0, 4}, {"a", 1, 2}} {
		c.Produce(t, &kgo.Record{
			Topic: at.topic, Partition: at.partition, Value: fmt.Append(nil, at.hour), Timestamp: day.Add(time.Duration(at.hour) * time.Hour),
		})
	}
	for n, want := range map[int][]string{1: {"5"}, 3: {"3", "4", "5"}, 9: {"1", "2", "3", "4", "5"}} {
		if diff := cmp.Diff(want, newest(t, c, "read_committed", n)); diff != "" {
			t.Errorf("the newest %d (-want +got):\n%s", n, diff)
		}
	}
}

// Markers take offsets, so that the last few hold less than as many records.
func TestNewest_areFoundBehindTransactionMarkers(t *testing.T) {
	c := kafkatest.Kafka(t, kafkatest.Topic("a", 1), kafkatest.Topic("b", 1))
	cl := c.Client(t, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("a"))
	for i := range 5 { // each is followed by a marker, every second one is aborted
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Value: fmt.Append(nil, i)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), kgo.TransactionEndTry(i%2 == 0)); err != nil {
			t.Fatal(err)
		}
	}
	for isolation, want := range map[string][]string{"read_committed": {"0", "2", "4"}, "read_uncommitted": {"2", "3", "4"}} {
		if diff := cmp.Diff(want, newest(t, c, isolation, 3)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", isolation, diff)
		}
	}
}
