package sink

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// redactor replaces the credential, as it is and as JSON text may spell it.
func redactor(credential Secret) *strings.Replacer {
	plain := credential.Reveal()
	if plain == "" {
		return strings.NewReplacer()
	}
	quoted, err := json.Marshal(plain)
	if err != nil {
		return strings.NewReplacer(plain, redacted)
	}
	escaped := string(quoted[1 : len(quoted)-1])
	slashed := strings.ReplaceAll(escaped, "/", `\/`)
	return strings.NewReplacer(plain, redacted, escaped, redacted, slashed, redacted)
}

// newRecord opens the list's entry for a call and gives its place.
func (s *Session) newRecord(call Call) int {
	url := s.dest.client.base + call.Path
	if call.Query != "" {
		url += "?" + call.Query
	}
	record := CallRecord{Method: call.Method, URL: s.dest.redact.Replace(url), Lookup: call.Lookup}
	if call.Body.Exists() {
		record.Request, record.Truncated = s.dest.recordBody(call.Body.AppendJSON(nil))
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
	if reply.Status != 0 {
		r.Status = &reply.Status
	}
	if len(reply.Body) > 0 {
		body, truncated := s.dest.recordBody(reply.Body)
		r.Response, r.Truncated = body, r.Truncated || truncated
	}
}

// forget leaves of the entry what a plan shows.
func (r *CallRecord) forget() {
	r.Status, r.Attempts, r.DurationMS, r.Response = nil, 0, nil, nil
}

// recordBody is a body as outcomes hold it: redacted JSON, or as a JSON string what
// is too long, no JSON, or nested too deep to stand inside another object.
func (d *Destination) recordBody(body []byte) (RawJSON, bool) {
	text := d.redact.Replace(string(body))
	truncated := len(text) > MaxRecord
	if truncated {
		text = cut(text, MaxRecord)
	} else if v, err := mapping.ParseJSON([]byte(text)); err == nil {
		return v.AppendJSON(nil), false
	}
	return mapping.Str(text).AppendJSON(nil), truncated
}
