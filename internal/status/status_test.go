package status

import (
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/kafkatest"
)

func TestBetween_isWhereTheLagGoes(t *testing.T) {
	at := time.Now()
	older := Sample{At: at, groups: map[string]position{"crm": {end: 1000, settled: 400, lag: 600}}}
	for name, tt := range map[string]struct {
		newer position
		want  Rates
	}{
		"it shrinks":   {position{end: 1100, settled: 680, lag: 900}, Rates{Lag: 900, In: 10, Out: 28, Drain: 50}},
		"it grows":     {position{end: 1500, settled: 410, lag: 1090}, Rates{Lag: 1090, In: 50, Out: 1, Drain: math.Inf(1)}},
		"it stands":    {position{end: 1000, settled: 400, lag: 600}, Rates{Lag: 600, Drain: math.Inf(1)}},
		"nothing left": {position{end: 1000, settled: 1000}, Rates{Out: 60}},
		"slowly":       {position{end: 1000, settled: 410, lag: 590}, Rates{Lag: 590, Out: 1, Drain: 590}},
		"it keeps up":  {position{end: 2000, settled: 1390, lag: 610}, Rates{Lag: 610, In: 100, Out: 99, Drain: 610. / 99}},
	} {
		newer := Sample{At: at.Add(10 * time.Second), groups: map[string]position{"crm": tt.newer}}
		if got := Between(older, newer, "crm"); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// A group without an offset is behind by all that the topic holds, and one of its offsets by the rest.
func TestTake_countsWhatIsNotSettled(t *testing.T) {
	kafka := kafkatest.Kafka(t, kafkatest.Topic("events", 2))
	cfg := configtest.Parse(t, `
kafka: {brokers: [%q]}
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}}
  - {name: new, type: kustomer, kustomer: {api_key: key-for-kustomer}}
`, strings.Join(kafka.Brokers, ","))
	for i := range 10 {
		kafka.Produce(t, &kgo.Record{Topic: "events", Partition: int32(i % 2), Value: []byte("{}")})
	}
	admin := kadm.NewClient(kafka.Client(t))
	ends, err := admin.ListEndOffsets(t.Context(), "events")
	if err != nil {
		t.Fatal(err)
	}
	offsets, settled := make(kadm.Offsets), int64(0)
	ends.Each(func(l kadm.ListedOffset) {
		if l.Offset > 0 {
			offsets.AddOffset("events", l.Partition, 1, -1)
			settled++
		}
	})
	if err := admin.CommitAllOffsets(t.Context(), "deskstream.crm", offsets); err != nil {
		t.Fatal(err)
	}
	report, err := TakeReport(t.Context(), Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Destinations: cfg.Destinations, Over: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if crm, added := report.Destinations[0], report.Destinations[1]; crm.Lag != 10-settled || added.Lag != 10 || crm.Error+added.Error != "" || crm.DrainSeconds != nil {
		t.Errorf("the report is %+v", report)
	}
	if text := report.Text(); !strings.Contains(text, "stands") {
		t.Errorf("the text is\n%s", text)
	}
}

func TestAsk_showsWhatAnInstanceKnowsOrWhyNot(t *testing.T) {
	answer := Answer{Version: "1", Pipelines: []Pipeline{
		{
			Destination: "crm", Joined: true, Partitions: 6, Open: 12, Hold: "http_503", HeldSince: "2026-12-01T00:00:00Z", OldestSeconds: 90, Budget: Budget{Calls: 108, WindowSeconds: 60, WaitSeconds: 30, UsedUp: true, Used: 77, Waiting: 3},
			Priorities: "track=high", ByPriority: []Priority{{Name: "high"}, {Name: "normal"}, {Name: "low", Open: 9, OldestSeconds: 7200}},
		},
		{Destination: "inbox"},
	}}
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(answer) }))
	defer good.Close()
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
	defer bad.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	r := Report{Instances: askAll(t.Context(), []string{good.URL + "/", bad.URL, closed.URL, good.URL + "/\x7f"})}
	text := r.Text()
	for _, want := range []string{
		"held: http_503 since 2026-12-01T00:00:00Z", "90s", "108 calls in 1m0s, 77 used, 3 events waiting, used up for 30s", "crm has 9 open events that are low, the oldest 2h00m old", "joining",
		"no answer: its response is not from an admin listener", "refused",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
