package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	mapwebhook "github.com/deskstream/deskstream/mapping/webhook"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/sinktest"
	"github.com/deskstream/deskstream/sink/webhook"
)

// recorder is a sink.Doer that answers each call with a reply and keeps the calls.
type recorder struct {
	sinktest.DoerFunc // for what it does not do itself

	calls []sink.Call
	err   error
}

func (r *recorder) Do(_ context.Context, call sink.Call) (sink.Reply, error) {
	r.calls = append(r.calls, call)
	return sink.Reply{Status: http.StatusOK}, r.err
}

func TestSend_postsTheEventOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		id           string
		unrepeatable bool
	}{
		"with a messageId":    {"m-1", false},
		"without a messageId": {"", true},
	} {
		t.Run(name, func(t *testing.T) {
			event := mapping.Obj(mapping.Member{Name: "type", Value: mapping.Str("track")})
			r := &recorder{}
			if _, err := webhook.New("/in/").Send(t.Context(), r, mapwebhook.Message{Event: event, ID: tt.id}); err != nil {
				t.Fatal(err)
			}
			if len(r.calls) != 1 {
				t.Fatalf("%d calls, want 1", len(r.calls))
			}
			got := r.calls[0]
			if diff := cmp.Diff([]any{"POST", "/in/", `{"type":"track"}`, tt.unrepeatable, false}, []any{got.Method, got.Path, got.Body.JSON(), got.Unrepeatable, got.Lookup}); diff != "" {
				t.Errorf("call (-want +got):\n%s", diff)
			}
			if got.Op != "POST webhook" {
				t.Errorf("op = %q; the path is the owner's and stands in no metric", got.Op)
			}
			for _, body := range []string{"", "{}", "ok", "<html>"} {
				if err := got.Accept(sink.Reply{Status: 200, Body: []byte(body)}); err != nil {
					t.Errorf("an answer with the body %q is refused: %v", body, err)
				}
			}
		})
	}
}

func TestSend_returnsTheDoersError(t *testing.T) {
	r := &recorder{err: sink.ErrInterrupted}
	if _, err := webhook.New("").Send(t.Context(), r, mapwebhook.Message{}); !errors.Is(err, sink.ErrInterrupted) {
		t.Errorf("error = %v", err)
	}
}
