package sink

import (
	"slices"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// recorder keeps the list of one event's calls as its outcome shows it.
type recorder struct {
	calls   []CallRecord
	started time.Time // of the first attempt
	last    time.Time // of the latest
}

// open adds an entry for a request and returns its index.
func (r *recorder) open(req *request, redact *redaction) int {
	record := CallRecord{Method: req.Method, URL: redact.calls.text(req.url), Lookup: req.Lookup}
	if req.body != nil {
		record.Request, record.Truncated = recorded(redact.calls.json(req.Body, req.body), MaxRecord)
	}
	r.calls = append(r.calls, record)
	return len(r.calls) - 1
}

// redirected returns the index of the entry for the request to which a redirect of the
// call at an index leads: that of an earlier one to the same URL, or a new one.
func (r *recorder) redirected(record int, target string, redact *redaction) int {
	url, own := redact.answers.text(target), redact.calls.text(target)
	for i := record; i < len(r.calls); i++ {
		if present := r.calls[i].URL; present == url || present == own {
			return i
		}
	}
	r.calls = append(r.calls, CallRecord{Method: r.calls[record].Method, URL: url, Lookup: true})
	return len(r.calls) - 1
}

// dropUnused takes the entry of a call that was never made off the list.
func (r *recorder) dropUnused(record int) {
	if r.calls[record].Attempts == 0 {
		r.calls = r.calls[:record]
	}
}

// begin records the time of an attempt.
func (r *recorder) begin(now time.Time) {
	if r.started.IsZero() {
		r.started = now
	}
	r.last = now
}

// record adds one attempt to its entry; the latest response stands.
func (r *recorder) record(record int, reply *Reply, took time.Duration, redact *redaction) {
	entry := &r.calls[record]
	entry.Attempts++
	total := Milliseconds(took.Microseconds()) / 1e3
	if entry.DurationMS != nil {
		total += *entry.DurationMS
	}
	entry.DurationMS = &total
	entry.Status, entry.Response = nil, RawJSON{}
	entry.Truncated = entry.Request.isText() // a request is text only when it was cut
	if status := reply.Status; status != 0 {
		entry.Status = &status
	}
	if len(reply.Body) > 0 {
		body, truncated := redact.answers.answer(reply, MaxRecord)
		entry.Response, entry.Truncated = body, entry.Truncated || truncated
	}
}

// attempts is the number of attempts at calls, and when the first and the last began.
func (r *recorder) attempts() (n int, first, last time.Time) {
	for i := range r.calls {
		n += r.calls[i].Attempts
	}
	return n, r.started, r.last
}

// reachedAPI reports whether any call was made.
func (r *recorder) reachedAPI() bool {
	return slices.ContainsFunc(r.calls, func(c CallRecord) bool { return c.Attempts > 0 })
}

// sentWrite reports whether any write was sent, whatever the response was.
func (r *recorder) sentWrite() bool {
	return slices.ContainsFunc(r.calls, func(c CallRecord) bool { return !c.Lookup && c.Attempts > 0 })
}

// forget leaves of the entry what a plan shows.
func (r *CallRecord) forget() {
	r.Status, r.Attempts, r.DurationMS, r.Response = nil, 0, nil, RawJSON{}
}

// answer is the body of a response as outcomes hold it: JSON, or as a JSON string what
// is no JSON or is too long.
func (r *redactor) answer(reply *Reply, limit int) (body RawJSON, truncated bool) {
	v := reply.JSON()
	if v.Kind() != mapping.Absent {
		return recorded(r.json(v, v.AppendJSON(make([]byte, 0, len(reply.Body)))), limit)
	}
	text := r.text(string(reply.Body))
	return RawJSONOf(mapping.Str(cut(text, limit))), len(text) > limit
}

// recorded is the JSON text of a body as outcomes hold it, cut at limit bytes.
func recorded(text []byte, limit int) (body RawJSON, truncated bool) {
	if len(text) > limit {
		return RawJSONOf(mapping.Str(cut(string(text), limit))), true
	}
	return RawJSON{text}, false
}
