package sink

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/hold"
)

// sayAgainAfter is how often a hold that lasts is logged again.
const sayAgainAfter = 10 * time.Minute

// holdLog logs a destination's holds: when one begins, every ten minutes while it lasts, and when it
// ends.
type holdLog struct {
	d *Destination

	mu    sync.Mutex
	timer *time.Timer // nil without a hold
}

// changed logs that a hold began or ended. The gate is locked.
func (h *holdLog) changed(was, now hold.State) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
	if !now.Active() {
		h.d.log.Info("destination resumed", "reason", was.Reason, "held_for", time.Since(was.Since).Round(time.Millisecond))
		return
	}
	level, attrs := h.said(now)
	h.d.log.Log(context.Background(), level, "destination put on hold", attrs...)
	h.timer = time.AfterFunc(sayAgainAfter, h.again)
}

// again logs a hold that lasts.
func (h *holdLog) again() {
	now := h.d.gate.Held() // before mu, as in changed
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timer == nil || !now.Active() {
		return
	}
	level, attrs := h.said(now)
	attrs = append(attrs, "held_for", time.Since(now.Since).Round(time.Second))
	h.d.log.Log(context.Background(), level, "destination still on hold", attrs...)
	h.timer.Reset(sayAgainAfter)
}

// end logs nothing any more.
func (h *holdLog) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timer != nil {
		h.timer.Stop()
		h.timer = nil
	}
}

// said is what is logged of a hold: what it means, and what a person can do.
func (h *holdLog) said(now hold.State) (level slog.Level, attrs []any) {
	level = slog.LevelError
	ends := "a probe that is accepted or judged"
	switch now.Reason {
	case hold.Operator:
		level, ends = slog.LevelWarn, "resume"
	case hold.TooManyRejected:
		ends = "an accepted probe or resume"
		attrs = append(attrs, "rejected", now.Rejected, "of_the_last", h.d.Breaker.Of)
		if now.Invalid {
			attrs = append(attrs[:0], "invalid", now.Rejected, "of_the_last", hold.InvalidOf)
		}
	}
	cause, next := h.d.HoldText(now.Reason)
	attrs = append([]any{"reason", now.Reason, "ends_by", ends, "cause", cause, "next", next}, attrs...)
	if code, _ := h.d.LastFailure(); code != "" && now.Reason != hold.Operator {
		attrs = append(attrs, "last_error", code)
	}
	return level, attrs
}

// HoldText says for people what a reason of a hold means, and what to do.
func (d *Destination) HoldText(reason string) (cause, next string) {
	const connect = "run deskstream check --connect"
	switch setting := d.CredentialSetting; reason {
	case string(HTTPCode(http.StatusUnauthorized)):
		return "the API refuses the credential: 401 Unauthorized",
			"renew " + setting + ": one in a file is read again within seconds, for another restart"
	case string(HTTPCode(http.StatusForbidden)):
		return "the credential lacks a right: 403 Forbidden", "give the credential in " + setting + " its rights back"
	case string(HTTPCode(http.StatusTooManyRequests)):
		return "the rate limit is used up: 429 Too Many Requests", "nothing, unless it comes often: then something else spends the limit; raise delivery.rate_limit.reserve"
	case "refused":
		return "the connection to the API is refused", "check base_url and the way to it: " + connect
	case "failing":
		return "calls fail one after the other", "look at the vendor's status, " + connect
	case hold.TooManyRejected:
		return "the API rejects most events, or they can never be mapped", "see deskstream dlq list for the causes, then deskstream resume " + d.Name
	case hold.Operator:
		return "a person stopped it", "deskstream resume " + d.Name
	default:
		return reason, connect
	}
}

// sayInvalid logs that most events can never be mapped, where that is no hold.
func (d *Destination) sayInvalid(events int) {
	d.log.Warn("most of the last 1000 events can never be mapped: see deskstream dlq list; dead_letters.breaker.invalid would hold the destination", "events", events)
}

// failure is the latest attempt at a call that was not accepted.
type failure struct {
	code mapping.Code
	at   time.Time
}

// LastFailure is the code of the latest attempt at a call that was not accepted, "" for none, and when
// it was judged.
func (d *Destination) LastFailure() (code mapping.Code, at time.Time) {
	if f := d.latest.Load(); f != nil {
		return f.code, f.at
	}
	return "", time.Time{}
}
