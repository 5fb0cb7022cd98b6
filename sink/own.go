package sink

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// Calls is how a destination takes records that are API requests. CONTRACT: Calls over Kafka.
type Calls struct {
	// Read reads such a record. Its error is a *mapping.Error or a mapping.Skip; with
	// mapping.OtherDestination, Asked has the destination that the record names.
	Read func(mapping.Event) (Asked, error)
	// NextPage returns the encoded parameters that ask for the page after a list's, as its answer
	// gives them; "" for the last page, and what is no list.
	NextPage func(answer mapping.Value) string
}

// Asked is an API request that a record asks for.
type Asked struct {
	Call Call
	// Query are the parameters of Call.Query, an object or absent.
	Query mapping.Value
	// CorrelationID is the record's own id for its answer, "" for none.
	CorrelationID string
	// To is the destination that the record names.
	To string
	// Warnings say, for people, what was left out.
	Warnings []string
}

// ownStep is the one step of a call that is not safe to repeat.
const ownStep = "call"

// call makes the request that a record asks for. Its answer goes into the outcome, whatever it is.
func (r Route) call(ctx context.Context, s *Session, value []byte, o *Outcome) (Receipt, error) {
	ev, err := mapping.Decode(value)
	if err != nil {
		return Receipt{}, failureOf(err, StageDecode)
	}
	o.Event.name(ev)
	if s.Timestamp.IsZero() {
		s.eventTime = EventTime(ev)
	}
	asked, err := r.Calls.Read(ev)
	s.Trace.Mapped()
	o.CorrelationID = text(asked.CorrelationID)
	if errors.Is(err, mapping.OtherDestination) {
		o.Event.To = asked.To
	}
	if s.Repeat {
		return Receipt{}, mapping.Duplicate
	}
	receipt := Receipt{Warnings: asked.Warnings}
	if err != nil {
		return receipt, failureOf(err, StageMap)
	}
	asked.Call.Own = true
	s.sender.answer = nil
	if asked.Call.Unrepeatable {
		// Another process must not send what this one may have sent.
		_, err = s.doer.Once(ctx, Effect{Step: ownStep, Call: asked.Call, Blind: true, IDs: func(Reply) map[string]string { return nil }})
	} else {
		_, err = s.doer.Do(ctx, asked.Call)
	}
	if answer := s.sender.answer; answer != nil && answer.Status != 0 {
		r.answered(s, o, answer, asked.Query)
	}
	return receipt, err
}

// answered puts an answer into the outcome.
func (r Route) answered(s *Session, o *Outcome, answer *Reply, query mapping.Value) {
	o.Status = &answer.Status
	if len(bytes.TrimSpace(answer.Body)) > 0 {
		o.Result, o.Truncated = s.sender.dest.redaction().answers.answer(answer, MaxResult)
		o.Truncated = o.Truncated || answer.Cut
	}
	if !answer.OK() {
		return
	}
	if answer.Cut {
		o.Warnings = append(o.Warnings, "the answer is longer than 1 MiB, so that its next page is not known: ask for smaller pages")
	}
	if next := r.Calls.NextPage(answer.JSON()); next != "" {
		if page := cursor(query, next); page.Exists() {
			o.Cursor = RawJSONOf(s.sender.dest.redaction().answers.value(page))
		}
	}
}

// cursor is the query of the next page: the call's own parameters, with those of the answer, since
// a desk may name only what changes. It is absent when there is none.
func cursor(query mapping.Value, next string) mapping.Value {
	changed, err := url.ParseQuery(next)
	if err != nil {
		return mapping.Value{} // no link that can be followed
	}
	var members []mapping.Member
	for _, m := range query.Members() {
		if _, ok := changed[m.Name]; !ok {
			members = append(members, m)
		}
	}
	for pair := range strings.SplitSeq(next, "&") { // in the answer's order
		name, _, _ := strings.Cut(pair, "=")
		name, _ = url.QueryUnescape(name)
		values := changed[name]
		if len(values) == 0 {
			continue
		}
		delete(changed, name)
		value := mapping.Str(values[0])
		if len(values) > 1 {
			var list []mapping.Value
			for _, v := range values {
				list = append(list, mapping.Str(v))
			}
			value = mapping.Arr(list...)
		}
		members = append(members, mapping.Member{Name: name, Value: value})
	}
	if len(members) == 0 {
		return mapping.Value{}
	}
	return mapping.Obj(members...)
}

// badAnswerOf is why a call dies of a 2xx that is no JSON. Whether a write took effect nobody
// knows.
func badAnswerOf(call Call) Class {
	if call.Unrepeatable {
		return Unknown
	}
	return Exhausted
}

// checkOwn returns what is malformed about the body of a 2xx answer to a call that is the event
// itself: of a GET it must be JSON, of a write it may be empty.
func checkOwn(call Call, reply Reply) error {
	switch {
	case reply.Cut:
		return nil // it looks like JSON
	case len(bytes.TrimSpace(reply.Body)) == 0 && call.Method == http.MethodGet:
		return errEmpty
	case len(bytes.TrimSpace(reply.Body)) > 0 && reply.JSON().Kind() == mapping.Absent:
		return errNotJSON
	}
	return nil
}

var errEmpty = errors.New("its body is empty")

// looksLikeJSON reports whether a body whose end is missing begins like an object or a list.
func looksLikeJSON(body []byte) bool {
	begin := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\uFEFF")), " \t\r\n")
	return len(begin) > 0 && (begin[0] == '{' || begin[0] == '[')
}
