package hooks_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/hooks"
	"github.com/deskstream/deskstream/internal/kafkatest"
)

// The latest event of each destination is found whatever partition it is on, however far back, and
// whatever came after it: events of exports, those of others, and what was written since.
func TestPast_findsTheLatestEventOfEachDestination(t *testing.T) {
	kafka := kafkatest.Kafka(t, kafkatest.Topic("helpdesk.events", 3))
	now := time.Now().Truncate(time.Millisecond)
	record := func(partition int32, key, deskEvent string, ago time.Duration) *kgo.Record {
		return &kgo.Record{
			Topic: "helpdesk.events", Partition: partition, Timestamp: now.Add(-ago), Key: []byte(key),
			Value: fmt.Appendf(nil, `{"type":"ticket.closed","desk_event":%q}`, deskEvent),
		}
	}
	kafka.Produce(t,
		record(0, "old/ticket/1", "TICKET_CLOSED", 20*24*time.Hour),
		record(0, "crm/ticket/1", "x", 30*time.Hour), record(0, "crm/ticket/2", "x", 3*time.Hour),
		record(1, "crm/ticket/3", "x", 2*time.Hour), record(1, "crm", "export", time.Minute), record(1, "other/ticket/1", "x", time.Minute),
		record(2, "inbox/contact/7", "x", 5*time.Minute),
		&kgo.Record{Topic: "helpdesk.events", Partition: 2, Timestamp: now, Key: []byte("none/ticket/1"), Value: []byte("nonsense")},
	)
	past, err := hooks.LookBack(t.Context(), kafka.Client(t), "helpdesk.events")
	if err != nil {
		t.Fatal(err)
	}
	kafka.Produce(t, record(0, "crm/ticket/1", "x", 0))
	cfg := configtest.Parse(t, "kafka: {brokers: [%q]}\ndestinations: [{name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}}]", strings.Join(kafka.Brokers, ","))
	got, err := past.Last(t.Context(), cfg, slog.New(slog.DiscardHandler), []string{"crm", "inbox", "old", "none"})
	if err != nil {
		t.Fatal(err)
	}
	ago := make(map[string]time.Duration)
	for name, at := range got {
		ago[name] = now.Sub(at)
	}
	want := map[string]time.Duration{"crm": 2 * time.Hour, "inbox": 5 * time.Minute, "old": 20 * 24 * time.Hour}
	if diff := cmp.Diff(want, ago); diff != "" {
		t.Errorf("the latest events (-want +got):\n%s", diff)
	}
}
