package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/delivery"
	"github.com/deskstream/deskstream/mapping"
)

func TestDeliver_givesEachEventOneOutcomeAtEachDestinationInTheOrderOfItsLane(t *testing.T) {
	d := newDesk(t, created)
	events := track("m-1", "u", "First") + "\n  \n" + track("m-2", "u", "Second") + `{"type":"group","messageId":"m-3","userId":"u"}`
	got := deliver(t, deskConfig(t, d.url, oneAttempt, "crm", "other"), events)
	if got.dead != 0 || got.err != nil || got.notes != nil {
		t.Errorf("%d dead, error %v, notes %q, want none of them", got.dead, got.err, got.notes)
	}
	want := []string{"m-1 delivered", "m-2 delivered", "m-3 skipped"}
	for _, name := range []string{"crm", "other"} {
		if diff := cmp.Diff(want, got.at(name)); diff != "" {
			t.Errorf("outcomes of %s (-want +got):\n%s", name, diff)
		}
	}
	if n := len(d.arrived()); n != 4 {
		t.Errorf("the desk received %d calls, want 4: a skipped event causes none", n)
	}
}

func TestDeliver_deliversToTheNamedDestinationsOnly(t *testing.T) {
	d := newDesk(t, created)
	cfg := deskConfig(t, d.url, oneAttempt, "crm", "other")
	got := run(t.Context(), t, delivery.Options{Config: cfg, Events: strings.NewReader(track("m-1", "u", "A")), Destinations: []string{"other"}})
	if len(got.at("crm")) != 0 || len(got.at("other")) != 1 || got.err != nil {
		t.Errorf("outcomes %v at crm and %v at other, error %v", got.at("crm"), got.at("other"), got.err)
	}
	got = run(t.Context(), t, delivery.Options{Config: cfg, Events: strings.NewReader(track("m-1", "u", "A")), Destinations: []string{"nobody"}})
	if _, ok := errors.AsType[*config.UsageError](got.err); !ok || len(d.arrived()) != 1 {
		t.Errorf("a destination that does not exist gives %v, and %d calls", got.err, len(d.arrived()))
	}
}

// A dead event has its outcome, so it does not make a run fail. It is counted.
func TestDeliver_countsDeadEventsAndGoesOn(t *testing.T) {
	d := newDesk(t, func(name string) int {
		if name == "Bad" {
			return http.StatusUnprocessableEntity
		}
		return http.StatusCreated
	})
	got := deliver(t, deskConfig(t, d.url, oneAttempt, "crm"), track("m-1", "u", "Bad")+"not json\n[1]\n"+track("m-2", "u", "Good"))
	if got.dead != 3 || got.err != nil {
		t.Errorf("%d dead, error %v, want 3 and none", got.dead, got.err)
	}
	codes := map[mapping.Code]int{}
	for _, o := range got.outcomes {
		if o.Error != nil {
			codes[o.Error.Code]++
		}
	}
	if diff := cmp.Diff(map[mapping.Code]int{"http_422": 1, "not_json": 1, "not_an_object": 1}, codes); diff != "" {
		t.Errorf("codes of the dead (-want +got):\n%s", diff)
	}
	if !slices.Contains(got.at("crm"), "m-2 delivered") {
		t.Errorf("what follows a dead event of its lane is not delivered: %v", got.at("crm"))
	}
}

func TestDeliver_eventsOfAHeldDestinationStayOpenAndAreNamedByTheirLines(t *testing.T) {
	d := newDesk(t, func(string) int { return http.StatusUnauthorized })
	events := track("m-1", "u", "A") + "\n" + track("m-2", "u", "B") + track("m-3", "v", "C")
	got := deliver(t, deskConfig(t, d.url, oneAttempt, "crm", "other"), events)
	if got.err == nil || len(got.outcomes) != 0 || got.dead != 0 {
		t.Errorf("error %v, %d outcomes, %d dead, want an error alone", got.err, len(got.outcomes), got.dead)
	}
	for _, name := range []string{"crm", "other"} {
		for line, id := range map[int]string{1: "m-1", 3: "m-2", 4: "m-3"} {
			begin := fmt.Sprintf("open: line %d, event %q, destination %s: ", line, id, name)
			if !slices.ContainsFunc(got.notes, func(note string) bool { return strings.HasPrefix(note, begin) }) {
				t.Errorf("no note begins with %q:\n%s", begin, strings.Join(got.notes, "\n"))
			}
		}
		if n := strings.Count(got.err.Error(), name+": "); n != 1 {
			t.Errorf("the error gives %d reasons for %s, want the first alone: %v", n, name, got.err)
		}
	}
	if len(got.notes) != 6 || !strings.Contains(got.err.Error(), "6 events open") {
		t.Errorf("%d notes, want 6, as many as the error counts: %v", len(got.notes), got.err)
	}
}

