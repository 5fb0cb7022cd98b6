package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/sink"
)

// withSource adds settings of source to a configuration file.
func withSource(t *testing.T, file, settings string) string {
	t.Helper()
	return writeFile(t, "source.yaml", "source: {"+settings+"}\n"+readFile(t, file))
}

// lanesOf are the outcomes on standard output in short: id, lane, outcome or code, warnings.
func lanesOf(t *testing.T, stdout string) []string {
	t.Helper()
	var got []string
	for line := range strings.Lines(stdout) {
		var o sink.Outcome
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("stdout has a line that is no outcome (%v): %s", err, line)
		}
		text := func(s *string) string {
			if s == nil {
				return "-"
			}
			return *s
		}
		what := string(o.Outcome)
		if o.Error != nil {
			what = string(o.Error.Stage) + " " + string(o.Error.Code)
		}
		got = append(got, strings.Join(append([]string{text(o.Event.ID), text(o.Event.Lane), what}, o.Warnings...), "|"))
	}
	return got
}

const (
	wrapped   = `{"schema":{"type":"struct"},"userId":"outer","body":{"JSON":{"type":"track","messageId":17.0,"user":{"id":"u-1"},"event":"A"}}}`
	asText    = `{"body":{"JSON":"\ufeff{\"type\":\"track\",\"messageId\":\"m-2\",\"userId\":\"u-2\",\"event\":\"B\"}"}}`
	noSuch    = `{"type":"track","messageId":"m-3","userId":"u-3","event":"C"}`
	envelopes = "\uFEFF" + wrapped + "\n" + asText + "\n" + noSuch + "\n"
	inBody    = `unwrap: /body/JSON, fields: {userId: user.id}`
)

func TestDeliver_unwrapsEvents(t *testing.T) {
	t.Parallel()
	d := newDesk(t, created)
	got := runCommand(t, envelopes, "deliver", "-c", withSource(t, deskConfig(t, d.URL, "crm"), inBody))
	want := []string{"17|u-1|delivered", "m-2|u-2|delivered", "-|-|decode not_an_object"}
	sorted := cmp.Transformer("set", func(list []string) map[string]bool {
		set := map[string]bool{}
		for _, s := range list {
			set[s] = true
		}
		return set
	})
	if diff := cmp.Diff(want, lanesOf(t, got.stdout), sorted); diff != "" || got.code != exitDead {
		t.Errorf("exit code %d, outcomes (-want +got):\n%s", got.code, diff)
	}
}

