package sink

import (
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// newRecord opens the list's entry for a call and gives its place.
func (s *Session) newRecord(call Call) int {
	record := CallRecord{Method: call.Method, URL: s.dest.redactor().text(s.dest.client.target(call)), Lookup: call.Lookup}
	if call.Body.Exists() {
		record.Request, record.Truncated = s.dest.redactor().body(call.Body, nil)
	}
	s.calls = append(s.calls, record)
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
	r.Status, r.Response = nil, nil
	r.Truncated = len(r.Request) > 0 && r.Request[0] == '"' // a request is text only when it was cut
	if reply.Status != 0 {
		r.Status = &reply.Status
	}
	if len(reply.Body) > 0 {
		body, truncated := s.dest.redactor().body(reply.JSON(), reply.Body)
		r.Response, r.Truncated = body, r.Truncated || truncated
	}
}

// forget leaves of the entry what a plan shows.
func (r *CallRecord) forget() {
	r.Status, r.Attempts, r.DurationMS, r.Response = nil, 0, nil, nil
}

// body is a body as outcomes hold it: JSON, or as a JSON string what is no JSON or is
// too long. raw is the body's text when v, which it was read as, is absent.
func (r *redactor) body(v mapping.Value, raw []byte) (body RawJSON, truncated bool) {
	if v.Kind() == mapping.Absent {
		text := r.text(string(raw))
		return mapping.Str(cut(text, MaxRecord)).AppendJSON(nil), len(text) > MaxRecord
	}
	body = r.value(v).AppendJSON(nil)
	if len(body) > MaxRecord {
		return mapping.Str(cut(string(body), MaxRecord)).AppendJSON(nil), true
	}
	return body, false
}
