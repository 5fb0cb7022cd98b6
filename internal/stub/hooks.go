package stub

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Hook is one registration of webhooks at a help desk.
type Hook struct {
	ID, Name, URL string
	// Secret is what its webhooks are signed with.
	Secret string
	// Events are the names of those that it sends.
	Events []string
	// Headers are sent with each webhook, by name.
	Headers map[string]string
	// Disabled is set when the desk has switched it off.
	Disabled bool
}

// Webhook is one request that a desk sends.
type Webhook struct {
	ContentType string
	Headers     map[string]string
	Body        []byte
}

// SentWebhook is one attempt at a Webhook, for tests and people.
type SentWebhook struct {
	Event   string `json:"event"`
	Hook    string `json:"hook"` // id
	URL     string `json:"url"`
	Attempt int    `json:"attempt"`
	Status  int    `json:"status"` // 0 without an answer
}

// Hooked is an API that sends webhooks.
type Hooked interface {
	// Hooks are its registrations.
	Hooks() *Hooks
	// Announce sends the webhooks of an event, whose content a test gives, and reports whether
	// there is such an event.
	Announce(event string, content map[string]any, q Quirks) bool
}

// hookTimeout is how long a receiver may take to answer.
const hookTimeout = 5 * time.Second

// Hooks sends the webhooks of one desk: those of a registration one after the other, unless quirks
// delay them. It is safe for concurrent use.
type Hooks struct {
	// retries is what passes before a webhook is sent again that got no 2xx; after the last the
	// registration is switched off. None: it is sent once.
	retries []time.Duration
	client  http.Client

	mu     sync.Mutex
	all    []*queue
	made   int
	sent   []SentWebhook
	closed bool
	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
}

// queue is a registration with what it has to send.
type queue struct {
	Hook
	number  uint64 // of webhooks so far, for what quirks do with the next
	waiting []attempt
	busy    bool
}

type attempt struct {
	event  string
	hook   Webhook
	number int // from 1
}

// NewHooks returns Hooks without registrations.
func NewHooks(retries ...time.Duration) *Hooks {
	h := &Hooks{retries: retries, client: http.Client{Timeout: hookTimeout}}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// Add registers a hook, whose id and secret are made from the number of registrations so far.
func (h *Hooks) Add(make func(number int) Hook) Hook {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.made++
	q := &queue{Hook: make(h.made)}
	h.all = append(h.all, q)
	return q.Hook
}

// None reports whether there is no registration.
func (h *Hooks) None() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.all) == 0
}

// All returns the registrations in the order of their making.
func (h *Hooks) All() []Hook {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]Hook, len(h.all))
	for i, q := range h.all {
		list[i] = q.Hook
	}
	return list
}

// Get returns a registration by its id.
func (h *Hooks) Get(id string) (Hook, bool) {
	for _, hook := range h.All() {
		if hook.ID == id {
			return hook, true
		}
	}
	return Hook{}, false
}

// Change changes a registration, and returns it.
func (h *Hooks) Change(id string, with func(*Hook)) (Hook, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, q := range h.all {
		if q.ID == id {
			with(&q.Hook)
			return q.Hook, true
		}
	}
	return Hook{}, false
}

// Remove ends a registration.
func (h *Hooks) Remove(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := len(h.all)
	h.all = slices.DeleteFunc(h.all, func(q *queue) bool { return q.ID == id })
	return len(h.all) < before
}

// Send sends an event to every registration of it. make signs it, for one of them.
func (h *Hooks) Send(event string, q Quirks, make func(Hook) Webhook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, to := range h.all {
		if to.Disabled || !slices.Contains(to.Events, event) {
			continue
		}
		webhook := make(to.Hook)
		to.number++
		number := to.number
		times := 1
		if unit(Mix(Hash("repeat", to.ID)^number)) < q.RepeatedWebhooks {
			times = 2
		}
		for i := range times {
			delay := time.Duration(unit(Mix(Hash("late", to.ID)^(2*number+uint64(i)))) * float64(q.LateWebhooks))
			h.enqueue(to, attempt{event, webhook, 1}, delay)
		}
	}
}

