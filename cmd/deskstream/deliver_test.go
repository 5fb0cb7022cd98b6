package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/sink"
)

// desk is a help desk that takes Kustomer's tracking events.
type desk struct {
	*httptest.Server
	mu    sync.Mutex
	names []string // of the events, in order of arrival
}

// newDesk answers with the status that answer gives for an event's name.
func newDesk(t *testing.T, answer func(name string) int) *desk {
	t.Helper()
	d := &desk{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Event struct{ Name string }
			Name  string
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("%s %s: the body is not JSON: %v", r.Method, r.URL, err)
		}
		name := body.Event.Name + body.Name
		d.mu.Lock()
		d.names = append(d.names, name)
		d.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		status := answer(name)
		w.WriteHeader(status)
		if status >= http.StatusBadRequest {
			_, _ = io.WriteString(w, `{"errors":[{"title":"no"}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"data":{"id":"e-1"}}`)
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *desk) arrived() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.names...)
}

func created(string) int { return http.StatusCreated }

func track(id, user, name string) string {
	return fmt.Sprintf(`{"type":"track","messageId":%q,"userId":%q,"event":%q}`, id, user, name)
}

// outcomes reads the lines of stdout: "destination id outcome" for each.
func outcomes(t *testing.T, stdout string) []string {
	t.Helper()
	var got []string
	for line := range strings.Lines(stdout) {
		var o sink.Outcome
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("stdout has a line that is no outcome (%v): %s", err, line)
		}
		id := "-"
		if o.Event.ID != nil {
			id = *o.Event.ID
		}
		got = append(got, o.Destination.Name+" "+id+" "+string(o.Outcome))
	}
	return got
}

func TestDeliver_printsAnOutcomePerEventAndDestination(t *testing.T) {
	d := newDesk(t, created)
	input := track("m-1", "u", "First") + "\n\n  \n" + track("m-2", "u", "Second") + "\n" + `{"type":"group","messageId":"m-3","userId":"u"}`
	got := runCommand(t, input, "deliver", "-c", deskConfig(t, d.URL, "crm", "other"))
	got.want(t, exitOK, `"outcome":"delivered"`, "")
	var crm, other []string
	for _, o := range outcomes(t, got.stdout) {
		if rest, ok := strings.CutPrefix(o, "crm "); ok {
			crm = append(crm, rest)
		} else {
			other = append(other, strings.TrimPrefix(o, "other "))
		}
	}
	want := []string{"m-1 delivered", "m-2 delivered", "m-3 skipped"}
	if diff := cmp.Diff(want, crm); diff != "" {
		t.Errorf("outcomes of crm (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, other); diff != "" {
		t.Errorf("outcomes of other (-want +got):\n%s", diff)
	}
	if len(d.arrived()) != 4 {
		t.Errorf("the desk got %v", d.arrived())
	}
	if strings.Contains(got.stdout+got.stderr, "s3cr3t") {
		t.Errorf("a secret shows in:\n%s%s", got.stdout, got.stderr)
	}
}

func TestDeliver_takesOneDestinationByName(t *testing.T) {
	d := newDesk(t, created)
	file := deskConfig(t, d.URL, "crm", "other")
	got := runCommand(t, track("m-1", "u", "A"), "deliver", "-c", file, "--destination", "other")
	got.want(t, exitOK, "other", "")
	if diff := cmp.Diff([]string{"other m-1 delivered"}, outcomes(t, got.stdout)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	runCommand(t, "", "deliver", "-c", file, "--destination", "nobody").want(t, exitUsage, "", `no destination is called "nobody"`)
}

func TestDeliver_deadEventsAndInvalidLinesExitWith3(t *testing.T) {
	d := newDesk(t, func(name string) int {
		if name == "Bad" {
			return http.StatusUnprocessableEntity
		}
		return http.StatusCreated
	})
	events := writeFile(t, "events.ndjson", track("m-1", "u", "Bad")+"\nnot json\n[1]\n"+track("m-2", "v", "Good")+"\n")
	got := runCommand(t, "", "deliver", "-c", deskConfig(t, d.URL, "crm"), events)
	got.want(t, exitDead, `"code":"http_422"`, "")
	for _, want := range []string{`"code":"not_json"`, `"code":"not_an_object"`, `"outcome":"delivered"`} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("stdout lacks %s:\n%s", want, got.stdout)
		}
	}
	if n := len(outcomes(t, got.stdout)); n != 4 {
		t.Errorf("got %d outcomes, want 4", n)
	}
}

