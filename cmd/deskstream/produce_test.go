package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/deskstream/deskstream/internal/kafkatest"
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

func TestProduce_writesEventsAndNamesLinesThatItRefuses(t *testing.T) {
	t.Parallel()
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
	runCommand(t, "", "produce", "--sample", "--events", "20", "-c", file).want(t, exitOK, "", "20 events produced to events")
	if n := len(cluster.Consume(t, "events")); n != 21 {
		t.Errorf("%d records on the topic, want 21", n)
	}
}

func TestProduce_saysWhenNoBrokerAnswers(t *testing.T) {
	t.Parallel()
	file := withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), []string{"127.0.0.1:1"})
	runCommand(t, "{}", "produce", "-c", file).want(t, exitFault, "", "connecting to Kafka at 127.0.0.1:1")
}

func TestProduce_madeUpEventsEndWhenStopped(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	// Were it not refused, it would find no broker.
	file := writeFile(t, "c.yaml", "kafka: {brokers: [\"127.0.0.1:1\"]}\ndestinations:\n  - {name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}}\n")
	runCommand(t, "", "produce", "-c", file, "--sample").want(t, exitUsage, "",
		"--sample is for stub help desks, and the base_url of destination crm is https://api.kustomerapp.com")
}

func TestProduce_flagsOfMadeUpEventsNeedThem(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--events 3":             "--events is for --sample",
		"--rate 3":               "--rate is for --sample",
		"--sample --rate -1":     "cannot be negative",
		"--sample events.ndjson": "--sample takes no file",
	} {
		runCommand(t, "", append([]string{"produce", "-c", "c.yaml"}, strings.Fields(args)...)...).want(t, exitUsage, "", want)
	}
}
