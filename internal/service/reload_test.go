package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/internal/wiring"
)

const reloadFile = `
kafka: {brokers: [%q]}
http: {admin: ""}
destinations:
  - name: inbox
    type: trengo
    trengo:
      api_token: first-token
      base_url: "%[2]s%[3]s"
      channel_id: "123456"
      create_contact: true
      event_templates: [{event: A, template: old}]
    delivery: {retry: {initial: 1ms, max: 5ms}}
  - {name: crm, type: kustomer, events: [identify], kustomer: {api_key: first-key, base_url: "%[2]s%[4]s"}, delivery: {rate_limit: {requests: 600}}}
`

// reloadWorld is a running service whose file can be changed.
type reloadWorld struct {
	t      *testing.T
	s      *Service
	kafka  *kafkatest.Cluster
	trengo *stub.Desk
	tokens sync.Map // what calls were authorized with
	level  slog.LevelVar
	asked  chan os.Signal
	log    logText
	events int

	file atomic.Pointer[string]
}

type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newReloadWorld(t *testing.T) *reloadWorld {
	t.Helper()
	w := &reloadWorld{t: t, kafka: kafkatest.Kafka(t), asked: make(chan os.Signal, 1)}
	desks := stub.New(stub.Config{Seed: 1, KeepBodies: true}, stubtrengo.New(nil), stubkustomer.New())
	w.trengo = desks.Desk(stubtrengo.Name)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.tokens.Store(r.Header.Get("Authorization"), true)
		desks.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	text := fmt.Sprintf(reloadFile, strings.Join(w.kafka.Brokers, ","), server.URL, stubtrengo.Path, stubkustomer.Path)
	w.file.Store(&text)
	cfg, err := w.load()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: &w.level}))
	set := cluster.TopicsOf(cfg, cfg.Destinations...)
	if err := cluster.Create(t.Context(), w.kafka.Client(t), set, log); err != nil {
		t.Fatal(err)
	}
	found, err := cluster.Verify(t.Context(), w.kafka.Client(t), set, log)
	if err != nil {
		t.Fatal(err)
	}
	opts, err := cluster.Options(cfg)
	if err != nil {
		t.Fatal(err)
	}
	book, err := codec.Open(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	reloading := Reloading{Load: w.load, Asked: w.asked, Level: &w.level}
	if w.s, err = New(Parts{Options: Options{Config: cfg, Log: log, Reloading: reloading}, Found: found, Codec: book, Connection: opts}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the service ended with %v", err)
		}
	})
	return w
}

func (w *reloadWorld) load() (*config.Config, error) {
	return config.Parse("test.yaml", []byte(*w.file.Load()), func(string) (string, bool) { return "", false })
}

// change replaces texts of the file.
func (w *reloadWorld) change(replacements ...string) {
	w.t.Helper()
	text := strings.NewReplacer(replacements...).Replace(*w.file.Load())
	if text == *w.file.Load() {
		w.t.Fatalf("%q changes nothing", replacements)
	}
	w.file.Store(&text)
}

// post asks for a reload as an operator does.
func (w *reloadWorld) post() (int, ReloadAnswer) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://127.0.0.1/reload", nil)
	w.s.adminHandler().ServeHTTP(rec, r)
	var answer ReloadAnswer
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
		w.t.Fatalf("%v: %s", err, rec.Body)
	}
	return rec.Code, answer
}

// track produces an event of a user's own.
func (w *reloadWorld) track(name string) {
	w.t.Helper()
	w.events++
	value := fmt.Sprintf(`{"type":"track","messageId":"m-%d","userId":"u-%[1]d","event":%q,"context":{"traits":{"email":"u%[1]d@example.com"}}}`, w.events, name)
	w.kafka.Produce(w.t, &kgo.Record{Topic: "events", Key: fmt.Append(nil, w.events), Value: []byte(value)})
}

// subjects are those of the tickets that were opened, once there are n.
func (w *reloadWorld) subjects(n int) []string {
	w.t.Helper()
	var list []string
	docsAwait(w.t, func() bool {
		list = nil
		for _, c := range w.trengo.Received() {
			var body struct{ Subject string }
			if c.Op == "POST /tickets" && c.Status/100 == 2 && json.Unmarshal(c.Body, &body) == nil {
				list = append(list, body.Subject)
			}
		}
		return len(list) >= n
	})
	return list
}

// successful is the metric that says so of the last reload.
func (w *reloadWorld) successful() float64 {
	w.t.Helper()
	var m dto.Metric
	if err := w.s.reloader.successful.Write(&m); err != nil {
		w.t.Fatal(err)
	}
	return m.GetGauge().GetValue()
}

