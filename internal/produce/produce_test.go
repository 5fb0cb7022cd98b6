package produce_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/deploy/schemas"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/produce"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
)

func TestRun_keysEventsByTheirLane(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 3), kafkatest.Topic("other", 1))
	cfg := stubConfig(t, cluster.Brokers, "source: {topics: [events, other]}")
	lines := `{"userId":7}` + "\n\n" + `{"anonymousId":"a"}` + "\n" + `{"x":1}` + "\n"
	notes, err := run(t.Context(), t, produce.Options{Config: cfg, Events: strings.NewReader(lines)})
	if err != nil {
		t.Error(err)
	}
	wantNotes(t, notes, "3 events produced to events")
	want := map[string]string{`{"userId":7}`: "7", `{"anonymousId":"a"}`: "a", `{"x":1}`: "<null>"}
	if diff := cmp.Diff(want, keysOf(t, cluster, "events")); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if n := len(keysOf(t, cluster, "other")); n != 0 {
		t.Errorf("%d records on the second source topic, want none", n)
	}
}

func TestRun_refusesLinesThatAreNoEventByTheirNumbersUnlessRaw(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1), kafkatest.Topic("other", 1))
	cfg := stubConfig(t, cluster.Brokers, "")
	const lines = "{\"userId\":\"u\"}\nnot json\n\n[1]\n"
	notes, err := run(t.Context(), t, produce.Options{Config: cfg, Events: strings.NewReader(lines)})
	if err == nil || !strings.Contains(err.Error(), "2 lines") {
		t.Errorf("error %v, want one that counts 2 lines", err)
	}
	wantNotes(t, notes, "refused: line 2: not_json", "refused: line 4: not_an_object", "1 event produced to events")
	notes, err = run(t.Context(), t, produce.Options{Config: cfg, Events: strings.NewReader(lines), Raw: true, Topic: "other"})
	if err != nil {
		t.Error(err)
	}
	wantNotes(t, notes, "3 events produced to other")
	want := map[string]string{`{"userId":"u"}`: "u", "not json": "<null>", "[1]": "<null>"}
	if diff := cmp.Diff(want, keysOf(t, cluster, "other")); diff != "" {
		t.Errorf("raw lines (-want +got):\n%s", diff)
	}
	if n := len(keysOf(t, cluster, "events")); n != 1 {
		t.Errorf("%d records on the source topic, want 1", n)
	}
}

func TestRun_refusesLinesThatAreTooLargeForTheTopicAndNoOthers(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1), kafkatest.Topic("large", 1, "max.message.bytes", "2097152"))
	cfg := stubConfig(t, cluster.Brokers, "")
	lines := `{"userId":"a"}` + "\n" + `{"userId":"b","x":"` + strings.Repeat("x", 1_200_000) + `"}` + "\n" + `{"userId":"c"}` + "\n"
	notes, err := run(t.Context(), t, produce.Options{Config: cfg, Events: strings.NewReader(lines)})
	if err == nil || !strings.Contains(err.Error(), "1 line") {
		t.Errorf("error %v, want one that counts 1 line", err)
	}
	wantNotes(t, notes, "refused: line 2: it is too large for topic events", "2 events produced to events")
	if _, err := run(t.Context(), t, produce.Options{Config: cfg, Events: strings.NewReader(lines), Topic: "large"}); err != nil {
		t.Errorf("the topic that takes large records: %v", err)
	}
	if n := len(keysOf(t, cluster, "large")); n != 3 {
		t.Errorf("%d records on the topic that takes large ones, want 3", n)
	}
}

// The first error counts: the others only say that they were cancelled.
func TestRun_endsAtTheFirstRecordThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Kafka(t)
	lines := strings.Repeat("{}\n", 100)
	notes, err := run(t.Context(), t, produce.Options{Config: stubConfig(t, cluster.Brokers, ""), Events: strings.NewReader(lines)})
	if !errors.Is(err, kerr.UnknownTopicOrPartition) && !errors.Is(err, kgo.ErrRecordTimeout) || errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that the topic is unknown", err)
	}
	wantNotes(t, notes, "0 events produced to events")
}

// What was acknowledged before a stop is counted; the sender is silent by then.
func TestRun_aStopBeforeTheEndOfTheEventsIsAnError(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	written := cluster.WatchProduce("events")
	events, sender := io.Pipe()
	defer func() { _ = sender.Close() }()
	go func() {
		_, _ = io.WriteString(sender, "{\"userId\":\"a\"}\n")
		_ = written.Wait(ctx, 1)
		cancel()
	}()
	notes, err := run(ctx, t, produce.Options{Config: stubConfig(t, cluster.Brokers, ""), Events: events})
	if err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want one that says so in words", err)
	}
	if len(notes) != 1 || !strings.HasSuffix(notes[0], " produced to events") {
		t.Errorf("notes %q", notes)
	}
}

// schemaFile is a configuration's line with the example's schema of events.
func schemaFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "event.avsc")
	if err := os.WriteFile(path, []byte(schemas.Event), 0o600); err != nil {
		t.Fatal(err)
	}
	return "source: {format: avro, schema_file: " + path + "}"
}

func TestRun_writesAvroAndRefusesWhatDoesNotFitTheSchema(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
	cfg := stubConfig(t, cluster.Brokers, schemaFile(t))
	const lines = `{"type":"track","messageId":"m-1","userId":"u","event":"A"}` + "\nnot json\n" + `{"type":{"no":"text"}}` + "\n"
	notes, err := run(t.Context(), t, produce.Options{Config: cfg, Events: strings.NewReader(lines), Avro: true})
	if err == nil {
		t.Error("two lines do not fit, and there is no error")
	}
	wantNotes(t, notes, "refused: line 2: ", "refused: line 3: ", "1 event produced to events")
	schema, err := avro.Parse(schemas.Event)
	if err != nil {
		t.Fatal(err)
	}
	for value, key := range keysOf(t, cluster, "events") {
		event, err := schema.Decode([]byte(value), mapping.Pointer{})
		if err != nil || event.Get("messageId").Str() != "m-1" || key != "u" {
			t.Errorf("record %q with key %q is read as %s, %v", value, key, event.AppendJSON(nil), err)
		}
	}
}

func TestRun_avroWithoutASchemaIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
	_, err := run(t.Context(), t, produce.Options{Config: stubConfig(t, cluster.Brokers, ""), Events: strings.NewReader("{}"), Avro: true})
	if err == nil || len(keysOf(t, cluster, "events")) != 0 {
		t.Errorf("error %v, records %v", err, keysOf(t, cluster, "events"))
	}
}

func TestRun_aSourceThatCannotBeReadIsAFaultOfTheConfiguration(t *testing.T) {
	cfg := stubConfig(t, []string{"127.0.0.1:1"}, "")
	cfg.Source.Fields = map[string]string{"userId": " "}
	_, err := run(t.Context(), t, produce.Options{Config: cfg, Events: strings.NewReader("{}")})
	if _, ok := errors.AsType[*config.UsageError](err); !ok {
		t.Errorf("error %v, want a config.UsageError", err)
	}
}
