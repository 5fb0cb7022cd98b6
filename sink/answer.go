package sink

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/deskstream/deskstream/mapping"
)

// isOwn reports whether an answer outside 2xx is the API's own: a JSON object with errors,
// error or message. An empty body is its own with 409 and 422 only. What a gateway says,
// a web page mostly, is about the gateway.
func isOwn(reply Reply) bool {
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

// CountFailure makes of an answer among Call.Answers a passing failure of the event: it
// counts as an attempt, and the event waits its back-off. The error ends the event: a
// *Failure, class Exhausted, when that was one failure too many, or ErrInterrupted. A Doer
// that is no Session cannot wait: its event is exhausted at once.
func CountFailure(ctx context.Context, do Doer, call Call, reply Reply) error {
	s, ok := do.(*Session)
	if !ok {
		return answerFailure(call, reply, Exhausted)
	}
	j := s.judgeAnswer(call, reply)
	j.verdict = passing
	code := j.code
	s.fault.Store(&code)
	return s.settle(ctx, &call, &j)
}

// RejectAnswer is the *Failure, class Rejected, of an answer among Call.Answers that turned
// out to be a refusal.
func RejectAnswer(do Doer, call Call, reply Reply) error {
	s, ok := do.(*Session)
	if !ok {
		return answerFailure(call, reply, Rejected)
	}
	return s.failure(call, s.judgeAnswer(call, reply), Rejected)
}

// judgeAnswer judges an answer as if the call did not expect it.
func (s *Session) judgeAnswer(call Call, reply Reply) judgement {
	call.Answers = nil
	return judge(call, reply, nil, time.Now())
}

func answerFailure(call Call, reply Reply, class Class) *Failure {
	stage := StageRequest
	if call.Lookup {
		stage = StageLookup
	}
	return &Failure{
		Stage: stage, Class: class, Code: HTTPCode(reply.Status), Status: reply.Status,
		Message: answered(reply.Status),
	}
}