func TestPlan_unwrapsEvents(t *testing.T) {
	t.Parallel()
	file := withSource(t, deskConfig(t, "http://127.0.0.1:1", "crm"), inBody)
	got := runCommand(t, envelopes, "plan", "--offline", "-c", file)
	got.want(t, exitOK, `"message":"/body/JSON is missing: source.unwrap says that it holds the event"`, "")
	if diff := cmp.Diff([]string{"17|u-1|planned", "m-2|u-2|planned", "-|-|decode not_an_object"}, lanesOf(t, got.stdout)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestPlan_wordsThatAreNoIDsAreThoseOfTheFile(t *testing.T) {
	t.Parallel()
	const events = `{"type":"track","messageId":"1","event":"A","userId":"guest","anonymousId":"a"}
{"type":"track","messageId":"2","event":"A","userId":"undefined","anonymousId":"a"}
{"type":"track","messageId":"3","event":"A","userId":0,"anonymousId":"a"}
{"type":"track","messageId":"4","event":"A","userId":7.5,"anonymousId":"a"}`
	const (
		word     = "|userId is a word that means nobody and was left out"
		zero     = "|userId is the number 0, which means nobody, and was left out"
		fraction = "|userId is a number with a fraction, or a very long one, and was left out"
	)
	for settings, want := range map[string][]string{
		`group: g`:        {"1|guest|planned", "2|a|planned" + word, "3|a|planned" + zero, "4|a|planned" + fraction},
		`no_ids: [guest]`: {"1|a|planned" + word, "2|undefined|planned", "3|a|planned" + zero, "4|a|planned" + fraction},
		`no_ids: []`:      {"1|guest|planned", "2|undefined|planned", "3|a|planned" + zero, "4|a|planned" + fraction},
	} {
		file := withSource(t, deskConfig(t, "http://127.0.0.1:1", "crm"), settings)
		got := runCommand(t, events, "plan", "--offline", "-c", file)
		if diff := cmp.Diff(want, lanesOf(t, got.stdout)); diff != "" {
			t.Errorf("%s: outcomes (-want +got):\n%s", settings, diff)
		}
	}
}

func TestProduce_keysAndRefusesByTheEventInTheEnvelope(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 3))
	file := withBrokers(t, withSource(t, deskConfig(t, "http://127.0.0.1:1", "crm"), inBody), cluster.Brokers)
	got := runCommand(t, envelopes, "produce", "-c", file)
	got.want(t, exitFault, "", "refused: line 3: not_an_object: /body/JSON is missing")
	want := map[string]string{"\uFEFF" + wrapped: "u-1", asText: "u-2"}
	if diff := cmp.Diff(want, keysOf(t, cluster, "events")); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestProduce_putsMadeUpEventsIntoTheEnvelope(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
	file := withBrokers(t, withSource(t, deskConfig(t, "http://127.0.0.1:1", "crm"), "unwrap: /body/JSON"), cluster.Brokers)
	runCommand(t, "", "produce", "-c", file, "--sample", "--events", "100").want(t, exitOK, "", "100 events produced")
	planned, marks := 0, 0
	for _, r := range cluster.Consume(t, "events") {
		if r.Value == nil {
			continue
		}
		if sample.FindMark(r.Value) != "" {
			marks++
		}
		got := lanesOf(t, runCommand(t, string(r.Value), "plan", "--offline", "-c", file).stdout)
		if len(got) == 1 && strings.HasSuffix(got[0], "|planned") {
			planned++
		}
	}
	if planned < 50 || marks < planned {
		t.Errorf("%d of 100 events would be delivered, %d have a mark", planned, marks)
	}
}

// A letter is the record as it stood on the source, and so can be sent again once the
// configuration says where its event is.
func TestRun_letterOfAnEnvelopeKeepsItsBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	path := w.config(settings{source: "  unwrap: event\n", reserve: 0.5})
	const (
		good = `{"event":{"type":"identify","userId":"u-1","messageId":21.0,"traits":{"email":"a@example.com","name":"Ann"}}}`
		bad  = "\uFEFF" + `{"payload":{"type":"identify","userId":"u-2","traits":{"email":"b@example.com","name":"Bob"}}, "x": [1.50]}`
	)
	w.Produce(t,
		&kgo.Record{Topic: eventsTopic, Partition: 1, Key: []byte("k-1"), Value: []byte(good)},
		&kgo.Record{Topic: eventsTopic, Partition: 2, Key: []byte("k-2"), Value: []byte(bad)})
	p := w.start(path, "--create-topics")
	w.awaitCommitted(p)
	p.stop()
	letters := w.Consume(t, lettersTopic)
	if len(letters) != 2 || string(letters[0].Value) != bad || string(letters[1].Value) != bad {
		t.Fatalf("%d letters, want the record as it was, once for each destination", len(letters))
	}
	lanes := map[string]int{}
	for _, r := range outcomeRecords(w.Consume(t, responsesTopic)) {
		lanes[string(r.Key)]++
	}
	if diff := cmp.Diff(map[string]int{"u-1": 2, "k-2": 2}, lanes); diff != "" {
		t.Errorf("lanes of the outcomes (-want +got):\n%s", diff)
	}
	w.command("explain", "-c", path, "21").want(exitOK, "read at events/1/0", "")
	w.command("dlq", "list", "-c", path).want(exitOK, "invalid not_an_object", "")

	fixed := w.config(settings{source: "  unwrap: payload\n", reserve: 0.5})
	plan := filepath.Join(t.TempDir(), "plan.json")
	w.command("dlq", "plan", "--every", "-c", fixed, "-o", plan).want(exitOK, "2 letters: 2 send", "")
	w.command("dlq", "apply", "-c", fixed, plan).want(exitOK, "2 delivered", "")
}
