package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/wiring"
)

// apis is a stand-in for both vendors that answers each path with a status.
func apis(t *testing.T, status map[string]int) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cr3t-of-the-desk" {
			t.Errorf("%s: Authorization is %q", r.URL, r.Header.Get("Authorization"))
		}
		w.Header().Set("x-ratelimit-limit", "120")
		w.Header().Set("Location", "/elsewhere")
		code := status[r.Method+" "+r.URL.RequestURI()]
		if code == 0 {
			t.Errorf("unexpected call: %s %s", r.Method, r.URL)
		}
		w.WriteHeader(code)
	}))
	t.Cleanup(server.Close)
	return server
}

func connectConfig(t *testing.T, brokers, url string) string {
	t.Helper()
	return writeFile(t, "c.yaml", fmt.Sprintf(`
kafka: {brokers: ["%s"]}
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: s3cr3t-of-the-desk, base_url: "%s/api/v2/"}
  - name: crm
    type: kustomer
    kustomer: {api_key: s3cr3t-of-the-desk, base_url: "%s"}
`, brokers, url, url))
}

const trengoCheck, kustomerCheck = "GET /api/v2/contacts?page=1", "GET /v1/users/current"

func TestCheckConnect_allWell(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 3, "retention.ms", "3600000"),
		kafkatest.Topic("events.responses", 3), kafkatest.Topic("dlq.events.deskstream", 3, "max.message.bytes", "2000000"))
	server := apis(t, map[string]int{trengoCheck: 200, kustomerCheck: 200})
	got := runCommand(t, "", "check", "--connect", "-c", connectConfig(t, strings.Join(cluster.Brokers, ","), server.URL))
	got.want(t, exitOK, "3 partitions, retention 1h0m0s", "")
	for _, want := range []string{"brokers ", "source ", "responses ", "dead letters ", "schema registry ", `credential accepted, limit "120" per window`, "max.message.bytes 2000000"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the table lacks %q:\n%s", want, got.stdout)
		}
	}
	if strings.Contains(got.stdout, "failed") || strings.Contains(got.stdout, "s3cr3t-of-the-desk") {
		t.Errorf("got:\n%s", got.stdout)
	}
}

func TestCheckConnect_faultsSayWhatToDo(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 3))
	server := apis(t, map[string]int{trengoCheck: 401, kustomerCheck: 302})
	got := runCommand(t, "", "check", "--connect", "-c", connectConfig(t, strings.Join(cluster.Brokers, ","), server.URL))
	got.want(t, exitFault, "failed", "4 checks failed")
	for _, want := range []string{"create it or run with --create-topics", "401: the credential is not accepted", "302: a redirect"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the table lacks %q:\n%s", want, got.stdout)
		}
	}
}

func TestCheckConnect_wrongTopicSettingsFail(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1), kafkatest.Topic("events.responses", 1, "cleanup.policy", "compact"),
		kafkatest.Topic("dlq.events.deskstream", 1))
	server := apis(t, map[string]int{trengoCheck: 200, kustomerCheck: 200})
	got := runCommand(t, "", "check", "--connect", "-c", connectConfig(t, strings.Join(cluster.Brokers, ","), server.URL))
	got.want(t, exitFault, "cleanup.policy=delete", "2 checks failed")
	if !strings.Contains(got.stdout, "set max.message.bytes=") {
		t.Errorf("the table does not say which size is needed:\n%s", got.stdout)
	}
}

func TestCheckConnect_nothingAnswers(t *testing.T) {
	t.Parallel()
	got := runCommand(t, "", "check", "--connect", "-c", connectConfig(t, "127.0.0.1:1", "http://127.0.0.1:1"))
	got.want(t, exitFault, "connection refused: check base_url", "3 checks failed")
	if !strings.Contains(got.stdout, "check kafka.brokers, tls and sasl") {
		t.Errorf("the table does not say what to do:\n%s", got.stdout)
	}
}

// The credential comes back in a header that the table shows, and in one that is none and
// that net/http quotes.
func TestTryAPI_aCredentialThatComesBackIsNotShown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"header":          "HTTP/1.1 200 OK\r\nX-Ratelimit-Limit: %s\r\nContent-Length: 0\r\n\r\n",
		"broken header":   "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"broken protocol": "%s\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = conn.Close() }() // it was answered
				fmt.Fprintf(conn, answer, r.Header.Get("Authorization"))
			}))
			defer server.Close()
			const key = "s3cr3t-of-the-desk"
			cfg, err := config.Parse("c.yaml", fmt.Appendf(nil, "destinations: [{name: crm, type: kustomer, kustomer: {api_key: %s, base_url: %q}}]\n", key, server.URL), nil)
			if err != nil {
				t.Fatal(err)
			}
			found := wiring.CheckAPI(t.Context(), cfg.Destinations[0])
			if strings.Contains(found.Text, key) || !strings.Contains(found.Text, "[redacted]") {
				t.Errorf("found %q, want the answer with [redacted] in it", found.Text)
			}
		})
	}
}

func TestCheckConnect_outcomesThatExpireBeforeRepeatsAreAWarning(t *testing.T) {
	t.Parallel()
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 1), kafkatest.Topic("events.responses", 1, "retention.ms", "3600000"),
		kafkatest.Topic("dlq.events.deskstream", 1, "max.message.bytes", "2000000"))
	server := apis(t, map[string]int{trengoCheck: 200, kustomerCheck: 200})
	for dedup, warned := range map[string]bool{"0s": false, "1h": false, "61m": true} {
		path := connectConfig(t, strings.Join(cluster.Brokers, ","), server.URL)
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got := runCommand(t, "", "check", "--connect", "-c", writeFile(t, "c.yaml", fmt.Sprintf("source: {dedup: %s}\n%s", dedup, file)))
		got.want(t, exitOK, "responses ", "")
		if is := strings.Contains(got.stdout, "\ndedup "); is != warned {
			t.Errorf("dedup: %s: a warning: %v, want %v\n%s", dedup, is, warned, got.stdout)
		}
	}
}
