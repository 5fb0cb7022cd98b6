package delivery_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/delivery"
)

// shortWaits lets events wait for 300 ms at most, and die of nothing that the desk says in that
// time.
const shortWaits = "max_elapsed: 300ms"

// answer is a status and, in pairs, header fields.
type answer struct {
	status  int
	headers []string
}

func answers(status int, headers ...string) answer { return answer{status, headers} }

// answering serves the answers in order; the last one stands for all that follow.
func answering(t *testing.T, list ...answer) string {
	t.Helper()
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		a := list[min(int(n.Add(1))-1, len(list)-1)]
		respond(w, a.status, a.headers...)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Every wait ends after retry.max_elapsed, with the reason: without that limit each of these
// runs would go on for an hour.
func TestDeliver_everyLongWaitLeavesEventsOpenAndSaysWhy(t *testing.T) {
	closed := httptest.NewServer(nil)
	const usedUp = "its rate limit is used up until "
	tests := map[string]struct{ url, why string }{
		"401":                         {answering(t, answers(401)), "it is on hold (http_401)"},
		"403":                         {answering(t, answers(403)), "it is on hold (http_403)"},
		"429":                         {answering(t, answers(429, "Retry-After", "3600")), "it is on hold (http_429)"},
		"429 of one object":           {answering(t, answers(429, "Retry-After", "3600", "X-Ratelimit-Remaining", "9")), "http_429 asks to wait until "},
		"503, Retry-After":            {answering(t, answers(503, "Retry-After", "3600")), "http_503 asks to wait until "},
		"nobody listens":              {closed.URL, "it is on hold (refused)"},
		"a used-up limit":             {answering(t, answers(201, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "99999999999")), usedUp},
		"a used-up limit, in seconds": {answering(t, answers(201, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "99999999999999")), usedUp},
	}
	closed.Close() // after the others have their ports: one of them would have this one
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := deliver(t, deskConfig(t, tt.url, shortWaits, "crm"), track("m-1", "u", "A")+track("m-2", "u", "B"))
			if got.err == nil || !strings.Contains(got.err.Error(), "(crm: "+tt.why) {
				t.Errorf("error %v, want the reason %q", got.err, tt.why)
			}
			if len(got.notes)+len(got.outcomes) != 2 || len(got.notes) == 0 || got.dead != 0 {
				t.Fatalf("%d outcomes and notes %q, want two together", len(got.outcomes), got.notes)
			}
			if last := got.notes[len(got.notes)-1]; !strings.HasPrefix(last, `open: line 2, event "m-2", destination crm: `) {
				t.Errorf("the last note is %q", last)
			}
		})
	}
}

// A limit at whose pace the next call comes too late is such a wait, too: the third call
// would come after minutes. What the budget held before it learned of the limit is one call.
func TestDeliver_aPaceThatIsTooSlowLeavesEventsOpenAndSaysWhy(t *testing.T) {
	url := answering(t, answers(201, "X-Ratelimit-Limit", "1", "X-Ratelimit-Remaining", "1"))
	got := deliver(t, deskConfig(t, url, shortWaits, "crm"), track("m-1", "u", "A")+track("m-2", "u", "B")+track("m-3", "u", "C"))
	const why = "crm: its rate budget of 0.1 calls in 1m0s has no call until "
	if got.err == nil || !strings.Contains(got.err.Error(), why) || got.dead != 0 {
		t.Errorf("error %v and %d dead, want the reason %q", got.err, got.dead, why)
	}
	if diff := cmp.Diff([]string{"m-1 delivered", "m-2 delivered"}, got.at("crm")); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if len(got.notes) != 1 || !strings.HasPrefix(got.notes[0], `open: line 3, event "m-3", destination `+why) {
		t.Errorf("notes %q", got.notes)
	}
}

// An event that stays open is not overtaken by the next one of its lane, which could be
// delivered; another lane's is.
func TestDeliver_whatFollowsAnOpenEventInItsLaneStaysOpen(t *testing.T) {
	refusesTheFirst := func() string {
		return answering(t, answers(429, "Retry-After", "3600", "X-Ratelimit-Remaining", "9"), answers(201))
	}
	got := deliver(t, deskConfig(t, refusesTheFirst(), shortWaits, "crm"), track("m-1", "u", "A")+track("m-2", "u", "B"))
	behind := `open: line 2, event "m-2", destination crm: it follows an open event of its lane`
	if len(got.outcomes) != 0 || !slices.Contains(got.notes, behind) || got.err == nil {
		t.Errorf("outcomes %v, error %v, notes %q", got.at("crm"), got.err, got.notes)
	}
	cfg := deskConfig(t, refusesTheFirst(), shortWaits, "crm")
	got = deliver(t, cfg, track("m-1", "u", "A")+track("m-2", "v", "B"))
	if len(got.outcomes) != 1 || len(got.notes) != 1 {
		t.Errorf("of two lanes: outcomes %v, notes %q, want one of each", got.at("crm"), got.notes)
	}
}

// Events without a lane stand alone: none of them waits for another.
func TestDeliver_anOpenEventWithoutALaneHoldsUpNoOther(t *testing.T) {
	url := answering(t, answers(429, "Retry-After", "3600", "X-Ratelimit-Remaining", "9"), answers(201))
	cfg := deskConfig(t, url, shortWaits+", max_attempts: 1", "crm")
	cfg.Lane = []string{"properties.account"} // which no event has
	events, more := io.Pipe()
	defer func() { _ = events.Close() }()
	open := make(noteOf)
	go func() {
		_, _ = io.WriteString(more, track("m-1", "u", "A"))
		<-open
		_, _ = io.WriteString(more, track("m-2", "u", "B"))
		_ = more.Close()
	}()
	got := run(t.Context(), t, delivery.Options{Config: cfg, Events: events, Notes: open})
	if diff := cmp.Diff([]string{"m-2 delivered"}, got.at("crm")); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// noteOf is closed by the first note, and takes no second one.
type noteOf chan struct{}

func (n noteOf) Write(text []byte) (int, error) {
	close(n)
	return len(text), nil
}
