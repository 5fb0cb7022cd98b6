package export_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/export"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/mapping/unified"
)

const prefix = "helpdesk.events"

// world is a broker, a stub help desk in front of which a test can stand, and a configuration.
type world struct {
	*kafkatest.Cluster

	t      *testing.T
	desk   *stub.Server
	kind   string // and the destination's name
	url    string
	config *config.Config

	mu sync.Mutex
	// before is called with each call of an export, before the desk has it. It may answer itself.
	before func(w http.ResponseWriter, r *http.Request) (answered bool)
	calls  []string // of exports: path and query
	notes  bytes.Buffer
}

// seeding marks the calls of a test itself.
const seeding = "seeding"

func newWorld(t *testing.T, kind, entities string) *world {
	t.Helper()
	w := &world{t: t, kind: kind, desk: stub.New(stub.Config{Limit: 1 << 30}, stubtrengo.New(nil), stubkustomer.New()), Cluster: kafkatest.Kafka(t)}
	server := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(server.Close)
	w.url = server.URL + map[string]string{"trengo": stubtrengo.Path, "kustomer": stubkustomer.Path}[kind]
	settings := map[string]string{"trengo": "api_token", "kustomer": "api_key"}[kind]
	w.config = configtest.Parse(t, `
kafka: {brokers: [%q]}
destinations:
  - name: desk
    type: %s
    %s: {%s: %s, base_url: %q}
    export: {entities: [%s]}
    delivery:
      timeout: 10s
      rate_limit: {requests: 100000000, per: 1m, reserve: 0.5}
      retry: {initial: 1ms, max: 10ms, max_elapsed: 2s}
`, strings.Join(w.Brokers, ","), kind, kind, settings, "exporting-token", w.url, entities)
	return w
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+seeding {
		w.mu.Lock()
		before := w.before
		w.calls = append(w.calls, r.URL.Path[len("/"+w.kind):]+"?"+r.URL.RawQuery)
		w.mu.Unlock()
		if before != nil && before(rw, r) {
			return
		}
	}
	w.desk.ServeHTTP(rw, r)
}

// meanwhile has a function called with the number of each call, from 1, before the desk has it.
func (w *world) meanwhile(do func(n int, r *http.Request)) {
	var n atomic.Int64
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = func(_ http.ResponseWriter, r *http.Request) bool {
		do(int(n.Add(1)), r)
		return false
	}
}

func (w *world) answer(before func(http.ResponseWriter, *http.Request) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = before
}

// called are the calls since it was asked last, those of a path alone unless that is "".
func (w *world) called(path string) (calls []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		if path == "" || strings.Contains(c, path) {
			calls = append(calls, c)
		}
	}
	w.calls = nil
	return calls
}

// try walks once and returns the error.
func (w *world) try(ctx context.Context) error {
	w.t.Helper()
	return w.run(ctx, false)
}

func (w *world) run(ctx context.Context, all bool) error {
	once := time.Duration(0)
	w.notes.Reset()
	return export.Run(ctx, export.Options{
		Config: w.config, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)), CreateTopics: true, Every: &once, All: all, Notes: &w.notes,
	})
}

func (w *world) walk() {
	w.t.Helper()
	if err := w.try(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// walkAll walks all objects once.
func (w *world) walkAll() {
	w.t.Helper()
	if err := w.run(w.t.Context(), true); err != nil {
		w.t.Fatal(err)
	}
}

// do is a call of the test itself; it returns the answer's body.
func (w *world) do(method, path, body string) map[string]any {
	w.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+seeding)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %d %s, %v", method, path, resp.StatusCode, text, err)
	}
	var answer map[string]any
	if len(text) > 0 {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&answer); err != nil {
			w.t.Fatal(err)
		}
	}
	return answer
}

// made is the id in an answer of either desk.
func made(answer map[string]any) string {
	if data, ok := answer["data"].(map[string]any); ok {
		answer = data
	}
	return fmt.Sprint(answer["id"])
}

// contact makes a contact; ticket makes a ticket of one; both return the id.
func (w *world) contact(n int) string {
	w.t.Helper()
	if w.kind == "trengo" {
		return made(w.do("POST", "/channels/123456/contacts", fmt.Sprintf(`{"identifier":"user-%d@example.test","name":"User %d"}`, n, n)))
	}
	return made(w.do("POST", "/v1/customers", fmt.Sprintf(`{"externalId":"user-%d","name":"User %d"}`, n, n)))
}

func (w *world) ticket(contact string, n int) string {
	w.t.Helper()
	if w.kind == "trengo" {
		return made(w.do("POST", "/tickets", fmt.Sprintf(`{"contact_id":%s,"channel_id":123456,"subject":"ticket %d"}`, contact, n)))
	}
	return made(w.do("POST", "/v1/customers/"+contact+"/conversations", fmt.Sprintf(`{"name":"ticket %d","importedAt":"2026-01-01T00:00:00Z"}`, n)))
}

// comment leaves a note in a ticket.
func (w *world) comment(ticket string) {
	w.t.Helper()
	if w.kind == "trengo" {
		w.do("POST", "/tickets/"+ticket+"/messages", `{"message":"a note","internal_note":true}`)
		return
	}
	w.do("POST", "/v1/conversations/"+ticket+"/notes", `{"body":"a note","importedAt":"2026-01-01T00:00:00Z"}`)
}

// objects are what a topic holds, by id.
func (w *world) objects(e unified.Entity) map[string]json.RawMessage {
	w.t.Helper()
	all := make(map[string]json.RawMessage)
	for _, r := range w.Consume(w.t, export.Topic(prefix, "desk", e)) {
		if r.Value == nil {
			delete(all, string(r.Key))
			continue
		}
		all[string(r.Key)] = r.Value
	}
	return all
}

// field is a field of an object on a topic.
func (w *world) field(e unified.Entity, id, name string) any {
	w.t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(w.objects(e)[id], &fields); err != nil {
		w.t.Fatalf("%s %s: %v", e, id, err)
	}
	return fields[name]
}

// listed are the ids that the desk lists, read at rest.
func (w *world) listed(path string) (ids []string) {
	w.t.Helper()
	for page := 1; ; page++ {
		answer := w.do("GET", fmt.Sprintf("%s?page=%d", path, page), "")
		data, _ := answer["data"].([]any)
		for _, e := range data {
			ids = append(ids, made(e.(map[string]any)))
		}
		links, _ := answer["links"].(map[string]any)
		if links["next"] == nil {
			slices.Sort(ids)
			return ids
		}
	}
}

// same fails unless a topic holds just what the desk lists, as it is now.
func (w *world) same(e unified.Entity, list string) {
	w.t.Helper()
	objects := w.objects(e)
	got, want := slices.Sorted(maps.Keys(objects)), w.listed(list)
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: the topic has %d objects, the desk %d; missing %v, too many %v", e, len(got), len(want), without(want, got), without(got, want))
	}
}

func without(some, others []string) (rest []string) {
	for _, s := range some {
		if _, found := slices.BinarySearch(others, s); !found {
			rest = append(rest, s)
		}
	}
	return rest
}

// events are the unified events that exports wrote: types with the id of what they are about.
func (w *world) events() (list []string) {
	w.t.Helper()
	for _, r := range w.Consume(w.t, prefix) {
		var e struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(r.Value, &e); err != nil {
			w.t.Fatal(err)
		}
		list = append(list, e.Type+" "+string(r.Key))
	}
	slices.Sort(list)
	return list
}
