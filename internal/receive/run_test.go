package receive_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/receive"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/mapping"
)

const token = "kustomer-token-1"

// running is a receiver that runs until the test ends, or stop is called.
type running struct {
	url, monitoring string
	stop            func() error
	client          *http.Client
}

func start(t *testing.T, o receive.Options, settings string) running {
	t.Helper()
	cfg := configtest.Parse(t, "%s", settings)
	addresses := make(chan [2]net.Addr, 1)
	o.Config, o.ConnectTimeout = cfg, 10*time.Second
	o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	o.Listening = func(webhooks, monitoring net.Addr) { addresses <- [2]net.Addr{webhooks, monitoring} }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- receive.Run(ctx, o) }()
	r := running{client: &http.Client{Timeout: 20 * time.Second}}
	over := false
	r.stop = func() error {
		cancel()
		over = true
		return <-ended
	}
	t.Cleanup(func() {
		if !over {
			if err := r.stop(); err != nil {
				t.Errorf("the receiver ended with %v", err)
			}
		}
	})
	select {
	case at := <-addresses:
		r.url, r.monitoring = "http://"+at[0].String(), "http://"+at[1].String()
	case err := <-ended:
		over = true
		t.Fatalf("the receiver ended with %v", err)
	}
	return r
}

// post sends a webhook of Kustomer, and returns the status.
func (r running) post(t *testing.T, body string) int {
	t.Helper()
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(body))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/webhooks/crm", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Kustomer-Webhook-Signature", hex.EncodeToString(mac.Sum(nil)))
	return r.do(t, req)
}

