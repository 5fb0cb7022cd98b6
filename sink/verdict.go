package sink

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/budget"
)

// verdict is what one attempt at a call means for the event and its destination.
type verdict uint8

const (
	// accepted is a well-formed 2xx, or an answer of the API's own with a status that is one
	// to this call.
	accepted verdict = iota
	// refusedForGood is any other 4xx in the API's own form: the API judged the call.
	refusedForGood
	// denied is 401 and 403: the credentials, or the rights, are at fault.
	denied
	// throttled is 429 for the whole destination.
	throttled
	// unreachable is a refused connection: nothing was sent.
	unreachable
	// passing is everything else: 408, 425, 5xx, time-outs, resets, malformed answers,
	// redirects and 4xx that are not in the API's own form, and a 429 that says that budget
	// is left: see limited.
	passing
)

// holds reports whether the verdict stops the whole destination at once.
func (v verdict) holds() bool { return v == denied || v == throttled || v == unreachable }

// judgement is a verdict with the words for it.
type judgement struct {
	verdict
	code    mapping.Code
	status  int
	message string
	// detail is the help desk's own text, which may quote the customer's data.
	detail string
	// unanswered marks a call that may have taken effect without telling us so.
	unanswered bool
	// mayHaveActed marks a failed write that may have taken effect, answered or not.
	mayHaveActed bool
	// outdated marks a denied call whose credential has changed since.
	outdated bool
	at       time.Time // when the attempt was judged
	// wait is how long the help desk asks us to wait; 0 if it does not say.
	wait time.Duration
}

// limited reports whether the answer was a limit of one object: the lane waits, the
// destination does not, and no attempt is counted.
func (j judgement) limited() bool {
	return j.verdict == passing && j.status == http.StatusTooManyRequests
}

// refused reports whether the answer says that the call cannot be made, whoever gave it.
func (j judgement) refused() bool {
	passes := j.status == http.StatusRequestTimeout || j.status == http.StatusTooEarly || j.status == http.StatusTooManyRequests
	return j.status > 0 && j.status < 500 && !j.holds() && !passes
}

// judge is the one place that decides what an attempt means. err is a
// *transportError or nil.
func judge(call Call, reply Reply, err error, now time.Time) judgement {
	if fault, ok := errors.AsType[*transportError](err); ok {
		j := judgement{verdict: passing, code: fault.code, at: now, message: transportMessage(fault), unanswered: fault.sent, mayHaveActed: fault.sent}
		if fault.refused {
			j.verdict = unreachable
		}
		return j
	}
	j := judgement{status: reply.Status, code: HTTPCode(reply.Status), at: now, wait: budget.AskedWait(reply.Status, reply.Header, now)}
	switch status := reply.Status; {
	case call.answers(status) && isOwn(reply):
		j.verdict = accepted
	case reply.OK():
		if malformed := check(call, reply); malformed != nil {
			j.verdict, j.code, j.unanswered, j.mayHaveActed = passing, BadAnswer, true, true
			j.message = "the API answered " + strconv.Itoa(status) + ", but " + malformed.Error()
		}
	case status == http.StatusTooManyRequests:
		j.verdict = throttled
		if n, ok := budget.Remaining(reply.Header); ok && n > 0 {
			j.verdict = passing
		}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		j.verdict = denied
	case status == http.StatusRequestTimeout || status == http.StatusTooEarly || status >= 500 || status < 200:
		j.verdict, j.mayHaveActed = passing, status != http.StatusTooEarly
	case isRedirect(status):
		j.verdict, j.code, j.mayHaveActed = passing, Redirect, true
	case isOwn(reply):
		j.verdict = refusedForGood
	default:
		j.verdict, j.mayHaveActed = passing, true
		j.message = "the answer " + statusText(status) + " is not in the API's own form: a gateway may have given it"
	}
	if j.verdict != accepted && j.message == "" {
		j.message, j.detail = answered(reply.Status), vendorMessage(reply)
	}
	return j
}

// isOwn reports whether an answer outside 2xx is the API's own: a JSON object with errors,
// error or message. An empty body is its own with 409 and 422 only, and one that could not be
// read is not empty. What a gateway says, a web page mostly, is about the gateway.
func isOwn(reply Reply) bool {
	if reply.Cut {
		return false
	}
	if len(bytes.TrimSpace(reply.Body)) == 0 {
		return reply.Status == http.StatusConflict || reply.Status == http.StatusUnprocessableEntity
	}
	body := reply.JSON()
	for _, name := range [...]string{"errors", "error", "message"} {
		if body.Get(name).Kind() != mapping.Absent {
			return true
		}
	}
	return false
}

func answered(status int) string { return "the API answered " + statusText(status) }

func statusText(status int) string { return strconv.Itoa(status) + " " + http.StatusText(status) }

func transportMessage(fault *transportError) string {
	switch fault.code {
	case Timeout:
		return errCallTimeout.Error()
	case TLS:
		return "the API's certificate or TLS set-up was not accepted"
	default:
		if fault.refused {
			return "the connection to the API was refused"
		}
		return "the connection to the API failed"
	}
}

var (
	errNotJSON = errors.New("its body is not JSON")
	errTooLong = errors.New("its body exceeds 1 MiB, or 16 MiB of a list")
)

// check returns what is malformed about the body of a 2xx answer.
func check(call Call, reply Reply) error {
	if reply.Cut && (!call.Own || !looksLikeJSON(reply.Body)) {
		return errTooLong
	}
	if call.Own {
		return checkOwn(call, reply)
	}
	if call.Accept != nil {
		return call.Accept(reply)
	}
	if len(bytes.TrimSpace(reply.Body)) > 0 && reply.JSON().Kind() == mapping.Absent {
		return errNotJSON
	}
	return nil
}

// vendorMessage is the help desk's own short text in one of the shapes that they
// document: {"message"}, {"error"}, {"errors": [{"title", "detail", "message"}]} and
// {"errors": {"field": []}} or {"errors": ["text"]}. Where a text is expected a list of them may
// stand. Trengo's message is the same for every fault of a field, so the faults follow it; Kustomer's
// detail may be a bare pointer, so the title goes before it.
func vendorMessage(reply Reply) string {
	body := reply.JSON()
	errs := body.Get("errors")
	if errs.Kind() == mapping.Object {
		message := textOf(body.Get("message"))
		return strings.TrimSpace(message + " " + faultyFields(errs, message))
	}
	first := errs.At(0)
	detail := cmp.Or(textOf(first.Get("detail")), textOf(first.Get("message")))
	if title := textOf(first.Get("title")); title != "" && detail != "" && title != detail {
		detail = title + ": " + detail
	} else {
		detail = cmp.Or(detail, title)
	}
	message, text := textOf(body.Get("message")), first.Str()
	if message != "" && text != "" && text != message {
		return message + " " + text
	}
	return cmp.Or(message, detail, textOf(first), textOf(body.Get("error")))
}

// textOf is a text, or the first one of a list.
func textOf(v mapping.Value) string { return cmp.Or(v.Str(), v.At(0).Str()) }

// maxFaults is how many faulty fields a message names.
const maxFaults = 5

// faultyFields names the fields of a 422 with their first fault, without what the message
// says already.
func faultyFields(errs mapping.Value, message string) string {
	var faults []string
	for _, m := range errs.Members() {
		if text := textOf(m.Value); text != "" && text != message && len(faults) < maxFaults {
			faults = append(faults, m.Name+": "+text)
		}
	}
	return strings.Join(faults, "; ")
}

// cut shortens a text to at most limit bytes at a character's border.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "")
}
