package receive

import (
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// reason is why a request is refused.
type reason string

// The reasons.
const (
	unknownPath  reason = "unknown_path"
	wrongMethod  reason = "method"
	tooMany      reason = "too_many"
	badType      reason = "media_type"
	tooLarge     reason = "too_large"
	notRead      reason = "not_read"
	noSignature  reason = "no_signature"
	badSignature reason = "signature"
	tooOld       reason = "too_old"
	notTaken     reason = "kafka"
	topicTooLow  reason = "topic"
	stopping     reason = "stopping"
)

// refusal is a response other than 200. Texts say nothing of the request.
type refusal struct {
	status int
	text   string
	// retryAfter is in seconds, 0 for none.
	retryAfter string
	// quiet marks what scanners do all day, which is counted and not logged.
	quiet bool
}

// refusals are the responses by reason. A wrong, a missing and an old signature look the same from
// outside.
var refusals = map[reason]refusal{
	unknownPath:  {status: http.StatusNotFound, text: "no webhook is received here: the path is /webhooks/<destination>, for Trengo /webhooks/<destination>/<EVENT>", quiet: true},
	wrongMethod:  {status: http.StatusMethodNotAllowed, text: "webhooks are sent by POST", quiet: true},
	tooMany:      {status: http.StatusTooManyRequests, text: "too many requests are open, send it again", retryAfter: "1"},
	badType:      {status: http.StatusUnsupportedMediaType, text: "the body is neither JSON nor, of a desk that sends one, a form, or it is compressed"},
	tooLarge:     {status: http.StatusRequestEntityTooLarge, text: "the body is longer than 1 MiB"},
	notRead:      {status: http.StatusRequestTimeout, text: "the body did not arrive in time"},
	noSignature:  {status: http.StatusUnauthorized, text: "the signature is missing, wrong or too old"},
	badSignature: {status: http.StatusUnauthorized, text: "the signature is missing, wrong or too old"},
	tooOld:       {status: http.StatusUnauthorized, text: "the signature is missing, wrong or too old"},
	notTaken:     {status: http.StatusServiceUnavailable, text: "the event cannot be kept now, send it again", retryAfter: "5"},
	topicTooLow:  {status: http.StatusRequestEntityTooLarge, text: "the event is too large to be kept"},
	stopping:     {status: http.StatusServiceUnavailable, text: "this instance stops, send it again", retryAfter: "1"},
}

// advice is what an operator can do about a reason.
var advice = map[reason]string{
	noSignature:  "look whether something else than the desk calls this address, or a proxy drops headers",
	badSignature: "compare webhooks.secrets with the registration's secret at the desk; a proxy may not change bodies",
	tooOld:       "compare the clocks of the desk and this machine, or raise webhooks.max_age",
	badType:      "look at what the registration sends",
	tooLarge:     "the desk sent more than it should; export reads what is missing",
	notRead:      "look at the network between the desk and this machine",
	tooMany:      "start more instances",
	notTaken:     "look at Kafka",
	topicTooLow:  "raise the topic's max.message.bytes",
}

// quietTime is how long a reason of a destination is not logged again.
const quietTime = time.Minute

// refusalLog logs each reason of a destination once a minute at most, with the number since.
type refusalLog struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[refused]*refusedLately
}

type refused struct {
	destination string
	reason      reason
}

type refusedLately struct {
	logged time.Time
	since  int
}

func newRefusalLog(log *slog.Logger) *refusalLog {
	return &refusalLog{log: log, last: make(map[refused]*refusedLately)}
}

func (l *refusalLog) note(destination string, why reason) {
	r := refusals[why]
	if r.quiet {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at := refused{destination, why}
	lately := l.last[at]
	if lately == nil {
		lately = new(refusedLately)
		l.last[at] = lately
	}
	lately.since++
	if now := time.Now(); lately.logged.IsZero() || now.Sub(lately.logged) >= quietTime {
		l.log.Warn("webhook refused", "destination", destination, "reason", string(why), "status", r.status, "times", lately.since, "advice", advice[why])
		lately.logged, lately.since = now, 0
	}
}
