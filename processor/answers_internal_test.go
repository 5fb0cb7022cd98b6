package processor

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
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

// written is what an event of the group has on the responses topic.
func written(outcome, header, value string, at time.Time) *kgo.Record {
	r := &kgo.Record{Timestamp: at}
	for _, h := range [][2]string{
		{"deskstream.group", "g.inbox"},
		{"deskstream.source", "events/0/7"},
		{"deskstream.source.epoch", "0"},
		{"deskstream.destination", "inbox"},
		{"deskstream.outcome", outcome},
		{"deskstream.round", "0"},
		{header, value},
	} {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
	}
	return r
}

// question is one about an event of inbox.
func question(t *testing.T, typ, body string, at time.Time) sink.Question {
	t.Helper()
	v, err := mapping.ParseJSON([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return sink.Question{Event: mapping.Event{Type: typ, Body: v}, Answer: sink.Answer{Rule: "r", To: "l", At: sink.Time{Time: at}}, Received: at}
}

// What an outcome says of a write explains the event that comes of it: of a label, that label's.
func TestAnswers_aWriteOfALabelExplainsThatOneOnly(t *testing.T) {
	a := &answers{group: "g.inbox", known: echoes.New()}
	at := time.Now()
	a.takes()(written("delivered", "deskstream.trail", `{"writes":[{"types":["ticket.labelled"],"id":"42","label":"4001"}]}`, at))
	for label, want := range map[string]bool{"4001": true, "4003": false} {
		q := question(t, "ticket.labelled", `{"destination":"inbox","ticket":{"id":"42"},"label":{"id":"`+label+`"}}`, at)
		if _, ok := a.known.Explain(echoOf(q)); ok != want {
			t.Errorf("the event of label %s is explained: %v, want %v", label, ok, want)
		}
	}
}

// later is a record that lies on the topic some time after a test began.
type later struct {
	after  time.Duration
	record func(at time.Time) *kgo.Record
}

// guarded is the guard of a partition for which records come to lie on the topic.
func guarded(list ...later) guard {
	began := time.Now()
	a := &answers{group: "g.inbox", known: echoes.New(), log: slog.New(slog.DiscardHandler), loops: make(map[string]bool)}
	take := a.takes()
	a.readUp = func(context.Context, time.Time) error {
		for len(list) > 0 && time.Since(began) >= list[0].after {
			take(list[0].record(began.Add(list[0].after)))
			list = list[1:]
		}
		return nil
	}
	return guard{a, new(firstQuestion)}
}

// Who wrote may be killed before the outcome is on record, and so may be who asks. Both start again, long
// after the event was written.
func TestAnswers_anEventWaitsForWhatOthersPutOnRecord(t *testing.T) {
	const (
		note   = `{"messageId":"e-1","destination":"inbox","ticket":{"id":"42"}}`
		echo   = `[{"types":["note.created"],"id":"42"}]`
		writes = `{"writes":` + echo + `}`
		next   = `{"claim":1,"next":{"step":"note","at":"2000-01-01T00:00:00.000Z","echoes":` + echo + `}}`
	)
	long := 20 * time.Minute // ago
	noted := func(after time.Duration) later {
		return later{after, func(at time.Time) *kgo.Record { return written("delivered", "deskstream.trail", writes, at) }}
	}
	dead := func(after time.Duration) later {
		return later{after, func(at time.Time) *kgo.Record { return written("dead", "deskstream.reason", "", at) }}
	}
	announced := func(after time.Duration) later {
		return later{after, func(at time.Time) *kgo.Record { return written("progress", "deskstream.progress", next, at) }}
	}
	before := func(d time.Duration, l later) later {
		return later{0, func(at time.Time) *kgo.Record { return l.record(at.Add(-d)) }}
	}
	for name, tt := range map[string]struct {
		ago  time.Duration // when the event was written
		list []later
		own  bool
		wait time.Duration
	}{
		"nothing":                                   {0, nil, false, 5 * time.Second},
		"nothing, the event is old":                 {time.Minute, nil, false, 5 * time.Second},
		"an outcome":                                {0, []later{noted(3 * time.Second)}, true, 3 * time.Second},
		"an outcome, the event is old":              {time.Minute, []later{noted(3 * time.Second)}, true, 3 * time.Second},
		"an outcome that is too late":               {time.Minute, []later{noted(7 * time.Second)}, false, 5 * time.Second},
		"announced, then an outcome":                {0, []later{before(time.Second, announced(0)), noted(2 * time.Minute)}, true, 2 * time.Minute},
		"announced, then an outcome long after":     {long, []later{before(long+time.Second, announced(0)), noted(time.Minute)}, true, time.Minute},
		"announced, then an outcome without effect": {time.Minute, []later{before(61*time.Second, announced(0)), dead(30 * time.Second)}, false, 30 * time.Second},
		"announced, and nothing more":               {time.Minute, []later{before(61*time.Second, announced(0))}, false, 10 * time.Minute},
		"announced after the event":                 {time.Minute, []later{before(50*time.Second, announced(0)), noted(time.Minute)}, false, 5 * time.Second},
		"announced long before the event":           {0, []later{before(11*time.Minute, announced(0)), noted(time.Minute)}, false, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, began := guarded(tt.list...), time.Now()
				skip, echo, err := g.MayAnswer(t.Context(), question(t, "note.created", note, began.Add(-tt.ago)))
				if took := time.Since(began).Round(time.Second); err != nil || skip == mapping.Own != tt.own || tt.own != (echo != "") || took != tt.wait {
					t.Errorf("skipped as %q by %q, %v, after %v; own: %v, want it after %v", skip, echo, err, took, tt.own, tt.wait)
				}
			})
		})
	}
}

