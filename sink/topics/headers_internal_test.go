package topics

import (
	"log/slog"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
)

// BenchmarkHeaders builds the headers of an outcome, and those of a dead letter in our own
// namespace and in all dialects.
func BenchmarkHeaders(b *testing.B) {
	w := NewWriter(Config{
		Responses: "events.responses", DeadLetters: "events.letters", Group: "deskstream.crm", Destination: "crm", DestinationType: "kustomer",
		AppVersion: "1.2.3",
		Dialects:   []Dialect{Connect, Spring, KIP1191, XOriginal, Streams},
	}, nil, slog.New(slog.DiscardHandler))
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	status := 422
	out := sink.Outcome{Outcome: sink.Dead, Event: sink.EventInfo{Digest: sink.DigestOf("m-1")}, Error: &sink.ErrorInfo{
		Stage: sink.StageRequest, Class: sink.Rejected, Code: sink.HTTPCode(status), HTTPStatus: &status, Message: "name is too long: 300 of 255",
	}}
	e := Entry{
		Source: &kgo.Record{Topic: "events", Partition: 7, Offset: 118, Timestamp: at, Key: []byte("user-0007")},
		Lane:   "user-0007", Attempts: 1, FirstAttempt: at, LastAttempt: at,
	}
	b.Run("outcome", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w.outcomeHeaders(&e, &out)
		}
	})
	b.Run("letter", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w.newLetter(&e, &out, at).record(letterWhole)
		}
	})
}
