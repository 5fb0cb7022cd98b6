package sink_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/deskstream/deskstream/sink"
)

// A write of which nobody can find out whether it took effect.
func TestOnce_blind(t *testing.T) {
	send := []string{"send"}
	done := []sink.StepInfo{{Name: "send", State: sink.StepDone, Made: true}}
	failed := []sink.StepInfo{{Name: "send", State: sink.StepFailed}}
	announced := &sink.Progress{Next: &sink.Announcement{Step: "send"}}
	answers := func(list ...func() (*http.Response, error)) onceDesk { return onceDesk{answers: list} }
	unknown := func(u sink.Unknowns) func(*sink.Config) { return func(c *sink.Config) { c.Unknown = u } }
	soft := func(s stops) { s.soft() }
	tests := map[string]onceCase{
		"is announced, then sent": {
			ledger: &memory{}, steps: send, log: []string{"0s record send after 0", "0s post"}, outcome: "delivered ", states: done,
		},
		"kills its event without an answer": {
			ledger: &memory{}, steps: send, desk: answers(lost), log: []string{"0s record send after 0", "0s post"},
			outcome: "dead unknown connection", states: failed, left: "nothing",
		},
		"is sent again where the owner says so": {
			ledger: &memory{}, steps: send, desk: answers(lost), config: unknown(sink.UnknownRetried),
			log: []string{"0s record send after 0", "0s post", "1s post"}, outcome: "delivered ", states: done,
		},
		"kills where unknown ones die": {
			ledger: &memory{}, steps: send, desk: answers(lost), config: unknown(sink.UnknownDies),
			log: []string{"0s record send after 0", "0s post"}, outcome: "dead unknown connection", states: failed, left: "nothing",
		},
		"kills without a ledger as well": {
			steps: send, desk: answers(lost), log: []string{"0s post"}, outcome: "dead unknown connection", states: failed,
		},
		"is sent again after an answer": {
			ledger: &memory{}, steps: send, desk: answers(status(503)), log: []string{"0s record send after 0", "0s post", "1s post"},
			outcome: "delivered ", states: done,
		},
		"kills after another process may have sent it": {
			ledger: &memory{}, steps: send, before: announced, outcome: "dead unknown connection", states: failed, left: "nothing",
		},
		"is sent after another process may have, where the owner says so": {
			ledger: &memory{}, steps: send, before: announced, config: unknown(sink.UnknownRetried),
			log: []string{"0s record send after 0", "0s post"}, outcome: "delivered ", states: done,
		},
		"is withdrawn when it was not sent": {
			ledger: &memory{takes: 6 * time.Second}, steps: send, stop: soft,
			log: []string{"6s record send after 0", "16s record nothing after 0"}, outcome: "interrupted", left: "nothing",
		},
		"is withdrawn when it was refused, as during a hold": {
			ledger: &memory{}, steps: send, stop: soft, desk: answers(status(429, "Retry-After", "60")),
			log: []string{"0s record send after 0", "0s post", "10s record nothing after 0"}, outcome: "interrupted", left: "nothing",
		},
		"is withdrawn when it was answered": {
			ledger: &memory{}, steps: send, stop: soft, desk: answers(status(503)), config: func(c *sink.Config) { c.Retry.Initial, c.Retry.Max = time.Minute, time.Minute },
			log: []string{"0s record send after 0", "0s post", "10s record nothing after 0"}, outcome: "interrupted", left: "nothing",
		},
	}
	for name, tt := range tests {
		bubble(t, name, func(t *testing.T) { tt.run(t) })
	}
}