// The events that wait at a partition when it is taken over do so together, and those after them only
// as long as their outcome may take.
func TestAnswers_aBacklogWaitsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, began := guarded(), time.Now()
		q := question(t, "ticket.closed", `{"destination":"inbox","ticket":{"id":"42"}}`, began.Add(-time.Hour))
		for range 100 {
			if skip, _, err := g.MayAnswer(t.Context(), q); skip != "" || err != nil {
				t.Fatal(skip, err)
			}
		}
		if took := time.Since(began); took != echoWait {
			t.Errorf("a hundred events of an hour ago waited %v, want %v", took, echoWait)
		}
	})
}

// A webhook that is sent twice is ours twice; another event of the same kind is not.
func TestAnswers_aRepeatOfOurOwnIsOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrote := later{0, func(at time.Time) *kgo.Record {
			return written("delivered", "deskstream.trail", `{"writes":[{"types":["ticket.closed"],"id":"42"}]}`, at)
		}}
		closed := func(id string) sink.Question {
			return question(t, "ticket.closed", `{"messageId":"`+id+`","destination":"inbox","ticket":{"id":"42"}}`, time.Now())
		}
		var first string
		ask := func(g guard, id string, own bool) string {
			t.Helper()
			skip, echo, err := g.MayAnswer(t.Context(), closed(id))
			if err != nil || skip == mapping.Own != own {
				t.Errorf("event %s: skipped as %q, %v; own: %v", id, skip, err, own)
			}
			return echo
		}
		g := guarded(wrote)
		first = ask(g, "e-1", true)
		ask(g, "e-1", true)
		ask(g, "e-2", false)
		// Another process knows what the outcome says of the first.
		settled := later{0, func(at time.Time) *kgo.Record {
			digest := string(sink.DigestOf("e-1").AppendHex(nil))
			r := written("skipped", "deskstream.trail", `{"echoes":"`+first+`"}`, at)
			r.Headers[1].Value = []byte("helpdesk.events/0/1")
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: "deskstream.event", Value: []byte(digest)})
			return r
		}}
		g = guarded(wrote, settled)
		ask(g, "e-2", false)
		ask(g, "e-1", true)
	})
}
