//go:build kafka

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// entry is a way into the secured cluster: the lines below kafka in the configuration.
type entry struct {
	listener string
	settings string
}

func (e entry) yaml(s *secured) string {
	addresses := s.Listener(e.listener)
	if e.listener == "PLAINTEXT" {
		addresses = s.Brokers
	}
	return fmt.Sprintf("kafka:\n  brokers: [%s]\n%s", strings.Join(addresses, ","), e.settings)
}

func tlsSettings(more string) string { return "  tls: {enabled: true" + more + "}\n" }

func passwordSettings(mechanism, user, password string) string {
	return fmt.Sprintf("  sasl: {mechanism: %s, username: %s, password: %s}\n", mechanism, user, password)
}

// files are what clients of the secured cluster have on disk.
type files struct {
	trust, otherTrust      string // as lines of tls
	client, strangerClient string
}

func newFiles(t *testing.T, s *secured) files {
	t.Helper()
	stranger := newAuthority(t)
	client := func(a *authority) string {
		certificate, key := a.sign(t, "client", time.Now().Add(time.Hour))
		return fmt.Sprintf(", cert_file: %s, key_file: %s", writeFile(t, "cert.pem", certificate), writeFile(t, "key.pem", key))
	}
	return files{
		trust: ", ca_file: " + writeFile(t, "ca.pem", s.authority.pem), otherTrust: ", ca_file: " + writeFile(t, "ca.pem", stranger.pem),
		client: client(s.authority), strangerClient: client(stranger),
	}
}

// tokenSecret is what the token server of tests wants of its client.
const tokenSecret = "s3cr3t-of-the-client"

// tokenServer gives tokens for the client credentials grant.
func tokenServer(t *testing.T, i issuer) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		if id != "bearer" || secret != tokenSecret || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "events" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error": "invalid_client"}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"access_token": i.token(t, "bearer", time.Now().Add(time.Minute)), "token_type": "bearer", "expires_in": 60,
		})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func grantSettings(url, secret string) string {
	return fmt.Sprintf("  sasl: {mechanism: oauthbearer, oauth: {token_url: %q, client_id: bearer, client_secret: %s, scopes: [events]}}\n", url, secret)
}

// job is a pipeline of one destination at a stub, with topics and a group of its own.
type job struct {
	t      *testing.T
	s      *secured
	desk   *stub.Server
	prefix string
	url    string
}

func newJob(t *testing.T, s *secured) *job {
	t.Helper()
	j := &job{t: t, s: s, desk: stub.New(stub.Config{Seed: 1, Limit: 1 << 30}, stubtrengo.New(nil), stubkustomer.New()), prefix: kafkatest.Unique()}
	server := httptest.NewServer(j.desk)
	t.Cleanup(server.Close)
	j.url = server.URL
	return j
}

func (j *job) source() string    { return j.prefix + "events" }
func (j *job) responses() string { return j.prefix + "events.responses" }
func (j *job) letters() string   { return j.prefix + "dlq" }
func (j *job) group() string     { return j.prefix + "group." + crm }

// cluster.Create makes the topics, as their owner would.
func (j *job) createTopics() {
	j.t.Helper()
	j.s.CreateTopic(j.t, j.source(), 2)
	j.s.CreateTopic(j.t, j.responses(), 2, "max.message.bytes", "2097152")
	j.s.CreateTopic(j.t, j.letters(), 2, "max.message.bytes", "2097152")
}

// config writes a configuration with the given part on kafka and gives its path.
func (j *job) config(kafka string, source ...string) string {
	j.t.Helper()
	return writeFile(j.t, "deskstream.yaml", fmt.Sprintf(`%s
source:
  topics: [%s]
  group: %sgroup
  session_timeout: 6s
  drain_timeout: 5s
  commit_interval: 50ms
%s
responses: {topic: %s}
dead_letters: {topic: %s}
http: {listen: "127.0.0.1:0", admin: ""}
destinations:
  - name: %s
    type: kustomer
    kustomer: {api_key: k3y, base_url: %s}
    delivery: {timeout: 4s, rate_limit: {requests: 100000000, per: 1m, reserve: 0.5}, retry: {initial: 50ms, max: 500ms}}
`, kafka, j.source(), j.prefix, strings.Join(source, ""), j.responses(), j.letters(), crm, j.url+stubkustomer.Path))
}

