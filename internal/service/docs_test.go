package service

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// docsService is a service of which one destination works and the other is on hold with
// its intake full, so that every metric is there, and some letters were written.
func docsService(t *testing.T) (*Service, *kafkatest.Cluster) {
	t.Helper()
	kafka := kafkatest.Kafka(t)
	desks := stub.New(stub.Config{Seed: 1}, stubtrengo.New(nil), stubkustomer.New())
	desks.Desk(stubtrengo.Name).SetOutage(func(stub.Call) int { return http.StatusUnauthorized })
	desk := httptest.NewServer(desks)
	t.Cleanup(desk.Close)
	cfg, err := config.Parse("docs.yaml", fmt.Appendf(nil, `
kafka: {brokers: [%q]}
source: {dedup: 1h}
dead_letters: {dialects: [connect, spring, kip1191, xoriginal, streams]}
limits: {records: 1}
destinations:
  - {name: support-inbox, type: trengo, trengo: {api_token: t, base_url: "%[2]s%[3]s", channel_id: "123456"}}
  - {name: crm, type: kustomer, kustomer: {api_key: k, base_url: "%[2]s%[4]s", advanced_transform: false},
     rules: [{name: r, match: {event: [Nested]}, when: properties.gone == 1, ticket: {key: "{{ gone }}", note: x}}]}
`, strings.Join(kafka.Brokers, ","), desk.URL, stubtrengo.Path, stubkustomer.Path), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	set := cluster.TopicsOf(cfg, cfg.Destinations...)
	log := slog.New(slog.DiscardHandler)
	if err := cluster.Create(t.Context(), kafka.Client(t), set, log); err != nil {
		t.Fatal(err)
	}
	found, err := cluster.Verify(t.Context(), kafka.Client(t), set, log)
	if err != nil {
		t.Fatal(err)
	}
	opts, err := cluster.Options(cfg)
	if err != nil {
		t.Fatal(err)
	}
	book, err := codec.Open(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Parts{Options: Options{Config: cfg, Log: log}, Found: found, Codec: book, Connection: opts})
	if err != nil {
		t.Fatal(err)
	}
	events := []string{
		`{"type":"identify","messageId":"m-1","userId":"u-1","traits":{"email":"nora@example.com","name":"Nora"}}`,
		`{"type":"track","messageId":"m-2","userId":"u-1","event":"Nested","properties":{"a":{"b":1}}}`,
		`{"type":"identify","messageId":"m-1","userId":"u-1","traits":{"email":"nora@example.com","name":"Nora"}}`,
	}
	for _, event := range events {
		kafka.Produce(t, &kgo.Record{Topic: cfg.Source.Topics[0], Value: []byte(event)})
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the service ended with %v", err)
		}
	})
	docsAwait(t, func() bool {
		held, works := s.pipelines[0].Figures(), s.pipelines[1].Figures()
		return held.Hold.Active() && len(held.Paused) > 0 && works.Dead == 1 && works.Delivered == 1 && works.Skipped == 1
	})
	return s, kafka
}

// docsAwait waits until a condition is met.
func docsAwait(t *testing.T, met func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	over := time.After(time.Minute)
	for !met() {
		select {
		case <-tick.C:
		case <-over:
			t.Fatal("nothing came of it in a minute")
		}
	}
}

// docsNamed are the names in backticks at the beginnings of the rows of tables that
// match.
func docsNamed(t *testing.T, path, pattern string) map[string]bool {
	t.Helper()
	named := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*) \\|").FindAllStringSubmatch(docsFile(t, path), -1) {
		for _, m := range regexp.MustCompile("`("+pattern+")`").FindAllStringSubmatch(row[1], -1) {
			named[m[1]] = true
		}
	}
	return named
}

func TestDocs_theHeadersAreThoseOfTheService(t *testing.T) {
	_, kafka := docsService(t)
	const page = "../../docs/operations.md"
	there := map[string]bool{
		"dlq.redrive.plan": true,                        // of a letter that was sent again
		"dlq.rule":         true, "dlq.rule.hash": true, // of an event of a rule
		"dlq.steps": true, "dlq.steps.next": true, // of an event with steps
		"dlq.traceparent": true, // of an event with a trace
	}
	prefixes := make(map[string]bool)
	for _, r := range kafka.Consume(t, "dlq.events.deskstream") {
		for _, h := range r.Headers {
			if strings.HasPrefix(h.Key, "dlq.") {
				there[h.Key] = true
				continue
			}
			prefixes[regexp.MustCompile(`^(kafka_dlt-|x-[a-z]+-|__[a-z]+\.errors\.)`).FindString(h.Key)+"*"] = true
		}
	}
	if diff := cmp.Diff(there, docsNamed(t, page, `dlq\.[a-z._]+`)); diff != "" {
		t.Errorf("the table of a letter's headers differs from a letter (-there +named):\n%s", diff)
	}
	dialects := make(map[string]bool)
	for _, m := range regexp.MustCompile("`([a-z_.-]+\\*)`").FindAllStringSubmatch(docsFile(t, page), -1) {
		if strings.HasPrefix(m[1], "__") || strings.HasPrefix(m[1], "x-") || strings.HasPrefix(m[1], "kafka_dlt") {
			dialects[m[1]] = true
		}
	}
	if diff := cmp.Diff(prefixes, dialects); diff != "" {
		t.Errorf("the table of dialects differs from a letter (-there +named):\n%s", diff)
	}
	outcome := make(map[string]bool)
	for _, r := range kafka.Consume(t, "events.responses") {
		for _, h := range r.Headers {
			outcome[h.Key] = true
		}
	}
	if diff := cmp.Diff(outcome, docsNamed(t, page, `deskstream\.[a-z._]+`)); diff != "" {
		t.Errorf("the table of an outcome's headers differs from an outcome (-there +named):\n%s", diff)
	}
}

func docsFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
