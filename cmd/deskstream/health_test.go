package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealth_saysWhatTheAnswerSays(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			http.Error(w, `{"joined":false}`, http.StatusServiceUnavailable)
			return
		}
		writeJSON(w, map[string]bool{"joined": true})
	}))
	defer server.Close()
	if got := runWith(t.Context(), docsEnv, "", "health", server.URL+"/readyz"); got.code != exitOK || got.stdout != `{"joined":true}`+"\n" {
		t.Errorf("a ready instance: exit %d, stdout %q, stderr %q", got.code, got.stdout, got.stderr)
	}
	got := runWith(t.Context(), docsEnv, "", "health", server.URL+"/other")
	if got.code != exitFault || !strings.Contains(got.stderr, "503 Service Unavailable: {\"joined\":false}") {
		t.Errorf("an instance that is not ready: exit %d, stderr %q", got.code, got.stderr)
	}
}

func TestHealth_nobodyListening(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close() // so that its port is nobody's
	got := runWith(t.Context(), docsEnv, "", "health", "http://"+address+"/readyz")
	if got.code != exitFault || !strings.Contains(got.stderr, "connection refused") {
		t.Errorf("exit %d, stderr %q", got.code, got.stderr)
	}
	if got := runWith(t.Context(), docsEnv, "", "health", "http://%zz"); got.code != exitUsage {
		t.Errorf("no URL: exit %d, stderr %q", got.code, got.stderr)
	}
}

// writeJSON answers as the endpoints of the program do.
func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}