// events are n events as a file, each of another user.
func (j *job) events(from, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"type":"identify","userId":"user-%d","messageId":"m-%d","traits":{"email":"user-%d@example.com"}}`+"\n", from+i, from+i, from+i)
	}
	return writeFile(j.t, "events.ndjson", b.String())
}

// produce loads events with the program.
func (j *job) produce(path string, from, n int) {
	j.t.Helper()
	p := startProcess(j.t, "produce", "-c", path, j.events(from, n))
	if code := p.wait(); code != exitOK {
		j.t.Fatalf("produce gave %d\n%s", code, p.stderr)
	}
}

func (j *job) run(path string, args ...string) *process {
	j.t.Helper()
	return startProcess(j.t, append([]string{"run", "-c", path, "--log-format", "json"}, args...)...)
}

// awaitCommitted waits until the group has committed the ends of the source.
func (j *job) awaitCommitted(p *process) {
	j.t.Helper()
	p.awaitLog("partitions assigned") // by then the group has a coordinator
	await(j.t, "the group to reach the end", func() bool {
		p.alive()
		committed := j.s.Committed(j.t, j.group(), j.source())
		for id, end := range j.s.EndOffsets(j.t, j.source()) {
			if at := committed[id]; at.At != end {
				return false
			}
		}
		return true
	})
}

// wantOutcomes fails the test unless there are n outcomes, all of them delivered, and
// no dead letter.
func (j *job) wantOutcomes(n int) {
	j.t.Helper()
	seen := map[string]int{}
	for _, r := range j.s.Consume(j.t, j.responses()) {
		for _, h := range r.Headers {
			switch h.Key {
			case "deskstream.source":
				seen[string(h.Value)]++
			case "deskstream.outcome":
				if string(h.Value) != "delivered" {
					j.t.Errorf("an outcome is %s: %s", h.Value, r.Value)
				}
			}
		}
	}
	for at, times := range seen {
		if times != 1 {
			j.t.Errorf("%s has %d outcomes", at, times)
		}
	}
	if len(seen) != n {
		j.t.Errorf("%d events have an outcome, want %d", len(seen), n)
	}
	if letters := j.s.Consume(j.t, j.letters()); len(letters) != 0 {
		j.t.Errorf("%d dead letters, want none", len(letters))
	}
}

func TestKafka_security(t *testing.T) {
	t.Parallel()
	s := startSecured(t, "app")
	f := newFiles(t, s)
	t.Run("lets in", func(t *testing.T) { testLetsIn(t, s, f) })
	t.Run("refuses", func(t *testing.T) { testRefuses(t, s, f) })
	t.Run("rights", func(t *testing.T) { testRights(t, s) })
	t.Run("heals", func(t *testing.T) { testHeals(t, s) })
}

// Each way into the cluster is taken by check --connect, produce and run.
func testLetsIn(t *testing.T, s *secured, f files) {
	entries := map[string]entry{
		"TLS":                {oneWay, tlsSettings(f.trust)},
		"mutual TLS":         {mutual, tlsSettings(f.trust + f.client)},
		"server name":        {oneWay, tlsSettings(f.trust + ", server_name: localhost")},
		"plain":              {"SASL_SSL", tlsSettings(f.trust) + passwordSettings("plain", "plain", passwordOf("plain"))},
		"plain without TLS":  {"SASL_PLAINTEXT", passwordSettings("plain", "plain", passwordOf("plain"))},
		"scram-sha-256":      {"SASL_SSL", tlsSettings(f.trust) + passwordSettings("scram-sha-256", "scram256", passwordOf("scram256"))},
		"scram-sha-512":      {"SASL_SSL", tlsSettings(f.trust) + passwordSettings("scram-sha-512", "scram512", passwordOf("scram512"))},
		"token":              {"SASL_SSL", tlsSettings(f.trust) + fmt.Sprintf("  sasl: {mechanism: oauthbearer, oauth: {token: %s}}\n", s.issuer.token(t, "bearer", time.Now().Add(time.Hour)))},
		"client credentials": {"SASL_SSL", tlsSettings(f.trust) + grantSettings(tokenServer(t, s.issuer), tokenSecret)},
	}
	for name, e := range entries {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, s)
			j.createTopics()
			path := j.config(e.yaml(s))
			check := startProcess(t, "check", "--connect", "-c", path)
			if code := check.wait(); code != exitOK {
				t.Fatalf("check --connect gave %d\n%s%s", code, check.stdout, check.stderr)
			}
			j.produce(path, 0, 5)
			p := j.run(path)
			j.awaitCommitted(p)
			p.stop()
			j.wantOutcomes(5)
			if strings.Contains(p.stderr.String(), "s3cr3t") {
				t.Errorf("the log shows a secret:\n%s", p.stderr)
			}
		})
	}
}

// What keeps us out is told at once, with the setting to look at.
func testRefuses(t *testing.T, s *secured, f files) {
	wrong := issuer{newKey(t)}
	token := func(i issuer, until time.Duration) string {
		return fmt.Sprintf("  sasl: {mechanism: oauthbearer, oauth: {token: %s}}\n", i.token(t, "bearer", time.Now().Add(until)))
	}
	cases := map[string]struct {
		entry
		want string
	}{
		"plaintext to a TLS port":       {entry{oneWay, ""}, "kafka.tls.enabled"},
		"plaintext SASL to a TLS port":  {entry{"SASL_SSL", passwordSettings("plain", "plain", passwordOf("plain"))}, "kafka.tls.enabled"},
		"TLS to a plaintext port":       {entry{"PLAINTEXT", tlsSettings(f.trust)}, "kafka.tls.enabled"},
		"TLS to a plaintext SASL port":  {entry{"SASL_PLAINTEXT", tlsSettings(f.trust) + passwordSettings("plain", "plain", passwordOf("plain"))}, "kafka.tls.enabled"},
		"unknown authority":             {entry{oneWay, tlsSettings(f.otherTrust)}, "kafka.tls.ca_file"},
		"no authority":                  {entry{oneWay, tlsSettings("")}, "kafka.tls.ca_file"},
		"another name":                  {entry{oneWay, tlsSettings(f.trust + ", server_name: kafka.example.com")}, "kafka.tls.server_name"},
		"out of date":                   {entry{stale, tlsSettings(f.trust)}, "renew the broker's certificate"},
		"no certificate of ours":        {entry{mutual, tlsSettings(f.trust)}, "kafka.tls.cert_file"},
		"a certificate of a stranger":   {entry{mutual, tlsSettings(f.trust + f.strangerClient)}, "kafka.tls.cert_file"},
		"no SASL":                       {entry{"SASL_SSL", tlsSettings(f.trust)}, "kafka.sasl.mechanism"},
		"no SASL and no TLS":            {entry{"SASL_PLAINTEXT", ""}, "kafka.sasl.mechanism"},
		"SASL to a port without":        {entry{"PLAINTEXT", passwordSettings("plain", "plain", passwordOf("plain"))}, "kafka.sasl.mechanism"},
		"SASL to a TLS port without":    {entry{oneWay, tlsSettings(f.trust) + passwordSettings("plain", "plain", passwordOf("plain"))}, "kafka.sasl.mechanism"},
		"a mechanism that is not there": {entry{"SASL_PLAINTEXT", passwordSettings("scram-sha-256", "scram256", passwordOf("scram256"))}, "kafka.sasl.mechanism"},
		"wrong password of plain":       {entry{"SASL_PLAINTEXT", passwordSettings("plain", "plain", "wr0ng")}, "kafka.sasl.password"},
		"wrong password of scram":       {entry{"SASL_SSL", tlsSettings(f.trust) + passwordSettings("scram-sha-256", "scram256", "wr0ng")}, "kafka.sasl.password"},
		"unknown user":                  {entry{"SASL_PLAINTEXT", passwordSettings("scram-sha-512", "nobody", "wr0ng")}, "kafka.sasl.username"},
		"token of another issuer":       {entry{"SASL_SSL", tlsSettings(f.trust) + token(wrong, time.Hour)}, "kafka.sasl.oauth.token"},
		"expired token":                 {entry{"SASL_SSL", tlsSettings(f.trust) + token(s.issuer, -time.Hour)}, "kafka.sasl.oauth.token"},
		"refused by the token server":   {entry{"SASL_SSL", tlsSettings(f.trust) + grantSettings(tokenServer(t, s.issuer), "wr0ng")}, "kafka.sasl.oauth.client_id"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, s)
			path := j.config(c.yaml(s))
			// Nobody waits for what does not come by waiting.
			p := j.run(path, "--connect-timeout", "1h")
			p.wantExit(exitFault, c.want)
			check := startProcess(t, "check", "--connect", "-c", path)
			if code := check.wait(); code != exitFault || !strings.Contains(check.stdout.String(), c.want) {
				t.Errorf("check --connect gave %d and lacks %q\n%s%s", code, c.want, check.stdout, check.stderr)
			}
			t.Log(lastLine(p.stderr.String()))
			if said := p.stderr.String() + check.stdout.String(); strings.Contains(said, "s3cr3t") || strings.Contains(said, "wr0ng") {
				t.Errorf("a secret is shown:\n%s", said)
			}
		})
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
