package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

func TestReceive_needsWebhooks(t *testing.T) {
	t.Parallel()
	file := writeFile(t, "c.yaml", "destinations: [{name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}}]\n")
	got := runCommand(t, "", "receive", "-c", file)
	got.want(t, exitUsage, "", "no destination has webhooks")
	got = runCommand(t, "", "receive", "-c", file, "--destination", "none")
	got.want(t, exitUsage, "", `no destination is called "none"`)
}

// A signal during the start and one while it serves both end it in good order.
func TestReceive_endsWithoutAnErrorWhenItIsStopped(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.Kafka(t)
	file := writeFile(t, "c.yaml", `
kafka: {brokers: ["`+strings.Join(kafka.Brokers, ",")+`"]}
inbound: {listen: "127.0.0.1:0"}
destinations: [{name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}, webhooks: {secrets: [a-secret-of-kustomer]}}]
`)
	for _, early := range []bool{true, false} {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan result, 1)
		go func() {
			ended <- runWith(ctx, func(string) (string, bool) { return "", false }, "", "receive", "-c", file, "--create-topics", "--monitor", "127.0.0.1:0")
		}()
		if !early {
			await(t, "a topic", func() bool { return kafka.TopicInfo("helpdesk.events") != nil })
		}
		stop()
		if got := <-ended; got.code != exitOK || strings.Contains(got.stderr, "Error") {
			t.Errorf("stopped early %v, it ends with %d:\n%s", early, got.code, got.stderr)
		}
	}
}

// Of two addresses the error names the one that another program has, and how to give another.
func TestReceive_namesTheAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.Kafka(t, kafkatest.Topic("helpdesk.events", 1, "max.message.bytes", "4194304"))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	taken := listener.Addr().String()
	for _, tt := range []struct{ inbound, http, monitor, setting, advice string }{
		{taken, "", "127.0.0.1:0", "opening inbound.listen: ", "give inbound.listen another one"},
		{"127.0.0.1:0", taken, "", "opening http.listen: ", "with --monitor"},
		{"127.0.0.1:0", "", taken, "opening --monitor: ", "with --monitor"},
	} {
		file := writeFile(t, "c.yaml", fmt.Sprintf(`
kafka: {brokers: [%q]}
http: {listen: %q}
inbound: {listen: %q}
destinations: [{name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}, webhooks: {secrets: [a-secret-of-kustomer]}}]
`, strings.Join(kafka.Brokers, ","), tt.http, tt.inbound))
		got := runCommand(t, "", "receive", "-c", file, "--monitor", tt.monitor)
		got.want(t, exitFault, "", tt.setting)
		if !strings.Contains(got.stderr, taken) || !strings.Contains(got.stderr, tt.advice) {
			t.Errorf("it does not say %q of %s:\n%s", tt.advice, taken, got.stderr)
		}
	}
}

// check --connect looks at the topic of events where a destination has webhooks.
func TestCheckConnect_theInboundTopic(t *testing.T) {
	t.Parallel()
	server := apis(t, map[string]int{kustomerCheck: http.StatusOK})
	for name, tt := range map[string]struct {
		inbound []kafkatest.Option
		exit    int
		want    string
	}{
		"well":      {[]kafkatest.Option{kafkatest.Topic("helpdesk.events", 3, "max.message.bytes", "4194304")}, exitOK, "inbound          helpdesk.events"},
		"too small": {[]kafkatest.Option{kafkatest.Topic("helpdesk.events", 3, "max.message.bytes", "1000000")}, exitOK, "set max.message.bytes=4194304"},
		"missing":   {nil, exitFault, "topic helpdesk.events does not exist"},
		"compacted": {[]kafkatest.Option{kafkatest.Topic("helpdesk.events", 3, "cleanup.policy", "compact")}, exitFault, "is compacted"},
	} {
		kafka := kafkatest.Kafka(t, append(tt.inbound, kafkatest.Topic("events", 1), kafkatest.Topic("events.responses", 1),
			kafkatest.Topic("dlq.events.deskstream", 1, "max.message.bytes", "2000000"))...)
		file := writeFile(t, "c.yaml", fmt.Sprintf(`
kafka: {brokers: [%q]}
destinations: [{name: crm, type: kustomer, kustomer: {api_key: s3cr3t-of-the-desk, base_url: %q}, webhooks: {secrets: [a-secret-of-kustomer]}}]
`, strings.Join(kafka.Brokers, ","), server.URL))
		got := runCommand(t, "", "check", "--connect", "-c", file)
		if got.code != tt.exit || !strings.Contains(strings.Join(strings.Fields(got.stdout), " "), strings.Join(strings.Fields(tt.want), " ")) {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s%s", name, got.code, tt.exit, tt.want, got.stdout, got.stderr)
		}
	}
}
