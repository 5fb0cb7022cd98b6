package produce_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/produce"
	"github.com/deskstream/deskstream/internal/sample"
)

// marks counts the events of a topic by their marks. Some odd ones show none.
func marks(t *testing.T, cluster *kafkatest.Cluster) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, r := range cluster.Consume(t, "events") {
		if mark := sample.FindMark(r.Value); mark != "" {
			found[mark]++
		}
	}
	return found
}

// The events go on where those of an earlier run ended, so that no number comes twice.
func TestSample_goesOnFromTheEventsOnTheTopic(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 3))
	cfg := stubConfig(t, cluster.Brokers, "")
	for range 2 {
		notes, err := run(t.Context(), t, produce.Options{Config: cfg, Sample: &produce.Sample{Events: 200, Seed: 1}})
		if err != nil {
			t.Error(err)
		}
		wantNotes(t, notes, "200 events produced to events")
	}
	found := marks(t, cluster)
	if len(found) < 300 {
		t.Errorf("%d of 400 events have a mark", len(found))
	}
	for mark, n := range found {
		if n > 1 {
			t.Errorf("%d events have the mark %s", n, mark)
		}
	}
}

func TestSample_followsFromItsSeed(t *testing.T) {
	values := func(seed uint64) string {
		cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
		o := produce.Options{Config: stubConfig(t, cluster.Brokers, ""), Sample: &produce.Sample{Events: 20, Seed: seed}}
		if _, err := run(t.Context(), t, o); err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for _, r := range cluster.Consume(t, "events") {
			text.WriteString(string(r.Value) + "\n")
		}
		return text.String()
	}
	first := values(1)
	if again := values(1); again != first {
		t.Error("one seed gives different events")
	}
	if values(2) == first {
		t.Error("two seeds give the same events")
	}
}

func TestSample_isWrappedAsTheSourceIsRead(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
	cfg := stubConfig(t, cluster.Brokers, "source: {unwrap: /payload}")
	if _, err := run(t.Context(), t, produce.Options{Config: cfg, Sample: &produce.Sample{Events: 10}}); err != nil {
		t.Fatal(err)
	}
	for _, r := range cluster.Consume(t, "events") {
		if text := string(r.Value); len(text) < 11 || text[:11] != `{"payload":` {
			t.Errorf("an event that is not in its envelope: %s", text)
		}
	}
}

// Odd events that fit no schema stand on the topic as they are: run has to meet them.
func TestSample_inAvroKeepsWhatDoesNotFitTheSchema(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
	notes, err := run(t.Context(), t, produce.Options{Config: stubConfig(t, cluster.Brokers, schemaFile(t)), Sample: &produce.Sample{Events: 300}, Avro: true})
	if err != nil {
		t.Error(err)
	}
	wantNotes(t, notes, "300 events produced to events")
	json := 0
	for _, r := range cluster.Consume(t, "events") {
		if len(r.Value) > 0 && r.Value[0] == '{' {
			json++
		}
	}
	if json == 0 || json > 30 {
		t.Errorf("%d of 300 events are in JSON, want the few that do not fit", json)
	}
}

// stopAt ends a run when there are events on the topic.
func stopAt(t *testing.T, cluster *kafkatest.Cluster, s produce.Sample) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	written := cluster.WatchProduce("events")
	go func() {
		_ = written.Wait(ctx, 1)
		cancel()
	}()
	_, err := run(ctx, t, produce.Options{Config: stubConfig(t, cluster.Brokers, ""), Sample: &s})
	return err
}

func TestSample_withoutALimitAStopIsItsEnd(t *testing.T) {
	if err := stopAt(t, kafkatest.Kafka(t, kafkatest.Topic("events", 1)), produce.Sample{Rate: 500}); err != nil {
		t.Errorf("error %v, want none", err)
	}
	if err := stopAt(t, kafkatest.Kafka(t, kafkatest.Topic("events", 1)), produce.Sample{Rate: 500, Events: 1_000_000}); err == nil {
		t.Error("events are missing, and there is no error")
	}
}

func TestSample_isForStubHelpDesksOnly(t *testing.T) {
	for url, permitted := range map[string]bool{
		"http://127.0.0.1:1": true, "HTTP://stub:9500/kustomer": true, "https://api.kustomerapp.com": false, "https://127.0.0.1:1": false,
	} {
		// Without a broker every run fails, and only a refusal is of the flag.
		cfg := configtest.Parse(t, `
kafka: {brokers: ["127.0.0.1:1"]}
destinations:
  - {name: stub, type: kustomer, kustomer: {api_key: key-of-the-desk, base_url: "http://127.0.0.1:1"}}
  - {name: crm, type: kustomer, kustomer: {api_key: key-of-the-desk, base_url: %q, allow_insecure: true}}
`, url)
		_, err := run(t.Context(), t, produce.Options{Config: cfg, Sample: &produce.Sample{Events: 1}})
		if _, refused := errors.AsType[*config.FlagError](err); refused == permitted {
			t.Errorf("%s: error %v, permitted should be %v", url, err, permitted)
		}
	}
}
