package redrive

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
)

// desk is a help desk that knows nobody and takes everybody.
type desk struct {
	mu     sync.Mutex
	users  []string // that were written, in order
	asked  int      // lookups that arrived
	lookup int      // the status of lookups, 0 for 404
	write  func(user string) int
	// silent is how many lookups more get a 503.
	silent int
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	status := cmp.Or(d.lookup, http.StatusNotFound)
	if r.Method == http.MethodGet {
		d.asked++
		if d.silent > 0 {
			d.silent--
			status = http.StatusServiceUnavailable
		}
	} else {
		var customer struct{ ExternalID string }
		_ = json.Unmarshal(body, &customer)
		status = http.StatusCreated
		if d.write != nil {
			status = d.write(customer.ExternalID)
		}
		if status == http.StatusCreated {
			d.users = append(d.users, customer.ExternalID)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"data":{"id":"5f0000000000000000000001"},"errors":[{"title":"no"}]}`)
}

func (d *desk) written() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.users)
}

// answers sets what the desk answers from now on.
func (d *desk) answers(lookup int, write func(user string) int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lookup, d.write = lookup, write
}

// world is a deployment with letters and its help desk.
type world struct {
	*journaltest.Deployment

	t    *testing.T
	desk *desk
	out  bytes.Buffer
	file string // the plan's
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, desk: &desk{}, file: filepath.Join(t.TempDir(), "plan.json")}
	server := httptest.NewServer(w.desk)
	t.Cleanup(server.Close)
	w.Deployment = journaltest.NewDeployment(t, server.URL, "")
	return w
}

func (w *world) deployment() Deployment {
	w.out.Reset()
	return Deployment{Options: w.Options(), Out: &w.out}
}

// every are the options that plan all letters.
func (w *world) every() PlanOptions {
	return PlanOptions{Out: w.file, MaxRounds: MaxRounds, Limit: MaxLetters, Picker: letters.Every()}
}

// plan plans and returns the verdicts by the letters' ids.
func (w *world) plan(o PlanOptions) map[string]letters.Verdict {
	w.t.Helper()
	if err := Plan(w.t.Context(), w.deployment(), o); err != nil {
		w.t.Fatal(err)
	}
	return w.verdicts()
}

// verdicts are those of the plan in the file.
func (w *world) verdicts() map[string]letters.Verdict {
	w.t.Helper()
	text, err := os.ReadFile(w.file)
	if err != nil {
		w.t.Fatal(err)
	}
	plan, err := letters.ReadPlan(text)
	if err != nil {
		w.t.Fatal(err)
	}
	verdicts := map[string]letters.Verdict{}
	for _, l := range plan.Letters {
		verdicts[l.ID] = l.Verdict
	}
	return verdicts
}

func (w *world) apply(ctx context.Context) error {
	return Apply(ctx, w.deployment(), w.file, ApplyOptions{MaxFail: 0.05, MaxRounds: MaxRounds})
}

// states are those of the letters, by their ids.
func (w *world) states() map[string]letters.State {
	w.t.Helper()
	read := letters.States{}
	for _, r := range w.Consume(w.t, journaltest.States) {
		read.Take(r)
	}
	states := map[string]letters.State{}
	for _, s := range read {
		states[s.ID] = s
	}
	return states
}

// statuses are the statuses of the letters with a state.
func (w *world) statuses() map[string]letters.Status {
	w.t.Helper()
	statuses := map[string]letters.Status{}
	for id, s := range w.states() {
		statuses[id] = s.Status
	}
	return statuses
}
