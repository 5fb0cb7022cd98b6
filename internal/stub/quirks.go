package stub

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Quirks are ways in which a help desk hides from its clients what took effect, and when.
// No vendor documents them; that a desk may behave so is a guess that a client is safe with.
// The zero value has none. A write is every call whose method is not GET.
type Quirks struct {
	// LostAnswers is the share of writes, 0 to 1, that take effect, but whose connection is
	// reset instead of an answer. It counts among the calls that FailRate lets pass.
	LostAnswers float64
	// LateAnswers is the share of writes, 0 to 1, that take effect at once, but are
	// answered only after Config.Silence, when their caller may have gone away.
	LateAnswers float64
	// LateEffects is the most that passes between the end of a write's connection and its
	// effect, if the write got no answer: because its answer was lost (LostAnswers,
	// FailRate, LoseAnswer, HoldAnswer), or because its caller went away while Latency
	// passed, as a process does that is killed. So with LateEffects a write takes effect
	// after its latency and not before. How long it takes is a hash of the call.
	LateEffects time.Duration
	// ListLag is the most that passes until a new ticket is in the list of tickets. By its
	// id it is found at once. How long it takes is a hash of the contact and of how many
	// tickets the contact had.
	ListLag time.Duration
	// ClockOffset is how far the desk's clock is ahead, less than 0 behind: of all moments
	// in answers and of the headers Date and X-Ratelimit-Reset, not of /_stub/.
	ClockOffset time.Duration
	// RepeatedWebhooks is the share of webhooks, 0 to 1, that are sent twice though they were
	// answered.
	RepeatedWebhooks float64
	// LateWebhooks is the most that passes until a webhook is sent, by its hash: so they come out
	// of order.
	LateWebhooks time.Duration
	// NullSubjects shows the subject of every ticket as null, whatever was sent.
	NullSubjects bool
}

func (q Quirks) validate() error {
	var errs []error
	if q.LostAnswers < 0 || q.LateAnswers < 0 || q.LostAnswers+q.LateAnswers > 1 {
		errs = append(errs, fmt.Errorf("the lost answers are %v and the late answers %v, not shares of 0 to 1 in sum", q.LostAnswers, q.LateAnswers))
	}
	if q.RepeatedWebhooks < 0 || q.RepeatedWebhooks > 1 {
		errs = append(errs, fmt.Errorf("the repeated webhooks are %v, not a share of 0 to 1", q.RepeatedWebhooks))
	}
	for name, d := range map[string]time.Duration{"late effects": q.LateEffects, "list lag": q.ListLag, "late webhooks": q.LateWebhooks} {
		if d < 0 {
			errs = append(errs, fmt.Errorf("the %s are %v, less than 0", name, d))
		}
	}
	return errors.Join(errs...)
}

// set gives the quirk of a name, as /_stub/quirks has it, a value.
func (q *Quirks) set(name, value string) error {
	var err error
	switch name {
	case "lost_answers":
		q.LostAnswers, err = strconv.ParseFloat(value, 64)
	case "late_answers":
		q.LateAnswers, err = strconv.ParseFloat(value, 64)
	case "late_effects":
		q.LateEffects, err = time.ParseDuration(value)
	case "list_lag":
		q.ListLag, err = time.ParseDuration(value)
	case "clock_offset":
		q.ClockOffset, err = time.ParseDuration(value)
	case "repeated_webhooks":
		q.RepeatedWebhooks, err = strconv.ParseFloat(value, 64)
	case "late_webhooks":
		q.LateWebhooks, err = time.ParseDuration(value)
	case "null_subjects":
		q.NullSubjects, err = strconv.ParseBool(value)
	default:
		err = errors.New("it is none of lost_answers, late_answers, late_effects, list_lag, clock_offset, repeated_webhooks, late_webhooks, null_subjects")
	}
	if err != nil {
		return fmt.Errorf("the quirk %q: %w", name, err)
	}
	return nil
}

// SetQuirks replaces the quirks that the configuration gave the help desk, for calls that
// arrive from now on. They must be valid. A reset brings the configuration's back.
func (d *Desk) SetQuirks(q Quirks) { d.quirks.Store(&q) }

// Quirks returns the quirks that the help desk has.
func (d *Desk) Quirks() Quirks { return *d.quirks.Load() }

func (s *Server) serveQuirks(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	desk := s.Desk(query.Get("destination"))
	if desk == nil {
		http.Error(w, s.needsDestination(), http.StatusBadRequest)
		return
	}
	query.Del("destination")
	q := desk.Quirks()
	var errs []error
	for name := range query {
		errs = append(errs, q.set(name, query.Get(name)))
	}
	if err := errors.Join(append(errs, q.validate())...); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	desk.SetQuirks(q)
	w.WriteHeader(http.StatusNoContent)
}

// Clock returns what the desk's clock shows.
func (q Quirks) Clock() time.Time { return time.Now().UTC().Add(q.ClockOffset) }

// setDate sets the header Date if it would not be that of the desk's clock.
func (q Quirks) setDate(h http.Header) {
	if q.ClockOffset != 0 {
		h.Set("Date", q.Clock().Format(http.TimeFormat))
	}
}