func TestReload_changesWhatEventsMeanFromThenOn(t *testing.T) {
	w := newReloadWorld(t)
	w.track("A")
	w.subjects(1)

	// One that is in flight keeps what it began with.
	w.trengo.SetOutage(func(c stub.Call) int { return map[bool]int{true: 500}[c.Op == "GET /contacts"] })
	w.track("A")
	tries := func() (n int) {
		for _, c := range w.trengo.Received() {
			if c.Op == "GET /contacts" && c.Status == 500 {
				n++
			}
		}
		return n
	}
	docsAwait(t, func() bool { return tries() > 0 })
	w.change("{event: A, template: old}", "{event: A, template: new}", "first-token", "second-token", "requests: 600", "requests: 77")
	status, answer := w.post()
	want := ReloadAnswer{Changed: []string{
		"destinations[inbox].trengo.api_token", "destinations[inbox].trengo.event_templates", "destinations[crm].delivery.rate_limit.requests",
	}}
	if diff := cmp.Diff(want, answer); diff != "" || status != http.StatusOK {
		t.Fatalf("status %d, answer (-want +got):\n%s", status, diff)
	}
	w.trengo.SetOutage(nil)
	w.subjects(2)
	w.track("A")
	if got := w.subjects(3); !slices.Equal(got, []string{"old", "old", "new"}) {
		t.Errorf("the tickets are %q", got)
	}
	if _, used := w.tokens.Load("Bearer second-token"); !used {
		t.Error("the new token was never used")
	}
	if own, _ := w.s.pipelines[1].Budget.Own(); own != 77*0.9 { // the other desk has named its limit
		t.Errorf("the budget is %v calls", own)
	}
	if text := w.log.String(); !strings.Contains(text, "configuration reloaded") || strings.Contains(text, "second-token") {
		t.Errorf("the log is\n%s", text)
	}
	if v := w.successful(); v != 1 {
		t.Errorf("successful = %v", v)
	}
}

// A rule begins and ends with a reload, and the level of the log changes; a signal asks for it.
func TestReload_takesRulesFiltersAndTheLevelBySignal(t *testing.T) {
	w := newReloadWorld(t)
	w.change("    delivery: {retry", `    event_filter: {deny: [Z]}
    rules: [{name: r, match: {event: [B]}, contact: {create: true}, ticket: {subject: by rule}}]
    delivery: {retry`, "http: {", "log: {level: debug}\nhttp: {")
	w.asked <- os.Interrupt // which signal makes no difference here
	docsAwait(t, func() bool { return strings.Contains(w.log.String(), "configuration reloaded") })
	if w.level.Level() != slog.LevelDebug {
		t.Errorf("the level is %v", w.level.Level())
	}
	w.track("B")
	if got := w.subjects(1); !slices.Equal(got, []string{"by rule"}) {
		t.Errorf("the tickets are %q", got)
	}
	w.track("Z")
	docsAwait(t, func() bool { return w.s.pipelines[0].Figures().Skipped == 1 })
}

// What a reload cannot change is refused by name, and then it changes nothing at all.
func TestReload_refusesByNameAndChangesNothing(t *testing.T) {
	w := newReloadWorld(t)
	first := *w.file.Load()
	for _, tt := range []struct {
		name    string
		change  []string
		status  int
		refused []string
	}{
		{"another topic", []string{"http: {", "responses: {topic: other}\nhttp: {"}, http.StatusConflict, []string{"responses.topic"}},
		{"a destination's settings", []string{"create_contact: true", "create_contact: false"}, http.StatusConflict, []string{"destinations[inbox].trengo.create_contact"}},
		{"a destination less", []string{"  - {name: crm", "#"}, http.StatusConflict, []string{"destinations[crm]"}},
		{
			"the first key",
			[]string{"    delivery: {retry", "    rules: [{name: r, match: {event: [B]}, ticket: {key: k, subject: s}}]\n    delivery: {retry"},
			http.StatusConflict,
			[]string{"destinations[inbox].rules (the first ticket.key)"},
		},
		{"the first rule where nothing is put on record", []string{"{api_key: first-key", "{api_key: second-key", "name: crm,", "name: crm, rules: [{name: r, match: {type: identify}, ticket: {subject: s}}],"}, http.StatusConflict, []string{"destinations[crm].rules (the first one that opens tickets)"}},
		{"a file that is wrong", []string{"create_contact: true", "create_contact: perhaps"}, http.StatusUnprocessableEntity, nil},
	} {
		w.file.Store(&first)
		w.change(append(tt.change, "template: old", "template: new")...)
		status, answer := w.post()
		if status != tt.status || !slices.Equal(answer.Refused, tt.refused) || answer.Error == "" || len(answer.Changed) != 0 {
			t.Errorf("%s: %d %+v", tt.name, status, answer)
		}
		if v := w.successful(); v != 0 {
			t.Errorf("%s: successful = %v", tt.name, v)
		}
	}
	w.track("A")
	if got := w.subjects(1); !slices.Equal(got, []string{"old"}) {
		t.Errorf("the tickets are %q", got)
	}
	if _, used := w.tokens.Load("Bearer second-key"); used {
		t.Error("a refused reload changed a credential")
	}
}

// Two destinations share a rate budget by their credential. A reload cannot part or join them.
func TestRefusals_nameCredentialsThatWouldBeShared(t *testing.T) {
	parse := func(second string) *config.Config {
		c, err := config.Parse("t.yaml", fmt.Appendf(nil, `
destinations:
  - {name: one, type: kustomer, kustomer: {api_key: the-same-for-both}}
  - {name: two, type: kustomer, kustomer: {api_key: %s}}
`, second), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	shared, apart := parse("the-same-for-both"), parse("another-than-that")
	for _, tt := range []struct {
		was, is *config.Config
		refused int
	}{{shared, apart, 1}, {apart, shared, 1}, {apart, parse("a-third-of-them"), 0}} {
		if got := refusals(wiring.Diff(tt.was, tt.is)); len(got) != tt.refused {
			t.Errorf("refused: %q, want %d", got, tt.refused)
		}
	}
}