func TestDeliver_aLaneWaitsForItsOwnEventsOnly(t *testing.T) {
	other := make(chan struct{})
	d := newDesk(t, func(name string) int {
		switch name {
		case "First": // completes only after the other lane's event has arrived
			select {
			case <-other:
			case <-time.After(20 * time.Second): // below delivery.timeout; the order of arrival fails then
			}
		case "Other":
			close(other)
		}
		return http.StatusCreated
	})
	got := deliver(t, deskConfig(t, d.url, oneAttempt, "crm"), track("m-1", "u", "First")+track("m-2", "u", "Second")+track("m-3", "v", "Other"))
	if arrived := d.arrived(); arrived[len(arrived)-1] != "Second" {
		t.Errorf("the desk received %v, want Second last", arrived)
	}
	order := got.at("crm")
	if slices.Index(order, "m-1 delivered") > slices.Index(order, "m-2 delivered") || len(order) != 3 || got.err != nil {
		t.Errorf("outcomes %v, error %v: those of a lane are out of order", order, got.err)
	}
}

// A stop lets the call in flight complete and starts no other. The sender is silent by then.
func TestDeliver_aStopLetsTheCallInFlightCompleteAndLeavesTheRestOpen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := newDesk(t, func(string) int {
		cancel()
		return http.StatusCreated
	})
	events, sender := io.Pipe() // never ends by itself
	defer func() { _ = sender.Close() }()
	go func() { _, _ = io.WriteString(sender, track("m-1", "u", "A")+track("m-2", "u", "B")) }()
	got := run(ctx, t, delivery.Options{Config: deskConfig(t, d.url, oneAttempt, "crm"), Events: events})
	if diff := cmp.Diff([]string{"m-1 delivered"}, got.at("crm")); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if len(d.arrived()) != 1 {
		t.Errorf("calls began after the stop: %v", d.arrived())
	}
	if got.err == nil || len(got.notes) > 1 {
		t.Errorf("error %v, notes %q", got.err, got.notes)
	}
	for _, note := range got.notes { // it was read before the stop, or not at all
		if !strings.HasPrefix(note, `open: line 2, event "m-2"`) {
			t.Errorf("note %q", note)
		}
	}
}

func TestDeliver_aStopEndsABackOffAndLeavesItsEventOpen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := newDesk(t, func(string) int {
		cancel()
		return http.StatusServiceUnavailable
	})
	got := run(ctx, t, delivery.Options{Config: deskConfig(t, d.url, "max_elapsed: 1s", "crm"), Events: strings.NewReader(track("m-1", "u", "A"))})
	if diff := cmp.Diff([]string{`open: line 1, event "m-1", destination crm`}, got.notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if n := len(d.arrived()); n != 1 || len(got.outcomes) != 0 || got.err == nil {
		t.Errorf("%d calls, %d outcomes, error %v, want 1, none and one", n, len(got.outcomes), got.err)
	}
}

// An error of the file leaves what was read before it delivered.
func TestDeliver_deliversWhatItHasReadBeforeAnError(t *testing.T) {
	d := newDesk(t, created)
	got := deliver(t, deskConfig(t, d.url, oneAttempt, "crm"), track("m-1", "u", "A")+strings.Repeat("x", 16<<20+1))
	if got.err == nil || !strings.Contains(got.err.Error(), "line 2 ") {
		t.Errorf("error %v, want one of line 2", got.err)
	}
	if diff := cmp.Diff([]string{"m-1 delivered"}, got.at("crm")); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// brokenPipe takes nothing.
type brokenPipe struct{}

var errBroken = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errBroken }

func TestDeliver_stopsWhenOutcomesCannotBeWritten(t *testing.T) {
	d := newDesk(t, created)
	var events strings.Builder
	for i := range 2000 {
		events.WriteString(track(fmt.Sprintf("m-%d", i), "u", "A"))
	}
	got := run(t.Context(), t, delivery.Options{
		Config: deskConfig(t, d.url, oneAttempt, "crm"), Events: strings.NewReader(events.String()), Out: brokenPipe{},
	})
	if !errors.Is(got.err, errBroken) {
		t.Errorf("error %v, want %v", got.err, errBroken)
	}
	if n := len(d.arrived()); n > 10 {
		t.Errorf("%d events were delivered although nobody learns of it", n)
	}
}
