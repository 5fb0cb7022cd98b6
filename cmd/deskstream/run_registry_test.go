package main

import (
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/mapping/avro"
)

// guarded is a registry behind TLS that wants a password, and may be down.
type guarded struct {
	url, ca string
	down    atomic.Bool
	behind  atomic.Bool  // it does not know schemas that it will know
	asked   atomic.Int64 // while it was down or behind
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g, fake := &guarded{}, srfake.NewRegistry()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case g.down.Load():
			g.asked.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
		case user != "me" || password != "s3cr3t-of-registry":
			w.WriteHeader(http.StatusUnauthorized)
		case g.behind.Load() && strings.HasPrefix(r.URL.Path, "/schemas/ids/"):
			g.asked.Add(1)
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error_code":40403,"message":"Schema not found"}`) // who asks sees it
		default:
			fake.Handler().ServeHTTP(w, r)
		}
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // refused handshakes
	server.StartTLS()
	t.Cleanup(server.Close)
	g.url = server.URL
	g.ca = writeFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	return g
}

// settings are the lines of schema_registry.
func (g *guarded) settings(password, ca string) string {
	return fmt.Sprintf("schema_registry: {urls: [%q], username: me, password: %s, auto_register: true, tls: {enabled: true, ca_file: %q}}\n", g.url, password, ca)
}

// with adds settings to a configuration file.
func with(t *testing.T, path, lines string) string {
	t.Helper()
	return writeFile(t, "registry.yaml", readFile(t, path)+lines)
}

func TestRun_aRegistryThatIsDownHoldsTheIntakeAndKillsNothing(t *testing.T) {
	t.Parallel()
	const n = 60
	w, g := newWorld(t, worldOptions{}), newGuarded(t)
	path := with(t, w.config(settings{}), g.settings("s3cr3t-of-registry", g.ca))
	w.produceAvro(path, n)
	g.down.Store(true)
	p := w.start(path)
	url := p.listening()
	for _, destination := range []string{inbox, crm} {
		await(t, "the intake of "+destination+" to wait", func() bool {
			p.alive()
			return metric(t, url, "deskstream_intake_paused", destination) == 1
		})
	}
	await(t, "the registry to be asked again", func() bool { p.alive(); return g.asked.Load() >= 3 })
	if _, ready := get(t, url+"/readyz"); strings.Count(ready, `"paused":"schema"`) != 2 {
		t.Errorf("/readyz does not say that both wait for a schema: %s", ready)
	}
	if _, text := get(t, url+"/metrics"); !strings.Contains(text, `limit="schema"`) || strings.Contains(text, `deskstream_schema_requests_total{result="failed"} 0`) {
		t.Errorf("the metrics do not say why the intake waits:\n%s", text)
	}
	if settled, written := w.settled(), len(w.writes()); settled != 0 || written != 0 {
		t.Errorf("%d outcomes and %d writes, want none while no event can be read", settled, written)
	}
	g.down.Store(false)
	w.awaitCommitted(p)
	for _, destination := range []string{inbox, crm} {
		if paused := metric(t, url, "deskstream_intake_paused", destination); paused > 0 {
			t.Errorf("the intake of %s is paused still", destination)
		}
	}
	p.stop()
	w.wantOnce()
	w.wantNoLetters()
	if log := p.stderr.String(); strings.Contains(log, "s3cr3t-of-registry") {
		t.Error("the log shows the registry's password")
	}
}

func TestRun_aRegistryThatLagsHoldsThePartitionAndKillsNothing(t *testing.T) {
	t.Parallel()
	const n = 40
	w, g := newWorld(t, worldOptions{}), newGuarded(t)
	path := with(t, w.config(settings{}), g.settings("s3cr3t-of-registry", g.ca))
	w.produceAvro(path, n)
	g.behind.Store(true)
	p := w.start(path)
	await(t, "the registry to be asked again", func() bool { p.alive(); return g.asked.Load() >= 4 })
	if settled, paused := w.settled(), metric(t, p.listening(), "deskstream_intake_paused", crm); settled != 0 || paused != 1 {
		t.Errorf("%d outcomes and intake_paused %v, want none and 1 while the registry does not know the schema", settled, paused)
	}
	g.behind.Store(false)
	w.awaitCommitted(p)
	p.stop()
	w.wantOnce()
	w.wantNoLetters()
	if said := strings.Count(p.stderr.String(), "does not know a schema id"); said != 1 {
		t.Errorf("the log says %d times that a schema id is not known, want once", said)
	}
}

