package stub_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
)

// receiver answers webhooks with statuses in turn, the last for good, and notes what came.
type receiver struct {
	mu       sync.Mutex
	statuses []int
	bodies   []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies = append(r.bodies, req.Header.Get("X-Sign")+string(body))
	w.WriteHeader(r.statuses[min(len(r.bodies), len(r.statuses))-1])
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.bodies)
}

// hooksTo are Hooks with one registration for the event e.
func hooksTo(t *testing.T, r *receiver, retries ...time.Duration) *stub.Hooks {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	h := stub.NewHooks(retries...)
	t.Cleanup(h.Close)
	h.Add(func(n int) stub.Hook {
		return stub.Hook{ID: strconv.Itoa(n), URL: server.URL, Secret: "s", Events: []string{"e"}}
	})
	return h
}

func send(h *stub.Hooks, q stub.Quirks, body string) {
	h.Send("e", q, func(to stub.Hook) stub.Webhook {
		return stub.Webhook{ContentType: "text/plain", Body: []byte(body), Headers: map[string]string{"X-Sign": to.Secret}}
	})
}

func awaitSent(t *testing.T, h *stub.Hooks, n int) []stub.SentWebhook {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	over := time.After(time.Minute)
	for {
		if sent := h.Sent(); len(sent) >= n {
			return sent
		}
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("%d webhooks were sent, want %d", len(h.Sent()), n)
		}
	}
}

func TestHooks_sendInOrderToWhoIsRegistered(t *testing.T) {
	r := &receiver{statuses: []int{200}}
	h := hooksTo(t, r)
	h.Send("other", stub.Quirks{}, func(stub.Hook) stub.Webhook { panic("nobody is registered") })
	var want []string
	for i := range 50 {
		want = append(want, "s"+strconv.Itoa(i))
		send(h, stub.Quirks{}, strconv.Itoa(i))
	}
	awaitSent(t, h, 50)
	if diff := cmp.Diff(want, r.got()); diff != "" {
		t.Errorf("webhooks (-want +got):\n%s", diff)
	}
	if !h.Remove("1") || h.Remove("1") || !h.None() {
		t.Error("the registration is not removed once")
	}
	send(h, stub.Quirks{}, "gone")
}

func TestHooks_sendAgainAndAreSwitchedOff(t *testing.T) {
	r := &receiver{statuses: []int{503, 500, 200}}
	h := hooksTo(t, r, time.Millisecond, time.Millisecond)
	send(h, stub.Quirks{}, "a")
	var got []int
	for _, sent := range awaitSent(t, h, 3) {
		got = append(got, sent.Attempt*1000+sent.Status)
	}
	if diff := cmp.Diff([]int{1503, 2500, 3200}, got); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	r.mu.Lock()
	r.statuses = []int{503}
	r.mu.Unlock()
	send(h, stub.Quirks{}, "b")
	awaitSent(t, h, 6)
	for { // the last attempt is noted before the hook is switched off
		if hook, _ := h.Get("1"); hook.Disabled {
			break
		}
	}
	send(h, stub.Quirks{}, "c")
	h.Close()
	if n := len(r.got()); n != 6 {
		t.Errorf("%d webhooks came, want none after it was switched off", n)
	}
}

func TestHooks_quirksRepeatAndShuffle(t *testing.T) {
	r := &receiver{statuses: []int{200}}
	h := hooksTo(t, r)
	for i := range 50 {
		send(h, stub.Quirks{RepeatedWebhooks: 0.5, LateWebhooks: 50 * time.Millisecond}, strconv.Itoa(i))
	}
	first := len(awaitSent(t, h, 55))
	seen := make(map[string]int)
	for _, body := range r.got() {
		seen[body]++
	}
	if first < 55 || len(seen) < 40 || slices.IsSorted(r.got()) {
		t.Errorf("%d webhooks of %d events came, in order %v", first, len(seen), slices.IsSorted(r.got()))
	}
}