func (r running) do(t *testing.T, req *http.Request) int {
	t.Helper()
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func (r running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.monitoring+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func body(id string) string {
	return fmt.Sprintf(`{"id":%q,"name":"kustomer.conversation.create","data":{"type":"conversation","id":"c1","attributes":{"status":"open"}}}`, id)
}

func settings(kafka *kafkatest.Cluster, more string) string {
	return fmt.Sprintf(`
kafka: {brokers: [%q]}
http: {listen: "127.0.0.1:0"}
inbound: {topic: helpdesk, listen: "127.0.0.1:0"%s}
destinations:
  - {name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}, webhooks: {secrets: [%s]}}
`, strings.Join(kafka.Brokers, ","), more, token)
}

// events are the ids on the topic, by their order.
func events(t *testing.T, kafka *kafkatest.Cluster) (ids []string) {
	t.Helper()
	for _, r := range kafka.Consume(t, "helpdesk") {
		v, err := mapping.ParseObject(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, v.Get("id").Str())
	}
	return ids
}

// await waits until a condition is met.
func await(t *testing.T, met func() bool) {
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

func TestRun_createsTheTopicAndWritesEvents(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.Kafka(t)
	r := start(t, receive.Options{CreateTopic: true}, settings(kafka, ""))
	for _, id := range []string{"e1", "e2", "e3"} {
		if got := r.post(t, body(id)); got != http.StatusOK {
			t.Fatalf("%d", got)
		}
	}
	if got := events(t, kafka); strings.Join(got, " ") != "e1 e2 e3" {
		t.Errorf("events of one ticket: %v", got)
	}
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": `"kafka":true`, "/metrics": `deskstream_receive_events_total{destination="crm",type="ticket.created"} 3`} {
		if status, text := r.get(t, path); status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d, without %s", path, status, want)
		}
	}
	if err := r.stop(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// Too few replicas in sync are a 503 until there are enough.
func TestRun_waitsForAllReplicasInSync(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.Kafka(t, kafkatest.Topic("helpdesk", 3))
	r := start(t, receive.Options{}, settings(kafka, ""))
	fault := kafka.FailProduce("helpdesk", -1, kerr.NotEnoughReplicas)
	if got := r.post(t, body("e1")); got != http.StatusServiceUnavailable {
		t.Errorf("without enough replicas: %d", got)
	}
	if status, _ := r.get(t, "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("it is ready: %d", status)
	}
	fault.Remove()
	await(t, func() bool { return r.post(t, body("e1")) == http.StatusOK })
	if got := events(t, kafka); len(got) != 2 { // what was answered with 503 is written too, and repeated
		t.Errorf("events: %v", got)
	}
}

// A topic that is deleted and created again is written to.
func TestRun_writesToATopicThatWasRecreated(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.Kafka(t, kafkatest.Topic("helpdesk", 3))
	r := start(t, receive.Options{}, settings(kafka, ""))
	if got := r.post(t, body("e1")); got != http.StatusOK {
		t.Fatalf("%d", got)
	}
	admin := kafka.Admin(t)
	if _, err := admin.DeleteTopic(t.Context(), "helpdesk"); err != nil {
		t.Fatal(err)
	}
	if got := r.post(t, body("e2")); got != http.StatusServiceUnavailable {
		t.Errorf("without a topic: %d", got)
	}
	if _, err := admin.CreateTopic(t.Context(), 3, 1, nil, "helpdesk"); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return r.post(t, body("e3")) == http.StatusOK })
	if got := events(t, kafka); len(got) == 0 || got[len(got)-1] != "e3" {
		t.Errorf("events: %v", got)
	}
}

func TestRun_refusesATopicThatLosesEvents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		topics []kafkatest.Option
		want   string
	}{
		"none":      {nil, "topic helpdesk does not exist"},
		"compacted": {[]kafkatest.Option{kafkatest.Topic("helpdesk", 1, "cleanup.policy", "compact")}, "topic helpdesk is compacted"},
	} {
		kafka := kafkatest.Kafka(t, tt.topics...)
		cfg := configtest.Parse(t, "%s", settings(kafka, ""))
		err := receive.Run(t.Context(), receive.Options{Config: cfg, Log: slog.New(slog.DiscardHandler), ConnectTimeout: 10 * time.Second})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRun_needsADestinationWithWebhooks(t *testing.T) {
	t.Parallel()
	cfg := configtest.Parse(t, "destinations: [{name: crm, type: kustomer, kustomer: {api_key: key-for-kustomer}}]")
	for _, names := range [][]string{nil, {"crm"}, {"none"}} {
		err := receive.Run(t.Context(), receive.Options{Config: cfg, Log: slog.New(slog.DiscardHandler), Destinations: names})
		if err == nil {
			t.Errorf("of %v it runs", names)
		}
	}
}

// A renewed certificate is taken without a restart, and what is no TLS is refused without a word of
// it in the log.
func TestRun_speaksTLSAndTakesARenewedCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	first, second := newPair(t), newPair(t)
	first.write(t, certFile, keyFile)
	kafka := kafkatest.Kafka(t, kafkatest.Topic("helpdesk", 1))
	r := start(t, receive.Options{}, settings(kafka, fmt.Sprintf(", tls: {cert_file: %q, key_file: %q}", certFile, keyFile)))
	r.url = strings.Replace(r.url, "http://", "https://", 1)
	with := func(p pair) {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(p.cert)
		r.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "hooks.example"}, DisableKeepAlives: true}
	}
	with(first)
	if got := r.post(t, body("e1")); got != http.StatusOK {
		t.Fatalf("%d", got)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(r.url, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "secret-marker\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn)
	_ = conn.Close()
	await(t, func() bool {
		_, text := r.get(t, "/metrics")
		return strings.Contains(text, "deskstream_receive_connection_errors_total 1")
	})
	second.write(t, certFile, keyFile)
	with(second)
	await(t, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := r.client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
}

type pair struct{ cert, key []byte }

func (p pair) write(t *testing.T, certFile, keyFile string) {
	t.Helper()
	if err := os.WriteFile(certFile, p.cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyFile, p.key, 0o600); err != nil {
		t.Fatal(err)
	}
}

// With enrich the event has the ticket and the contact as the desk shows them; a desk that does not
// answer costs 2 seconds and no event.
func TestRun_addsTicketAndContact(t *testing.T) {
	t.Parallel()
	desks := stub.New(stub.Config{Seed: 1}, stubtrengo.New(nil), stubkustomer.New())
	server := httptest.NewServer(desks)
	t.Cleanup(server.Close)
	call := func(path, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer token-for-trengo")
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode >= 300 {
			text, _ := io.ReadAll(resp.Body)
			t.Fatalf("%s: %d %s", path, resp.StatusCode, text)
		}
	}
	call(stubtrengo.Path+"/channels/123456/contacts", `{"identifier":"ada@example.com","name":"Ada"}`)
	contact := firstID(t, server.URL+stubtrengo.Path+"/contacts?page=1&term=ada%40example.com")
	call(stubtrengo.Path+"/tickets", `{"channel_id":123456,"contact_id":`+contact+`,"subject":"Order 7"}`)
	ticket := firstID(t, server.URL+stubtrengo.Path+"/tickets?page=1")
	kafka := kafkatest.Kafka(t, kafkatest.Topic("helpdesk", 1))
	r := start(t, receive.Options{}, fmt.Sprintf(`
kafka: {brokers: [%q]}
http: {listen: "127.0.0.1:0"}
inbound: {topic: helpdesk, listen: "127.0.0.1:0"}
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: token-for-trengo, base_url: "%s"}
    webhooks: {secrets: [%s], enrich: true}
`, strings.Join(kafka.Brokers, ","), server.URL+stubtrengo.Path, token))
	send := func(text string) {
		t.Helper()
		at := fmt.Sprint(time.Now().Unix())
		mac := hmac.New(sha256.New, []byte(token))
		mac.Write([]byte(at + "." + text))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/webhooks/inbox/TICKET_CLOSED", bytes.NewReader([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Trengo-Signature", at+";"+hex.EncodeToString(mac.Sum(nil)))
		if got := r.do(t, req); got != http.StatusOK {
			t.Fatalf("%d", got)
		}
	}
	send("ticket_id=" + ticket)
	send("ticket_id=999999")
	send("ticket_id=../contacts/" + contact)
	desks.Desk(stubtrengo.Name).SetOutage(func(stub.Call) int { return stub.HoldAnswer })
	send("ticket_id=" + ticket)
	for i, record := range kafka.Consume(t, "helpdesk") {
		e, err := mapping.ParseObject(record.Value)
		if err != nil {
			t.Fatal(err)
		}
		first := i == 0
		if e.Get("enriched").IsTrue() != first || e.Get("enriched").Kind() != mapping.Bool {
			t.Errorf("event %d: enriched is %s", i, e.Get("enriched").Text())
		}
		if got := e.Get("ticket", "subject").Str() == "Order 7" && e.Get("contact", "name").Str() == "Ada"; got != first {
			t.Errorf("event %d: %s", i, e.JSON())
		}
	}
	for _, c := range desks.Desk(stubtrengo.Name).Received() {
		if strings.Contains(c.Path, "..") {
			t.Errorf("a call went to %s", c.Path)
		}
	}
}

// A credential that is renewed in its file is taken for what is read from the desk.
func TestRun_takesARenewedCredential(t *testing.T) {
	t.Parallel()
	const renewed = "renewed-token-for-trengo"
	desks := stub.New(stub.Config{Tokens: []string{renewed}}, stubtrengo.New(nil))
	server := httptest.NewServer(desks)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "key")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("former-token-for-trengo")
	kafka := kafkatest.Kafka(t, kafkatest.Topic("helpdesk", 1))
	r := start(t, receive.Options{}, fmt.Sprintf(`
kafka: {brokers: [%q]}
http: {listen: "127.0.0.1:0"}
inbound: {topic: helpdesk, listen: "127.0.0.1:0"}
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: "${file:%s}", base_url: %q}
    webhooks: {secrets: [%s], enrich: true}
`, strings.Join(kafka.Brokers, ","), file, server.URL+stubtrengo.Path, token))
	send := func(text string) int {
		t.Helper()
		at := fmt.Sprint(time.Now().Unix())
		mac := hmac.New(sha256.New, []byte(token))
		mac.Write([]byte(at + "." + text))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/webhooks/inbox/TICKET_CLOSED", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Trengo-Signature", at+";"+hex.EncodeToString(mac.Sum(nil)))
		return r.do(t, req)
	}
	calls := func(status int) (n int) {
		for _, c := range desks.Desk(stubtrengo.Name).Received() {
			if c.Status == status {
				n++
			}
		}
		return n
	}
	if got := send("ticket_id=1"); got != http.StatusOK || calls(http.StatusUnauthorized) == 0 {
		t.Fatalf("%d, with %d calls refused", got, calls(http.StatusUnauthorized))
	}
	write(renewed)
	n := 1
	await(t, func() bool {
		n++
		return send(fmt.Sprintf("ticket_id=%d", n)) == http.StatusOK && calls(http.StatusNotFound) > 0 // the stub knows no such ticket
	})
}

// firstID is the id of the first entry of a list.
func firstID(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer token-for-trengo")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	v, err := mapping.ParseJSON(text)
	if err != nil || v.Get("data").Len() == 0 {
		t.Fatalf("%s: %s, %v", url, text, err)
	}
	return v.Get("data").At(0).Get("id").Text()
}