// produceAvro writes events in Avro, by a schema that is registered.
func (w *world) produceAvro(path string, n int) {
	w.t.Helper()
	cfg, err := config.Load(path, func(string) (string, bool) { return "", false })
	if err != nil {
		w.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	book, err := codec.Open(cfg, log)
	if err != nil {
		w.t.Fatal(err)
	}
	defer book.Close()
	encode, err := book.EventEncoder(w.t.Context(), eventsTopic)
	if err != nil {
		w.t.Fatal(err)
	}
	records := w.events(n, each(20))
	marks := make([][]byte, n)
	for i, r := range records {
		marks[i] = r.Value
		if r.Value, err = encode(r.Value); err != nil {
			w.t.Fatal(err)
		}
	}
	w.Produce(w.t, records...)
	for i, r := range records {
		r.Value = marks[i]
	}
	w.remember(records)
}

func TestProduce_inAvroRegistersTheSchemaOverTLS(t *testing.T) {
	t.Parallel()
	g, cluster := newGuarded(t), kafkatest.Kafka(t, kafkatest.Topic(eventsTopic, 3))
	base := withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), cluster.Brokers)
	path := with(t, base, g.settings("s3cr3t-of-registry", g.ca))
	events := identify("m-1") + "\n" + identify("m-2") + "\n"
	runCommand(t, events, "produce", "-c", path, "--avro").wantAll(t, exitOK, "", "2 events produced to events")
	ids := map[uint32]int{}
	for _, r := range cluster.Consume(t, eventsTopic) {
		id, numbered := avro.SchemaID(r.Value)
		if !numbered {
			t.Errorf("a record is not in Avro: %q", r.Value)
		}
		ids[id]++
	}
	if len(ids) != 1 || ids[1] != 2 {
		t.Errorf("records by schema: %v, want 2 of the one that was registered", ids)
	}
	t.Run("refused", func(t *testing.T) { // each waits for a registry that may just have been started
		for name, c := range map[string]struct{ password, ca, want string }{
			"password":  {"wr0ng", g.ca, "401"},
			"authority": {"s3cr3t-of-registry", "", "certificate"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				refused := runCommand(t, events, "produce", "-c", with(t, base, g.settings(c.password, c.ca)), "--avro")
				refused.wantAll(t, exitFault, "", c.want)
				if strings.Contains(refused.stderr, "s3cr3t-of-registry") || strings.Contains(refused.stderr, "wr0ng") {
					t.Errorf("it shows a password: %s", refused.stderr)
				}
			})
		}
	})
	if got := len(cluster.Consume(t, eventsTopic)); got != 2 {
		t.Errorf("%d records are there after what was refused, want 2", got)
	}
}

func TestCheckConnect_looksAtTheRegistry(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	cluster := kafkatest.Kafka(t, kafkatest.Topic("events", 3), kafkatest.Topic("events.responses", 3),
		kafkatest.Topic("dlq.events.deskstream", 3, "max.message.bytes", "2000000"))
	server := apis(t, map[string]int{trengoCheck: 200, kustomerCheck: 200})
	base := connectConfig(t, strings.Join(cluster.Brokers, ","), server.URL)
	row := func(settings string) string {
		t.Helper()
		got := runCommand(t, "", "check", "--connect", "-c", with(t, base, settings))
		for line := range strings.Lines(got.stdout) {
			if strings.HasPrefix(line, "schema registry ") {
				return strings.Join(strings.Fields(line), " ")
			}
		}
		t.Fatalf("there is no row of the registry:\n%s%s", got.stdout, got.stderr)
		return ""
	}
	if got, want := row(g.settings("s3cr3t-of-registry", g.ca)), "schema registry "+g.url+" ok 0 subjects"; got != want {
		t.Errorf("the row is %q, want %q", got, want)
	}
	unregistered := strings.Replace(g.settings("s3cr3t-of-registry", g.ca), "auto_register: true, ", "", 1) + "responses: {topic: events.responses, format: avro}\n"
	for _, c := range []struct{ settings, want string }{
		{g.settings("wr0ng", g.ca), "401"},
		{g.settings("s3cr3t-of-registry", ""), "certificate"},
		{unregistered, "events.responses-value"},
	} {
		if got := row(c.settings); !strings.Contains(got, " failed ") || !strings.Contains(got, c.want) || strings.Contains(got, "wr0ng") {
			t.Errorf("the row is %q, want a failure with %q", got, c.want)
		}
	}
	g.down.Store(true)
	if got := row(g.settings("s3cr3t-of-registry", g.ca)); !strings.Contains(got, " failed ") || !strings.Contains(got, "503") {
		t.Errorf("the row is %q, want a failure with 503", got)
	}
}

func TestRun_outcomesInAvroAreExplainedAndAudited(t *testing.T) {
	t.Parallel()
	const n = 40
	w, g := newWorld(t, worldOptions{}), newGuarded(t)
	plain := w.config(settings{})
	text := strings.Replace(readFile(t, plain), "responses: {topic: "+responsesTopic+"}", "responses: {topic: "+responsesTopic+", format: avro}", 1)
	path := writeFile(t, "avro.yaml", text+g.settings("s3cr3t-of-registry", g.ca))
	w.produceAvro(path, n)
	w.Produce(t, &kgo.Record{Topic: eventsTopic, Key: []byte("user-1"), Value: avro.AppendHeader(nil, 1)}) // cut off
	p := w.start(path, "--create-topics")
	w.awaitCommitted(p)
	p.stop()
	w.wantWritten(func(_, _ stub.Call) bool { return false })
	for _, r := range outcomeRecords(w.Consume(t, responsesTopic)) {
		if _, numbered := avro.SchemaID(r.Value); !numbered {
			t.Fatalf("an outcome is not in Avro: %s", r.Value)
		}
	}
	w.command("audit", "-c", path).want(exitOK, fmt.Sprintf("%d outcomes: %d delivered, 0 skipped, 2 dead; 0 duplicates, 0 missing, 0 conflicting", 2*n+2, 2*n), "")
	mark := sample.Mark(1)
	story := w.command("explain", "-c", path, mark)
	for _, said := range []string{"event " + mark + "\nread at events/", "events/", "round 0 at ", ": delivered", "POST " + w.url, `"subject":"Order ` + mark} {
		story.want(exitOK, said, "")
	}
	if strings.Contains(story.stdout.String(), "request null") {
		t.Errorf("a lookup is told to have a body:\n%s", story.stdout)
	}
	list := w.command("dlq", "list", "-c", path)
	list.want(exitOK, "1 letter  "+inbox+" invalid bad_avro", "")
	list.want(exitOK, "1 letter  "+crm+" invalid bad_avro", "")
	again := w.start(path) // the ledger is read by its headers
	again.awaitLog("partitions assigned")
	again.stop()
	w.wantWritten(func(_, _ stub.Call) bool { return false })
}
