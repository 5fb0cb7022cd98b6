package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/sink"
)

// newDesk starts a help desk that takes Kustomer's tracking events, and answers with the status
// that answer returns for an event's name.
func newDesk(t *testing.T, answer func(name string) int) *httptest.Server {
	t.Helper()
	d := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Event struct{ Name string }
			Name  string
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("%s %s: the body is not JSON: %v", r.Method, r.URL, err)
		}
		w.Header().Set("Content-Type", "application/json")
		status := answer(body.Event.Name + body.Name)
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
	t.Parallel()
	d := newDesk(t, created)
	file := deskConfig(t, d.URL, "crm", "other")
	got := runCommand(t, track("m-1", "u", "First"), "deliver", "-c", file)
	got.want(t, exitOK, `"outcome":"delivered"`, "")
	all := outcomes(t, got.stdout)
	slices.Sort(all)
	if diff := cmp.Diff([]string{"crm m-1 delivered", "other m-1 delivered"}, all); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if strings.Contains(got.stdout+got.stderr, "s3cr3t") {
		t.Errorf("a secret shows in:\n%s%s", got.stdout, got.stderr)
	}
	got = runCommand(t, track("m-1", "u", "First"), "deliver", "-c", file, "--destination", "other")
	if diff := cmp.Diff([]string{"other m-1 delivered"}, outcomes(t, got.stdout)); diff != "" {
		t.Errorf("outcomes with --destination (-want +got):\n%s", diff)
	}
}

func TestDeliver_deadEventsAndInvalidLinesExitWith3(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(string) int { return http.StatusUnprocessableEntity })
	file := deskConfig(t, d.URL, "crm")
	runCommand(t, "", "deliver", "-c", file, writeFile(t, "events.ndjson", track("m-1", "u", "Bad"))).want(t, exitDead, `"code":"http_422"`, "")
	runCommand(t, "not json", "deliver", "-c", file).want(t, exitDead, `"code":"not_json"`, "")
}

func TestDeliver_holdExitsWith1AndNamesOpenEvents(t *testing.T) {
	t.Parallel()
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

func TestDeliver_readsFieldsUnderOtherNames(t *testing.T) {
	t.Parallel()
	d := newDesk(t, created)
	file := writeFile(t, "fields.yaml", "source: {fields: {userId: customer_id, messageId: id}}\n"+readFile(t, deskConfig(t, d.URL, "crm")))
	got := runCommand(t, `{"type":"track","id":"m-1","customer_id":"u","event":"A"}`, "deliver", "-c", file)
	got.want(t, exitOK, `"lane":"u"`, "")
	if diff := cmp.Diff([]string{"crm m-1 delivered"}, outcomes(t, got.stdout)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestDeliver_wrongUsageAndInputs(t *testing.T) {
	t.Parallel()
	file := deskConfig(t, "http://127.0.0.1:1", "crm")
	runCommand(t, "", "deliver", "-c", file, "/does/not/exist").want(t, exitUsage, "", "opening the events")
	runCommand(t, "", "deliver").want(t, exitUsage, "", "no configuration: give -c FILE")
	runCommand(t, "", "deliver", "-c", file, "a", "b").want(t, exitUsage, "", "accepts at most 1 arg")
	runCommand(t, "", "deliver", "-c", file, "--destination", "nobody").want(t, exitUsage, "", `no destination is called "nobody"`)
	runCommand(t, "", "deliver", "-c", file).want(t, exitOK, "", "")
}
