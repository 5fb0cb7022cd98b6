package webhook_test

import (
	"net/http"
	"testing"

	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
	"github.com/deskstream/deskstream/internal/stub/webhook"
)

func TestWebhook_takesObjectsByPost(t *testing.T) {
	c := stubtest.Serve(t, stub.Config{Limit: 5}, webhook.New())
	for _, tt := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodPost, "/in", `{"type":"track","userId":"u-1"}`, http.StatusNoContent},
		{http.MethodPost, "/in", `{"type":"track","anonymousId":"a-1"}`, http.StatusNoContent},
		{http.MethodPost, "/in", `[]`, http.StatusBadRequest},
		{http.MethodGet, "/in", "", http.StatusMethodNotAllowed},
		{http.MethodPost, "/in/deeper", "{}", http.StatusNotFound},
		{http.MethodPost, "/in", "{}", http.StatusTooManyRequests},
	} {
		reply, err := c.Try("any", tt.method, webhook.Path+tt.path, tt.body)
		if err != nil {
			t.Fatal(err)
		}
		if reply.Status != tt.status {
			t.Errorf("%s %s %s: status %d, want %d", tt.method, tt.path, tt.body, reply.Status, tt.status)
		}
		if got := reply.Header.Get("Retry-After"); (got != "") != (tt.status == http.StatusTooManyRequests) {
			t.Errorf("%s %s: Retry-After %q with status %d", tt.method, tt.path, got, reply.Status)
		}
	}
	received := c.Server.Desk(webhook.Name).Received()
	if len(received) != 6 || received[0].User != "u-1" || received[1].User != "a-1" || received[2].User != "" {
		t.Errorf("received %+v", received)
	}
}
