package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// recipe is a configuration with rules from a page, and the events that the page delivers with it.
type recipe struct {
	name        string
	config      string
	destination string
	events      []string
}

var firstDestination = regexp.MustCompile(`(?m)^  - name: (\S+)`)

// recipesOf are the recipes of all pages.
func recipesOf(t *testing.T) (list []recipe) {
	t.Helper()
	for _, path := range docsPages(t) {
		var at *recipe
		for _, m := range fence.FindAllStringSubmatch(readFile(t, path), -1) {
			switch {
			case m[1] == "yaml config":
				at = nil
				if name := firstDestination.FindStringSubmatch(m[2]); strings.Contains(m[2], "\n    rules:") && name != nil {
					list = append(list, recipe{fmt.Sprintf("%s-%d", strings.TrimSuffix(filepath.Base(path), ".md"), len(list)+1), m[2], name[1], nil})
					at = &list[len(list)-1]
				}
			case m[1] == "json events" && at != nil:
				at.events = append(at.events, strings.Split(strings.TrimSpace(m[2]), "\n")...)
			}
		}
	}
	return slices.DeleteFunc(list, func(r recipe) bool { return len(r.events) == 0 })
}

// fatal is the call at which an instance dies, and whether the desk does first what it asks for.
type fatal struct {
	call int // counted from 1, 0 for none
	done bool
}

func (f fatal) String() string {
	switch {
	case f.call == 0:
		return "no death"
	case f.done:
		return fmt.Sprintf("death after call %d took effect", f.call)
	}
	return fmt.Sprintf("death before call %d took effect", f.call)
}

// story is what a recipe left behind.
type story struct {
	calls    int
	creates  map[int]bool        // calls that made something, by number
	outcomes map[string]string   // what became of the event at a place
	made     map[string]int      // creations that the desk accepted, by call
	done     map[string]struct{} // writes that it accepted, by call
}

// deathsDoor lets calls pass to the desks, and kills an instance at one of them.
type deathsDoor struct {
	desks http.Handler
	fatal fatal

	mu    sync.Mutex
	calls int
	kill  func()
}

func (d *deathsDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.calls++
	dies := d.calls == d.fatal.call
	kill := d.kill
	d.mu.Unlock()
	if !dies {
		d.desks.ServeHTTP(w, r)
		return
	}
	if d.fatal.done {
		d.desks.ServeHTTP(httptest.NewRecorder(), r)
	}
	kill()
	panic(http.ErrAbortHandler)
}

// live runs a recipe from its first event to its last, with a death on the way.
func (r recipe) live(t *testing.T, o worldOptions, f fatal) story {
	t.Helper()
	o.stub = stub.Config{Seed: 1, KeepBodies: true}
	w := newWorld(t, o)
	door := &deathsDoor{desks: w.desk, fatal: f}
	server := httptest.NewServer(door)
	t.Cleanup(server.Close)
	w.url = server.URL
	r.produce(w)
	path := r.file(w)
	p := r.start(w, door, path)
	if f.call > 0 && !p.outlives(func() bool { return w.committedAll(r.destination) }) {
		p.wait()
		p = r.start(w, door, path)
	}
	await(t, "the offsets to reach the end", func() bool { p.alive(); return w.committedAll(r.destination) })
	p.stop()
	return r.told(w, door)
}

// outlives waits for the death of an instance, or until all is done: how many calls events of one contact
// share goes by their order.
func (p *process) outlives(done func() bool) bool {
	p.t.Helper()
	dead := false
	await(p.t, "the death, or the end of all events", func() bool {
		select {
		case <-p.ended:
			dead = true
		default:
		}
		return dead || done()
	})
	return !dead
}

// start starts an instance, which the door can kill.
func (r recipe) start(w *world, door *deathsDoor, path string) *process {
	door.mu.Lock() // no call before the door knows whom to kill
	defer door.mu.Unlock()
	p := w.start(path, "--create-topics")
	door.kill = func() { _ = p.cmd.Process.Signal(syscall.SIGKILL) }
	return p
}

// produce writes the recipe's events to one partition, in their order.
func (r recipe) produce(w *world) {
	var records []*kgo.Record
	for _, event := range r.events {
		records = append(records, &kgo.Record{Topic: w.topic(eventsTopic), Key: []byte("k"), Value: []byte(event)})
	}
	w.Produce(w.t, records...)
}

// sourceLine is a recipe's own source, of which here all events come from one topic.
var sourceLine = regexp.MustCompile(`(?m)^source: .*\n`)

var deskType = regexp.MustCompile(`(?m)^    type: (\w+)$`)

