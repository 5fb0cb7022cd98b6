package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hook is a receiver of webhooks that answers with a status, and what it received: method, path,
// Authorization and body of each request.
func hook(t *testing.T, status int) (url string, received func() [][4]string) {
	t.Helper()
	requests := make(chan [4]string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests <- [4]string{r.Method, r.URL.Path, r.Header.Get("Authorization"), string(body)}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() [][4]string {
		var all [][4]string
		for len(requests) > 0 {
			all = append(all, <-requests)
		}
		return all
	}
}

func hookConfig(url string) string {
	return `destinations: [{name: hook, type: webhook, webhook: {url: "` + url + `/in/", headers: {Authorization: "Bearer ${HOOK_TOKEN}"}}}]`
}

func TestDeliver_aWebhookGetsTheEventAsItIs(t *testing.T) {
	t.Parallel()
	url, received := hook(t, http.StatusAccepted)
	event := `{"type":"page","messageId":"m-1","userId":"u","properties":{"n":1.10,"big":12345678901234567890}}`
	got := runWith(t.Context(), docsEnv, event, "deliver", "-c", writeFile(t, "c.yaml", hookConfig(url)))
	got.want(t, exitOK, `"outcome":"delivered"`, "")
	want := [][4]string{{"POST", "/in/", "Bearer secret-hook_token", event}}
	if diff := cmp.Diff(want, received()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if strings.Contains(got.stdout+got.stderr, "secret-hook_token") {
		t.Errorf("the header's value is shown:\n%s\n%s", got.stdout, got.stderr)
	}
}

func TestCheckConnect_aWebhookGetsNoEvent(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		http.StatusMethodNotAllowed:    "ok       reachable, HEAD was answered with 405; no event was sent",
		http.StatusUnauthorized:        "failed   401: the headers are not accepted: renew the credential in them",
		http.StatusInternalServerError: "failed   500: the endpoint has a fault: try again later",
	} {
		url, received := hook(t, status)
		got := runWith(t.Context(), docsEnv, "", "check", "--connect", "-c", writeFile(t, "c.yaml", "kafka: {brokers: ['127.0.0.1:1']}\n"+hookConfig(url)))
		row := ""
		for line := range strings.Lines(got.stdout) {
			if strings.HasPrefix(line, "webhook") {
				row = line
			}
		}
		if !strings.Contains(strings.Join(strings.Fields(row), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("status %d: row %q, want %q in it", status, row, want)
		}
		if diff := cmp.Diff([][4]string{{"HEAD", "/in/", "Bearer secret-hook_token", ""}}, received()); diff != "" {
			t.Errorf("status %d: requests (-want +got):\n%s", status, diff)
		}
	}
}