// enqueue has an attempt made after a time. h is locked.
func (h *Hooks) enqueue(to *queue, a attempt, after time.Duration) {
	switch {
	case h.closed:
	case after > 0:
		ctx := h.ctx
		h.tasks.Go(func() {
			if sleep(ctx, after) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.enqueue(to, a, 0)
			}
		})
	default:
		to.waiting = append(to.waiting, a)
		if !to.busy {
			to.busy = true
			ctx := h.ctx
			h.tasks.Go(func() { h.work(ctx, to) })
		}
	}
}

// work makes the attempts of a registration until none waits.
func (h *Hooks) work(ctx context.Context, to *queue) {
	for {
		h.mu.Lock()
		if len(to.waiting) == 0 || ctx.Err() != nil {
			to.busy = false
			h.mu.Unlock()
			return
		}
		a, hook := to.waiting[0], to.Hook
		to.waiting = to.waiting[1:]
		h.mu.Unlock()
		status := h.post(ctx, hook, a.hook)
		h.mu.Lock()
		h.sent = append(h.sent, SentWebhook{Event: a.event, Hook: hook.ID, URL: hook.URL, Attempt: a.number, Status: status})
		if status < 200 || status > 299 {
			h.again(to, a)
		}
		h.mu.Unlock()
	}
}

// again plans the next attempt after one that failed. h is locked.
func (h *Hooks) again(to *queue, a attempt) {
	switch {
	case a.number <= len(h.retries):
		h.enqueue(to, attempt{a.event, a.hook, a.number + 1}, h.retries[a.number-1])
	case len(h.retries) > 0:
		to.Disabled = true
	}
}

func (h *Hooks) post(ctx context.Context, to Hook, w Webhook) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(w.Body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", w.ContentType)
	for name, value := range to.Headers {
		req.Header.Set(name, value)
	}
	for name, value := range w.Headers {
		req.Header.Set(name, value)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, MaxBody)) // so that the connection is used again
	return resp.StatusCode
}

// Sent returns the attempts so far in their order.
func (h *Hooks) Sent() []SentWebhook {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.sent)
}

// Clear forgets the registrations and what they have to send.
func (h *Hooks) Clear() { h.end(false) }

// Close drops what is to be sent, and waits until nothing is sent any more.
func (h *Hooks) Close() { h.end(true) }

func (h *Hooks) end(forGood bool) {
	h.mu.Lock()
	h.cancel()
	h.closed = true
	h.all, h.sent = nil, nil
	h.mu.Unlock()
	h.tasks.Wait()
	h.client.CloseIdleConnections()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = forGood
	h.ctx, h.cancel = context.WithCancel(context.Background())
}

// hooked returns the hooks of a desk, nil for one without.
func (d *Desk) hooked() Hooked {
	api, _ := d.api.(Hooked)
	return api
}

// serveWebhooks shows the attempts of a desk as NDJSON.
func (s *Server) serveWebhooks(w http.ResponseWriter, r *http.Request) {
	desk := s.Desk(r.URL.Query().Get("destination"))
	if desk == nil || desk.hooked() == nil {
		http.Error(w, s.needsDestination(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	for _, sent := range desk.hooked().Hooks().Sent() {
		if enc.Encode(sent) != nil {
			return // the client went away
		}
	}
}

// readObject is a body as a JSON object.
func readObject(r *http.Request) (map[string]any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody))
	if err != nil {
		return nil, err
	}
	return parseObject(body)
}

// serveAnnounce sends an event of a desk, as often as times says.
func (s *Server) serveAnnounce(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	desk := s.Desk(q.Get("destination"))
	times, err := strconv.Atoi(q.Get("times"))
	if q.Get("times") == "" {
		times, err = 1, nil
	}
	content, notObject := readObject(r)
	if desk == nil || desk.hooked() == nil || err != nil || notObject != nil {
		http.Error(w, "needs destination, event, and a JSON object as body; times is a number", http.StatusBadRequest)
		return
	}
	for range times {
		if !desk.hooked().Announce(q.Get("event"), content, desk.Quirks()) {
			http.Error(w, fmt.Sprintf("the desk has no event %q", q.Get("event")), http.StatusBadRequest)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}