func TestDeliver_holdExitsWith1AndNamesOpenEvents(t *testing.T) {
	d := newDesk(t, func(string) int { return http.StatusUnauthorized })
	input := track("m-1", "u", "A") + "\n" + track("m-2", "u", "B") + "\n" + track("m-3", "v", "C") + "\n"
	got := runCommand(t, input, "deliver", "-c", deskConfig(t, d.URL, "crm"))
	got.want(t, exitFault, "", "was on hold for longer than retry.max_elapsed: 3 events open")
	for _, id := range []string{`line 1, event "m-1"`, `line 2, event "m-2"`, `line 3, event "m-3"`} {
		if !strings.Contains(got.stderr, id) {
			t.Errorf("stderr lacks %s:\n%s", id, got.stderr)
		}
	}
}

func TestDeliver_laneWaitsForItsOwnEventsOnly(t *testing.T) {
	other := make(chan struct{})
	d := newDesk(t, func(name string) int {
		switch name {
		case "First": // ends only when the other lane has come through
			select {
			case <-other:
			case <-time.After(20 * time.Second): // below delivery.timeout; the order of arrival fails then
			}
		case "Other":
			close(other)
		}
		return http.StatusCreated
	})
	input := track("m-1", "u", "First") + "\n" + track("m-2", "u", "Second") + "\n" + track("m-3", "v", "Other") + "\n"
	got := runCommand(t, input, "deliver", "-c", deskConfig(t, d.URL, "crm"))
	got.want(t, exitOK, "delivered", "")
	arrived := strings.Join(d.arrived(), " ")
	if arrived != "First Other Second" && arrived != "Other First Second" {
		t.Errorf("the desk got %s", arrived)
	}
	order := strings.Join(outcomes(t, got.stdout), ",")
	if strings.Index(order, "m-1") > strings.Index(order, "m-2") {
		t.Errorf("outcomes of a lane are out of order: %s", order)
	}
}

func TestDeliver_stopLetsTheWriteInFlightGetItsAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := newDesk(t, func(string) int {
		cancel()
		return http.StatusCreated
	})
	stdin, sender := io.Pipe() // never ends by itself
	defer func() { _ = sender.Close() }()
	go func() { _, _ = io.WriteString(sender, track("m-1", "u", "A")+"\n"+track("m-2", "u", "B")+"\n") }()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"deliver", "-c", deskConfig(t, d.URL, "crm")}, func(string) (string, bool) { return "", false }, streams{stdin, &stdout, &stderr})
	if code != exitFault {
		t.Errorf("exit code %d, want %d\n%s", code, exitFault, stderr.String())
	}
	if diff := cmp.Diff([]string{"crm m-1 delivered"}, outcomes(t, stdout.String())); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if len(d.arrived()) != 1 {
		t.Errorf("calls began after the stop: %v", d.arrived())
	}
}

// brokenPipe takes nothing.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestDeliver_stopsWhenOutcomesCannotBeWritten(t *testing.T) {
	d := newDesk(t, created)
	var input strings.Builder
	for i := range 2000 {
		input.WriteString(track(fmt.Sprintf("m-%d", i), "u", "A") + "\n")
	}
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"deliver", "-c", deskConfig(t, d.URL, "crm")}, func(string) (string, bool) { return "", false },
		streams{strings.NewReader(input.String()), brokenPipe{}, &stderr})
	if code != exitFault || !strings.Contains(stderr.String(), "writing an outcome: broken pipe") {
		t.Errorf("exit code %d, stderr: %.500s", code, stderr.String())
	}
	if n := len(d.arrived()); n > 10 {
		t.Errorf("%d events were delivered although nobody learns of it", n)
	}
}

func TestDeliver_readsFieldsUnderOtherNames(t *testing.T) {
	d := newDesk(t, created)
	file := writeFile(t, "fields.yaml", "source: {fields: {userId: customer_id, messageId: id}}\n"+readFile(t, deskConfig(t, d.URL, "crm")))
	got := runCommand(t, `{"type":"track","id":"m-1","customer_id":"u","event":"A"}`, "deliver", "-c", file)
	got.want(t, exitOK, `"lane":"u"`, "")
	if diff := cmp.Diff([]string{"crm m-1 delivered"}, outcomes(t, got.stdout)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestDeliver_wrongUsageAndInputs(t *testing.T) {
	file := deskConfig(t, "http://127.0.0.1:1", "crm")
	runCommand(t, "", "deliver", "-c", file, "/does/not/exist").want(t, exitUsage, "", "opening the events")
	runCommand(t, "", "deliver").want(t, exitUsage, "", "no configuration: give -c FILE")
	runCommand(t, "", "deliver", "-c", file, "a", "b").want(t, exitUsage, "", "accepts at most 1 arg")
	runCommand(t, "", "deliver", "-c", file).want(t, exitOK, "", "")
	runCommand(t, strings.Repeat("x", maxLine+1), "deliver", "-c", file).want(t, exitFault, "", "line 1 is longer than 16 MiB")
}