// file is the recipe's configuration for a world.
func (r recipe) file(w *world) string {
	paths := map[string]string{"token": stubtrengo.Path, "key": stubkustomer.Path}
	config := credentialLine.ReplaceAllStringFunc(r.config, func(line string) string {
		m := credentialLine.FindStringSubmatch(line)
		return m[1] + "api_" + m[2] + ": s3cr3t-of-the-desk\n" + m[1] + "base_url: " + w.url + paths[m[2]]
	})
	wantStubs(w.t, config, w.url)
	if of := sourceLine.FindString(config); of != "" {
		config = sourceLine.ReplaceAllString(config, "")
		if strings.Contains(of, "helpdesk.events") {
			config = fmt.Sprintf("inbound: {topic: %s}\n", w.topic(eventsTopic)) + config
		}
	}
	config = deskType.ReplaceAllString(config, fmt.Sprintf("$0\n    delivery: {timeout: %s, rate_limit: {requests: 100000000, per: 1s}, retry: {initial: 50ms, max: 500ms}}", w.timeout))
	return writeFile(w.t, "deskstream.yaml", fmt.Sprintf(`kafka: {brokers: [%s]}
source:
  topics: [%s]
  group: %sdeskstream
  group_instance_id: one
  session_timeout: %s
  drain_timeout: %s
  commit_interval: 50ms
responses: {topic: %s}
dead_letters: {topic: %s}
http: {listen: "", admin: ""}
%s`, strings.Join(w.Brokers, ","), w.topic(eventsTopic), w.prefix, w.session, w.drain, w.topic(responsesTopic), w.topic(lettersTopic), config))
}

// told is what a world has on record.
func (r recipe) told(w *world, door *deathsDoor) story {
	s := story{
		calls: door.calls, creates: make(map[int]bool),
		outcomes: make(map[string]string), made: make(map[string]int), done: make(map[string]struct{}),
	}
	for _, record := range outcomeRecords(w.Consume(w.t, w.topic(responsesTopic))) {
		var o sink.Outcome
		if err := json.Unmarshal(record.Value, &o); err != nil {
			w.t.Fatal(err)
		}
		what := string(o.Outcome)
		if o.Error != nil {
			what += " " + string(o.Error.Code)
		}
		switch {
		case o.Reason == nil:
		case *o.Reason == mapping.NothingToUpdate: // it was delivered, and what it does was there at the second look
			what = string(sink.Delivered)
		default:
			what += " " + string(*o.Reason)
		}
		s.outcomes[strconv.FormatInt(o.Source.Offset, 10)] = what
	}
	for i, c := range w.desk.Received() {
		s.creates[i+1] = c.Status == http.StatusCreated
		if c.Method == http.MethodGet || c.Status < 200 || c.Status > 299 {
			continue
		}
		s.done[callName(c)] = struct{}{}
		if c.Status == http.StatusCreated {
			s.made[callName(c)]++
		}
	}
	return s
}

var marks = regexp.MustCompile(`"externalId":"[^"]*"`)

// callName is a call without what depends on where its event lies.
func callName(c stub.Call) string {
	var body bytes.Buffer
	_ = json.Compact(&body, c.Body) // "" for none
	return c.Op + " " + marks.ReplaceAllString(body.String(), `"externalId":"..."`)
}

// A process that dies at any call of a recipe makes nothing twice and loses nothing.
func TestRecipes_surviveADeathAtEveryCall(t *testing.T) {
	needsProcess(t)
	t.Parallel()
	for _, r := range recipesOf(t) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.surviveEveryCall(t, func(*testing.T) worldOptions { return worldOptions{sources: 1, others: 1, timeout: 2 * time.Second} }, nil)
		})
	}
}

// surviveEveryCall has an instance die after each call of the recipe took effect, and before those
// that before wants.
func (r recipe) surviveEveryCall(t *testing.T, options func(*testing.T) worldOptions, before func(clean story, call int) bool) {
	t.Helper()
	clean := r.live(t, options(t), fatal{})
	for call := 1; call <= clean.calls; call++ {
		for _, f := range []fatal{{call, true}, {call, false}} {
			if f.done || before != nil && before(clean, call) {
				t.Run(f.String(), func(t *testing.T) {
					t.Parallel()
					r.live(t, options(t), f).wantLike(t, clean)
				})
			}
		}
	}
}

// wantLike fails the test unless as much is there as is without a death.
func (s story) wantLike(t *testing.T, clean story) {
	t.Helper()
	for place, what := range s.outcomes {
		if what == "skipped nothing_to_update" && clean.outcomes[place] == "delivered" {
			s.outcomes[place] = "delivered" // by the instance that died: all is so already
		}
	}
	if diff := gocmp.Diff(clean.outcomes, s.outcomes); diff != "" {
		t.Errorf("outcomes (-without a death +with it):\n%s", diff)
	}
	if diff := gocmp.Diff(clean.made, s.made); diff != "" {
		t.Errorf("how often something was made (-without a death +with it):\n%s", diff)
	}
	for call := range clean.done {
		if _, ok := s.done[call]; !ok {
			t.Errorf("never done: %s", call)
		}
	}
}
