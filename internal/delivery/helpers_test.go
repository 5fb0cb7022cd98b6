package delivery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/delivery"
	"github.com/deskstream/deskstream/sink"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is a help desk that takes Kustomer's tracking events.
type desk struct {
	url   string
	mu    sync.Mutex
	names []string // of the events, in order of arrival
}

// newDesk answers with the status that answer returns for an event's name.
func newDesk(t *testing.T, answer func(name string) int) *desk {
	t.Helper()
	d := &desk{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Event struct{ Name string } }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("%s %s: the body is not JSON: %v", r.Method, r.URL, err)
		}
		d.mu.Lock()
		d.names = append(d.names, body.Event.Name)
		d.mu.Unlock()
		respond(w, answer(body.Event.Name))
	}))
	t.Cleanup(server.Close)
	d.url = server.URL
	return d
}

func respond(w http.ResponseWriter, status int, headers ...string) {
	w.Header().Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"data":{"id":"e-1"},"error":"no"}`)
}

func (d *desk) arrived() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.names)
}

func created(string) int { return http.StatusCreated }

// deskConfig is a configuration of destinations at one desk, with further settings of retry.
func deskConfig(t *testing.T, url, retry string, names ...string) *config.Config {
	t.Helper()
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, `
  - name: %s
    type: kustomer
    kustomer: {api_key: s3cr3t-key-of-the-desk, base_url: %q, advanced_transform: false}
    delivery: {timeout: 30s, rate_limit: {requests: 1000000}, retry: {initial: 10ms, max: 50ms, %s}}`, name, url, retry)
	}
	return configtest.Parse(t, "destinations:%s\n", b.String())
}

const oneAttempt = "max_elapsed: 200ms, max_attempts: 1"

func track(id, user, name string) string {
	return fmt.Sprintf(`{"type":"track","messageId":%q,"userId":%q,"event":%q}`+"\n", id, user, name)
}

// result is what a run gave.
type result struct {
	dead     int
	err      error
	outcomes []sink.Outcome
	notes    []string
}

// run delivers events with options that a test does not set itself.
func run(ctx context.Context, t *testing.T, o delivery.Options) result {
	t.Helper()
	var out, notes bytes.Buffer
	if o.Out == nil {
		o.Out = &out
	}
	if o.Notes == nil {
		o.Notes = &notes
	}
	o.Log = slog.New(slog.DiscardHandler)
	var got result
	got.dead, got.err = delivery.Run(ctx, o)
	for decoder := json.NewDecoder(&out); ; {
		var outcome sink.Outcome
		err := decoder.Decode(&outcome)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("reading an outcome: %v", err)
		}
		got.outcomes = append(got.outcomes, outcome)
	}
	got.notes = strings.Split(strings.TrimSuffix(notes.String(), "\n"), "\n")
	if notes.Len() == 0 {
		got.notes = nil
	}
	return got
}

// deliver runs events of a text.
func deliver(t *testing.T, cfg *config.Config, events string) result {
	t.Helper()
	return run(t.Context(), t, delivery.Options{Config: cfg, Events: strings.NewReader(events)})
}

// at returns the outcomes of a destination in short, in their order: id and outcome.
func (r result) at(destination string) []string {
	var list []string
	for _, o := range r.outcomes {
		if o.Destination.Name != destination {
			continue
		}
		id := "-"
		if o.Event.ID != nil {
			id = *o.Event.ID
		}
		list = append(list, id+" "+string(o.Outcome))
	}
	return list
}
