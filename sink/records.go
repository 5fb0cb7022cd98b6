package sink

import (
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// newRecord opens the list's entry for a request and gives its place.
func (s *Session) newRecord(r *request) int {
	redact := s.dest.redaction().calls
	record := CallRecord{Method: r.Method, URL: redact.text(r.url), Lookup: r.Lookup}
	if r.body != nil {
		record.Request, record.Truncated = recorded(redact.json(r.Body, r.body))
	}
	s.calls = append(s.calls, record)
	return len(s.calls) - 1
}

// redirected gives the place of the entry for the request to which a redirect of the
// call at the given place leads: that of an earlier one to the same URL, or a new one.
func (s *Session) redirected(record int, target string) int {
	redact := s.dest.redaction()
	url, own := redact.answers.text(target), redact.calls.text(target)
	for i := record; i < len(s.calls); i++ {
		if present := s.calls[i].URL; present == url || present == own {
			return i
		}
	}
	s.calls = append(s.calls, CallRecord{Method: s.calls[record].Method, URL: url, Lookup: true})
	return len(s.calls) - 1
}

// dropUnused takes the entry of a call that was never made off the list.
func (s *Session) dropUnused(record int) {
	if s.calls[record].Attempts == 0 {
		s.calls = s.calls[:record]
	}
}

// record notes one attempt; the latest answer stands.
func (s *Session) record(record int, reply Reply, took time.Duration) {
	r := &s.calls[record]
	r.Attempts++
	total := float64(took.Microseconds()) / 1e3
	if r.DurationMS != nil {
		total += *r.DurationMS
	}
	r.DurationMS = &total
	r.Status, r.Response = nil, RawJSON{}
	r.Truncated = r.Request.isText() // a request is text only when it was cut
	if status := reply.Status; status != 0 {
		r.Status = &status
	}
	if len(reply.Body) > 0 {
		body, truncated := s.dest.redaction().answers.answer(reply)
		r.Response, r.Truncated = body, r.Truncated || truncated
	}
}

// forget leaves of the entry what a plan shows.
func (r *CallRecord) forget() {
	r.Status, r.Attempts, r.DurationMS, r.Response = nil, 0, nil, RawJSON{}
}

// answer is the body of an answer as outcomes hold it: JSON, or as a JSON string what
// is no JSON or is too long.
func (r *redactor) answer(reply Reply) (body RawJSON, truncated bool) {
	v := reply.JSON()
	if v.Kind() != mapping.Absent {
		return recorded(r.json(v, v.AppendJSON(make([]byte, 0, len(reply.Body)))))
	}
	text := r.text(string(reply.Body))
	return RawJSONOf(mapping.Str(cut(text, MaxRecord))), len(text) > MaxRecord
}

// recorded is the JSON text of a body as outcomes hold it.
func recorded(text []byte) (body RawJSON, truncated bool) {
	if len(text) > MaxRecord {
		return RawJSONOf(mapping.Str(cut(string(text), MaxRecord))), true
	}
	return RawJSON{text}, false
}
