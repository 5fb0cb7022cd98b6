package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/sample"
)

// withBrokers adds brokers to a configuration file.
func withBrokers(t *testing.T, file string, brokers []string) string {
	t.Helper()
	return writeFile(t, "brokers.yaml", "kafka: {brokers: [\""+strings.Join(brokers, ",")+"\"]}\n"+readFile(t, file))
}

// keysOf maps the values on a topic to their keys; "<null>" for none.
func keysOf(t *testing.T, cluster *kafkatest.Cluster, topic string) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for _, r := range cluster.Consume(t, topic) {
		key := string(r.Key)
		if r.Key == nil {
			key = "<null>"
		}
		keys[string(r.Value)] = key
	}
	return keys
}

func TestProduce_keysEventsByTheirLane(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 3))
	file := withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), cluster.Brokers)
	got := runCommand(t, `{"userId":7}`+"\n\n"+`{"anonymousId":"a"}`+"\n"+`{"x":1}`+"\n", "produce", "-c", file)
	got.want(t, exitOK, "", "3 events produced to events")
	want := map[string]string{`{"userId":7}`: "7", `{"anonymousId":"a"}`: "a", `{"x":1}`: "<null>"}
	if diff := cmp.Diff(want, keysOf(t, cluster, "events")); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestProduce_refusesLinesThatAreNoObject(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1), kafkatest.Topic("other", 1))
	file := withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), cluster.Brokers)
	events := writeFile(t, "e.ndjson", "{\"userId\":\"u\"}\nnot json\n\n[1]\n")
	got := runCommand(t, "", "produce", "-c", file, events)
	got.want(t, exitFault, "", "2 lines refused")
	for _, want := range []string{"line 2: not_json", "line 4: not_an_object", "1 event produced to events"} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, got.stderr)
		}
	}
	runCommand(t, "", "produce", "--raw", "--topic", "other", "-c", file, events).want(t, exitOK, "", "3 events produced to other")
	if n := len(keysOf(t, cluster, "events")); n != 1 {
		t.Errorf("%d records on the topic, want 1", n)
	}
}

func TestProduce_refusesLinesThatAreTooLargeForTheTopicAndNoOthers(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1), kafkatest.Topic("large", 1, largeMessages...))
	file := withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), cluster.Brokers)
	events := writeFile(t, "e.ndjson", `{"userId":"a"}`+"\n"+`{"userId":"b","x":"`+strings.Repeat("x", 1_200_000)+`"}`+"\n"+`{"userId":"c"}`+"\n")
	got := runCommand(t, "", "produce", "-c", file, events)
	got.want(t, exitFault, "", "1 line refused")
	for _, want := range []string{"refused: line 2: it is too large for topic events", "2 events produced to events"} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("stderr lacks %q:\n%s", want, got.stderr)
		}
	}
	if n := len(keysOf(t, cluster, "events")); n != 2 {
		t.Errorf("%d records on the topic, want 2", n)
	}
	runCommand(t, "", "produce", "--topic", "large", "-c", file, events).want(t, exitOK, "", "3 events produced to large")
	if n := len(keysOf(t, cluster, "large")); n != 3 {
		t.Errorf("%d records on the topic that takes large ones, want 3", n)
	}
}

func TestProduce_saysWhenTheTopicIsMissing(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Kafka(t)
	file := withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), cluster.Brokers)
	got := runCommand(t, "{}\n{}\n", "produce", "-c", file)
	got.want(t, exitFault, "", "producing to events: UNKNOWN_TOPIC")
	if !strings.Contains(got.stderr, "0 events produced") {
		t.Errorf("stderr does not say what was done:\n%s", got.stderr)
	}
}

func TestProduce_saysWhenNoBrokerAnswers(t *testing.T) {
	file := withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), []string{"127.0.0.1:1"})
	runCommand(t, "{}", "produce", "-c", file).want(t, exitFault, "", "connecting to Kafka at 127.0.0.1:1")
}

// The events go on where those of an earlier run ended, so that no number comes twice.
func TestProduce_makesUpEventsThatGoOnFromThoseOnTheTopic(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 3))
	file := withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), cluster.Brokers)
	for range 2 {
		runCommand(t, "", "produce", "-c", file, "--sample", "--events", "200").want(t, exitOK, "", "200 events produced to events")
	}
	marks := map[string]int{}
	for _, r := range cluster.Consume(t, "events") {
		if mark := sample.FindMark(r.Value); mark != "" {
			marks[mark]++
		}
	}
	if len(marks) < 300 {
		t.Errorf("%d of 400 events have a mark", len(marks))
	}
	for mark, n := range marks {
		if n > 1 {
			t.Errorf("%d events have the mark %s", n, mark)
		}
	}
}

func TestProduce_madeUpEventsEndWhenStopped(t *testing.T) {
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1))
	file := withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), cluster.Brokers)
	p := startProcess(t, "produce", "-c", file, "--sample", "--rate", "200")
	await(t, "some events", func() bool { return len(cluster.Consume(t, "events")) >= 3 })
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != exitOK {
		t.Errorf("exit %d, stderr:\n%s", code, p.stderr)
	}
}

func TestProduce_makesNothingUpForARealHelpDesk(t *testing.T) {
	// Were it not refused, it would find no broker.
	file := writeFile(t, "c.yaml", "kafka: {brokers: [\"127.0.0.1:1\"]}\ndestinations:\n  - {name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}}\n")
	runCommand(t, "", "produce", "-c", file, "--sample").want(t, exitUsage, "",
		"--sample is for stub help desks, and the base_url of destination crm is https://api.kustomerapp.com")
}

func TestProduce_flagsOfMadeUpEventsNeedThem(t *testing.T) {
	for args, want := range map[string]string{
		"--events 3":             "--events is for --sample",
		"--rate 3":               "--rate is for --sample",
		"--sample --rate -1":     "cannot be negative",
		"--sample events.ndjson": "--sample takes no file",
	} {
		runCommand(t, "", append([]string{"produce", "-c", "c.yaml"}, strings.Fields(args)...)...).want(t, exitUsage, "", want)
	}
}
