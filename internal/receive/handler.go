package receive

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink/traces"
)

// maxOpen is how many requests are read, checked or written at a time.
const maxOpen = 256

// pathPrefix begins the paths of all webhooks.
const pathPrefix = "/webhooks/"

// The response to a webhook whose event is on the topic.
var (
	jsonType = []string{"application/json"}
	okBody   = []byte(`{"status":"ok"}` + "\n")
)

// handler serves webhooks.
type handler struct {
	hooks    map[string]*hook
	writer   *writer
	metrics  *metrics
	refusals *refusalLog
	log      *slog.Logger
	bodies   bodies
	visits   visits
	seen     *seen
	places   chan struct{} // one for each open request
	stopping atomic.Bool
	traces   traces.Source // nil: no spans
}

func newHandler(hooks map[string]*hook, w *writer, m *metrics, log *slog.Logger) *handler {
	return &handler{
		hooks: hooks, writer: w, metrics: m, refusals: newRefusalLog(log), log: log, seen: newSeen(), places: make(chan struct{}, maxOpen),
	}
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hook, event := h.find(r.URL.Path)
	destination := ""
	if hook != nil {
		destination = hook.Config.Name
	}
	err := h.receive(hook, event, r)
	if err == nil {
		hook.gaps.took(time.Now())
		hook.counts.ok.Inc()
		w.Header()["Content-Type"] = jsonType
		_, _ = w.Write(okBody) // the reader went away: nobody to tell
		return
	}
	why := notTaken
	if refused, ok := errors.AsType[*refusedError](err); ok {
		why = refused.reason
	}
	if hook != nil && (why == notTaken || why == tooMany) {
		hook.gaps.refused(time.Now())
	}
	h.refuse(w, destination, why)
}

func (h *handler) refuse(w http.ResponseWriter, destination string, why reason) {
	r := refusals[why]
	h.metrics.refused.WithLabelValues(destination, string(why)).Inc()
	h.metrics.answered(destination, r.status)
	h.refusals.note(destination, why)
	if r.retryAfter != "" {
		w.Header().Set("Retry-After", r.retryAfter)
	}
	if why == wrongMethod {
		w.Header().Set("Allow", http.MethodPost)
	}
	if why == notRead {
		w.Header().Set("Connection", "close") // the rest of the body may still come
	}
	endpoint.Answer(w, r.status, map[string]string{"error": r.text})
}

// find returns the hook that a path is of, nil for none, and the event that it names.
func (h *handler) find(path string) (*hook, string) {
	rest, ok := strings.CutPrefix(path, pathPrefix)
	if !ok {
		return nil, ""
	}
	name, event, named := strings.Cut(rest, "/")
	hook := h.hooks[name]
	if hook == nil || !hook.takes(event, named) {
		return nil, ""
	}
	return hook, event
}

// receive returns when the event of a request is on the topic. Its error is a refusedError, or one
// after which the desk has to send it again.
func (h *handler) receive(hook *hook, event string, r *http.Request) error {
	began := time.Now()
	switch {
	case hook == nil:
		return &refusedError{unknownPath}
	case r.Method != http.MethodPost:
		return &refusedError{wrongMethod}
	case h.stopping.Load():
		return &refusedError{stopping}
	case !h.writer.takes():
		return &refusedError{notTaken}
	}
	select {
	case h.places <- struct{}{}:
		h.metrics.open.Inc()
		defer func() {
			<-h.places
			h.metrics.open.Dec()
		}()
	default:
		return &refusedError{tooMany}
	}
	form, err := hook.form(r)
	if err != nil {
		return err
	}
	body, give, err := h.bodies.read(r)
	switch {
	case errors.Is(err, errTooLarge):
		return &refusedError{tooLarge}
	case errors.Is(err, errFull):
		return &refusedError{tooMany}
	case err != nil:
		return &refusedError{notRead}
	}
	defer give()
	v := h.visits.begin()
	v.body, v.began = body, began
	err = hook.check(r.Context(), r.Header, unified.Webhook{Name: event, Form: form, Body: body, Room: &v.room}, v)
	if err != nil {
		h.visits.end(v)
		return err
	}
	span, parent := traces.Receive(h.traces, hook.Config.Name, parentIn(r.Header), began)
	v.parent = parent
	hook.enrich(r.Context(), &v.event)
	err = h.write(r.Context(), hook, v)
	span.Ended(string(v.event.Type), codeOf(err))
	if err == nil { // else the Kafka client may still read the record
		h.visits.end(v)
	}
	return err
}

// The headers of a trace, as http.Header has them: few webhooks have one.
var headerParent, headerState = http.CanonicalHeaderKey(traces.HeaderParent), http.CanonicalHeaderKey(traces.HeaderState)

// parentIn is the parent that a request names, zero for none.
func parentIn(header http.Header) traces.Parent {
	if len(header[headerParent]) == 0 {
		return traces.Parent{}
	}
	return traces.ParentOf([]byte(header[headerParent][0]), []byte(header.Get(headerState)))
}

// codeOf is what the span of a webhook says of an error.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	if refused, ok := errors.AsType[*refusedError](err); ok {
		return string(refused.reason)
	}
	return string(notTaken)
}

// write writes the event of a request, in a smaller form where the topic takes no more.
func (h *handler) write(ctx context.Context, hook *hook, v *visit) error {
	e, key := &v.event, keyOf(&v.event)
	e.Repeat = h.seen.has(key)
	for _, smaller := range smallerForms {
		if smaller != nil {
			smaller(e, v.body)
		}
		record, err := v.recorded()
		if err != nil {
			return err
		}
		err = h.writer.write(ctx, record, func() { h.seen.add(key) })
		if errors.Is(err, errTooLong) {
			continue
		}
		if err == nil {
			hook.counts.received(e, v.began)
			if hook.log.Enabled(ctx, slog.LevelDebug) {
				hook.log.Debug("webhook received", "type", string(e.Type), "repeat", e.Repeat, "late", e.Late)
			}
		}
		return err
	}
	return &refusedError{topicTooLow}
}

// smallerForms make an event smaller, each more than the one before; nil: as it is.
var smallerForms = []func(*unified.Event, []byte){nil, withoutTexts, withBody}

// withoutTexts leaves out what raw has too, and what was read from the desk.
func withoutTexts(e *unified.Event, _ []byte) {
	e.Truncated = true
	if e.Comment != nil {
		e.Comment.Body, e.Comment.HTML, e.Comment.Raw = "", "", nil
	}
	if e.Ticket != nil {
		e.Ticket.Raw, e.Ticket.Fields = nil, nil
	}
	if e.Contact != nil {
		e.Contact.Raw, e.Contact.Fields = nil, nil
	}
	e.Changes = nil
}

// withBody has the body in base64, which is shorter than a text of many escapes.
func withBody(e *unified.Event, body []byte) { e.Raw = unified.InBase64(body) }
