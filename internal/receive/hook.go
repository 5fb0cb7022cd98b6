package receive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

const (
	// lateAfter is how old a signature is without being late.
	lateAfter = 300 * time.Second
	// enrichTimeout is how long an event waits for what is read from its desk.
	enrichTimeout = 2 * time.Second
)

// hook receives for one destination.
type hook struct {
	wiring.Sender
	secrets *secrets
	macs    macs // of the secrets
	log     *slog.Logger
	metrics *metrics
	gaps    *gaps
	counts  *counts
	failed  string // the latest error of reading secrets, by the one goroutine that does
}

// refusedError is a request that is refused.
type refusedError struct{ reason reason }

// Error implements error.
func (e *refusedError) Error() string { return "refused: " + string(e.reason) }

// eventName is what a path may end in.
var eventName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// takes reports whether a path of the destination ends in what the desk's do: the name of an event,
// or nothing. A name that is new is one.
func (h *hook) takes(event string, named bool) bool {
	if h.InPath == nil {
		return !named
	}
	return named && (slices.Contains(h.InPath, event) || eventName.MatchString(event))
}

// form reports whether the body is a form. Errors: badType.
func (h *hook) form(r *http.Request) (bool, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return false, &refusedError{badType}
	}
	header := r.Header.Get("Content-Type")
	switch header { // as the desks send it
	case "":
		return h.Forms, nil
	case "application/json":
		return false, nil
	}
	kind, _, err := mime.ParseMediaType(header)
	switch {
	case err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter):
	case kind == "application/json", strings.HasSuffix(kind, "+json"):
		return false, nil
	case kind == "application/x-www-form-urlencoded" && h.Forms:
		return true, nil
	}
	return false, &refusedError{badType}
}

// check reads the event of a webhook whose signature is right into v. Errors: noSignature,
// badSignature, tooOld.
func (h *hook) check(ctx context.Context, header http.Header, w unified.Webhook, v *visit) error {
	s, err := h.Signature(header.Get, w.Body)
	if err != nil {
		return &refusedError{noSignature}
	}
	fits := h.macs.signed(s, w.Body, h.secrets.of(w.Name))
	if !fits && h.secrets.refresh(ctx) {
		h.macs.forget()
		fits = h.macs.signed(s, w.Body, h.secrets.of(w.Name))
	}
	if !fits {
		return &refusedError{badSignature}
	}
	w.At = s.At
	v.event = h.read(w)
	e := &v.event
	at := s.At
	if at.IsZero() {
		at = e.At.Moment() // the body is signed, and so is its time
	}
	if !at.IsZero() {
		age := v.began.Sub(at)
		if age > h.Config.Webhooks.MaxAge {
			return &refusedError{tooOld}
		}
		e.Late = age > lateAfter
	}
	if e.At == "" {
		e.At = unified.At(v.began)
	}
	if e.ID == "" {
		e.ID = idOf(w)
	}
	return nil
}

// read reads a webhook. Should that panic, the event is an unknown one: a desk would send it again
// and again, and in the end no more webhooks at all.
func (h *hook) read(w unified.Webhook) (e unified.Event) {
	defer func() {
		if fault := recover(); fault != nil {
			h.metrics.panicked.Inc()
			h.log.Error("reading a webhook panicked, it is written as an unknown event", "fault", fmt.Sprintf("%T", fault), "stack", string(debug.Stack()))
			e = unified.Event{
				Schema: unified.Version, Type: unified.Unknown, At: unified.At(w.At), Desk: h.Config.Type, Destination: h.Config.Name,
				DeskEvent: w.Name, Raw: unified.Wrapped(w.Body),
			}
		}
	}()
	return h.Event(w)
}

// enrich adds the ticket and the contact as the desk shows them, and marks whether it could.
func (h *hook) enrich(ctx context.Context, e *unified.Event) {
	if h.Destination == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, enrichTimeout)
	defer cancel()
	err := h.Destination.Look(ctx, func(ctx context.Context, do sink.Doer) error { return h.Enrich(ctx, do, e) })
	enriched := err == nil
	e.Enriched = &enriched
}

// reread reads the secrets again, and the credential of the desk. An error is logged when it differs
// from the one before.
func (h *hook) reread(ctx context.Context) {
	changed, err := h.secrets.reread(ctx)
	if changed {
		h.macs.forget()
		h.log.Info("secrets of webhooks changed")
	}
	changed, failed := wiring.RereadCredential(h.Config)
	if changed {
		h.log.Info("credential changed")
		if h.Destination != nil {
			h.Destination.Renewed()
		}
	}
	err = errors.Join(err, failed)
	switch {
	case err == nil:
		h.failed = ""
	case err.Error() != h.failed:
		h.failed = err.Error()
		h.log.Error("reading the secrets of webhooks or the credential again failed, the current ones stay", "err", err)
	}
}
