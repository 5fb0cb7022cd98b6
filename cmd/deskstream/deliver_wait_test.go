package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/deskstream/deskstream/internal/output"
)

// waitConfig is one destination whose events wait for 300 ms at most, and die of nothing
// that the desk says in that time.
func waitConfig(t *testing.T, url string) string {
	t.Helper()
	return writeFile(t, "c.yaml", fmt.Sprintf(`
destinations:
  - name: crm
    type: kustomer
    kustomer: {api_key: s3cr3t-key-of-the-desk, base_url: "%s", advanced_transform: false}
    delivery:
      rate_limit: {requests: 1000000}
      retry: {max_elapsed: 300ms, initial: 10ms, max: 50ms}
`, url))
}

// answering serves the answers in order; the last one stands for all that follow. Each is a
// status and, in pairs, header fields.
func answering(t *testing.T, answers ...[]any) string {
	t.Helper()
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer := answers[min(int(n.Add(1))-1, len(answers)-1)]
		w.Header().Set("Content-Type", "application/json")
		for i := 1; i+1 < len(answer); i += 2 {
			w.Header().Set(answer[i].(string), answer[i+1].(string))
		}
		w.WriteHeader(answer[0].(int))
		_, _ = io.WriteString(w, `{"data":{"id":"e-1"},"error":"no"}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Whatever deliver waits for ends after retry.max_elapsed, with the reason: without that
// bound each of these runs would go on for an hour.
func TestDeliver_everyLongWaitExitsWith1AndSaysWhy(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	const usedUp = "its rate limit is used up until "
	for name, tt := range map[string]struct {
		url string
		why string
	}{
		"401":                         {answering(t, []any{401}), "it is on hold (http_401)"},
		"403":                         {answering(t, []any{403}), "it is on hold (http_403)"},
		"429":                         {answering(t, []any{429, "Retry-After", "3600"}), "it is on hold (http_429)"},
		"429 of one object":           {answering(t, []any{429, "Retry-After", "3600", "X-Ratelimit-Remaining", "9"}), "http_429 asks to wait until "},
		"503, Retry-After":            {answering(t, []any{503, "Retry-After", "3600"}), "http_503 asks to wait until "},
		"nobody listens":              {closed.URL, "it is on hold (refused)"},
		"a used-up limit":             {answering(t, []any{201, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "99999999999"}), usedUp},
		"a used-up limit, in seconds": {answering(t, []any{201, "X-Ratelimit-Remaining", "0", "X-Ratelimit-Reset", "99999999999999"}), usedUp},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runCommand(t, track("m-1", "u", "A")+"\n"+track("m-2", "u", "B")+"\n", "deliver", "-c", waitConfig(t, tt.url))
			if got.code != exitFault {
				t.Errorf("exit code %d, want %d", got.code, exitFault)
			}
			open := 2 - strings.Count(got.stdout, `"outcome":"delivered"`)
			for _, want := range []string{
				`line 2, event "m-2", destination crm: `, tt.why,
				fmt.Sprintf("a destination was on hold for longer than retry.max_elapsed: %s open (crm: %s", output.Count(open, "event"), tt.why),
			} {
				if !strings.Contains(got.stderr, want) {
					t.Errorf("stderr lacks %q:\n%s", want, got.stderr)
				}
			}
		})
	}
}

// An event that is left open is not overtaken by the next one of its lane, which could
// be delivered; another lane's is.
func TestDeliver_whatFollowsAnOpenEventInItsLaneStaysOpen(t *testing.T) {
	url := answering(t, []any{429, "Retry-After", "3600", "X-Ratelimit-Remaining", "9"}, []any{201})
	file := waitConfig(t, url)
	input := track("m-1", "u", "A") + "\n" + track("m-2", "u", "B") + "\n"
	got := runCommand(t, input, "deliver", "-c", file)
	got.want(t, exitFault, "", `line 2, event "m-2", destination crm: it follows an open event of its lane`)
	runCommand(t, track("m-3", "v", "C"), "deliver", "-c", file).want(t, exitOK, `"outcome":"delivered"`, "")
	alone := `{"type":"track","messageId":"m-1","event":"A","anonymousId":"%s"}` + "\n"
	url = answering(t, []any{429, "Retry-After", "3600", "X-Ratelimit-Remaining", "9"}, []any{201})
	got = runCommand(t, fmt.Sprintf(alone+alone, "a", "b"), "deliver", "-c", waitConfig(t, url))
	got.want(t, exitFault, `"outcome":"delivered"`, "1 event open")
}
