package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// The stub sends webhooks to loopback in plain http, and nowhere else: receive is in its network.
func TestStack_receiveIsWhereTheStubSends(t *testing.T) {
	t.Parallel()
	services := stack(t, nil).Services
	receive := services["receive"]
	cfg, err := stackSettings(t, receive)
	if err != nil {
		t.Fatal(err)
	}
	if receive.NetworkMode != "service:stub" || cfg.Inbound.PublicURL != "http://"+cfg.Inbound.Listen {
		t.Errorf("it listens at %s of %q, and is registered as %s", cfg.Inbound.Listen, receive.NetworkMode, cfg.Inbound.PublicURL)
	}
	if grace := time.Duration(*receive.StopGracePeriod); grace <= 15*time.Second {
		t.Errorf("it is killed after %v, and may take 15s to stop", grace)
	}
	for _, d := range cfg.Destinations {
		if dir := filepath.Dir(d.Webhooks.SecretsFile); len(receive.Tmpfs) != 1 || !strings.HasPrefix(receive.Tmpfs[0], dir+":") {
			t.Errorf("the secrets of %s are written to %s, and it can write in %v", d.Name, dir, receive.Tmpfs)
		}
	}
	if !strings.Contains(readFile(t, repository+"/docs/local-stack.md"), "docker compose exec receive /deskstream webhooks apply") {
		t.Error("the page does not say how the webhooks are registered")
	}
}

// The stack's configuration, at other addresses: webhooks are registered, come and are taken, and every list
// that is named is walked.
func TestStack_itsDesksSendAndList(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.Kafka(t)
	desk := stub.New(stub.Config{Limit: 1 << 30}, stubtrengo.New(nil), stubkustomer.New())
	server := httptest.NewServer(desk)
	t.Cleanup(server.Close)
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("127.0.0.1:9410", address, "/tmp/", t.TempDir()+"/", "0.0.0.0:9400", "127.0.0.1:0", "every: 1m", "every: 0s").Replace(readFile(t, stackConfig))
	path := writeFile(t, "stack.yaml", text)
	env := lookup(map[string]string{
		"KAFKA_BROKERS": strings.Join(kafka.Brokers, ","), "TRENGO_BASE_URL": server.URL + stubtrengo.Path, "KUSTOMER_BASE_URL": server.URL + stubkustomer.Path,
	})
	command := func(args ...string) {
		t.Helper()
		if r := runWith(t.Context(), env, "", append(args, "-c", path)...); r.code != exitOK {
			t.Errorf("%v: %d %s", args, r.code, r.stderr)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan result, 1)
	go func() { ended <- runWith(ctx, env, "", "receive", "-c", path, "--create-topics") }()
	await(t, "receive", func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		return err == nil && conn.Close() == nil
	})
	command("webhooks", "apply")
	for _, event := range []string{"trengo&event=TICKET_CLOSED", "kustomer&event=kustomer.customer.create"} {
		resp, err := http.Post(server.URL+"/_stub/webhooks?destination="+event, "application/json", strings.NewReader(`{}`)) //nolint:noctx // a test's
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	await(t, "two events", func() bool { return len(kafka.Consume(t, "helpdesk.events")) == 2 })
	stop()
	if r := <-ended; r.code != exitOK {
		t.Errorf("receive ended with %d: %s", r.code, r.stderr)
	}
	command("export", "--create-topics")
	for _, topic := range []string{"support-inbox.users", "support-inbox.labels", "crm.users", "crm.teams"} {
		if len(kafka.Consume(t, "helpdesk.events."+topic)) == 0 {
			t.Errorf("%s is empty", topic)
		}
	}
}
