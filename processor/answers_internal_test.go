package processor

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/echoes"
)

// An event that names its user is ours if that is the user of our credential, and else somebody's.
func TestAnswers_byUser(t *testing.T) {
	users := map[string]string{"crm": "u-1", "inbox": "Bot@example.com"}
	a := &answers{ownUser: func(_ context.Context, destination string) string { return users[destination] }}
	for event, want := range map[string]whose{
		`{"destination":"crm","actor":{"type":"user","id":"u-1"}}`:                                             ours,
		`{"destination":"crm","actor":{"type":"user","id":"u-2"}}`:                                             somebodyElse,
		`{"destination":"crm","actor":{"type":"unknown","id":"u-1"}}`:                                          ours,
		`{"destination":"crm","actor":{"type":"unknown","id":"x"}}`:                                            unknown,
		`{"destination":"crm","actor":{"type":"contact","id":"u-1"}}`:                                          somebodyElse,
		`{"destination":"crm","actor":{"type":"user"}}`:                                                        unknown,
		`{"destination":"crm"}`:                                                                                unknown,
		`{"destination":"inbox","actor":{"type":"user","id":"7"},"user":{"id":"7","email":"bot@example.com"}}`: ours,
		`{"destination":"inbox","actor":{"type":"user","id":"7"},"user":{"id":"7","email":"sam@example.com"}}`: somebodyElse,
		`{"destination":"inbox","actor":{"type":"user","id":"7"},"user":{"id":"8","email":"bot@example.com"}}`: somebodyElse,
		`{"destination":"other","actor":{"type":"user","id":"u-1"}}`:                                           unknown,
	} {
		body, err := mapping.ParseJSON([]byte(event))
		if err != nil {
			t.Fatal(err)
		}
		if got := a.byUser(t.Context(), mapping.Event{Body: body}); got != want {
			t.Errorf("%s: %d, want %d", event, got, want)
		}
	}
}

// What an outcome says of a write explains the event that comes of it: of a label, that label's.
func TestAnswers_aWriteOfALabelExplainsThatOneOnly(t *testing.T) {
	a := &answers{group: "g.inbox", known: echoes.New()}
	at := time.Now()
	a.takes()(&kgo.Record{Timestamp: at, Headers: []kgo.RecordHeader{
		{Key: "deskstream.group", Value: []byte("g.inbox")},
		{Key: "deskstream.source", Value: []byte("events/0/7")},
		{Key: "deskstream.source.epoch", Value: []byte("0")},
		{Key: "deskstream.destination", Value: []byte("inbox")},
		{Key: "deskstream.outcome", Value: []byte("delivered")},
		{Key: "deskstream.round", Value: []byte("0")},
		{Key: "deskstream.trail", Value: []byte(`{"writes":[{"types":["ticket.labelled"],"id":"42","label":"4001"}]}`)},
	}})
	for label, want := range map[string]bool{"4001": true, "4003": false} {
		body, err := mapping.ParseJSON([]byte(`{"destination":"inbox","ticket":{"id":"42"},"label":{"id":"` + label + `"}}`))
		if err != nil {
			t.Fatal(err)
		}
		q := sink.Question{Event: mapping.Event{Type: "ticket.labelled", Body: body}, Answer: sink.Answer{At: sink.Time{Time: at}}}
		if _, ok := a.known.Explain(echoOf(q)); ok != want {
			t.Errorf("the event of label %s is explained: %v, want %v", label, ok, want)
		}
	}
}
