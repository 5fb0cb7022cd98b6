package topics_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// A progress says what was written, and what may have been; an outcome which event was our own.
func TestParseTrail(t *testing.T) {
	closed := []sink.Echo{{Types: []string{"ticket.closed"}, ID: "42"}}
	noted := []sink.Echo{{Types: []string{"note.created"}, ID: "42", Comment: "5"}}
	const (
		progress = `{"claim":1,"writes":[{"types":["ticket.closed"],"id":"42"}],"next":{"step":"note","at":"2000-01-01T00:00:00.000Z","echoes":[{"types":["note.created"],"id":"42","comment":"5"}]}}`
		trail    = `{"writes":[{"types":["note.created"],"id":"42","comment":"5"}],"echoes":"w"}`
		digest   = "000102030405060708090a0b0c0d0e0f"
	)
	for name, tt := range map[string]struct {
		headers []kgo.RecordHeader
		want    topics.Trail
		next    []sink.Echo
	}{
		"nothing":    {headers("other", "x"), topics.Trail{}, nil},
		"a progress": {headers("deskstream.progress", progress), topics.Trail{Trail: sink.Trail{Writes: closed}}, noted},
		"an outcome": {
			headers("deskstream.trail", trail, "deskstream.event", digest),
			topics.Trail{Trail: sink.Trail{Writes: noted, Echoes: "w"}, Event: sink.EventDigest{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
			nil,
		},
		"both":    {headers("deskstream.trail", `{"echoes":"w"}`, "deskstream.progress", progress), topics.Trail{Trail: sink.Trail{Writes: closed, Echoes: "w"}}, noted},
		"no JSON": {headers("deskstream.trail", `{"echoes":1}`, "deskstream.progress", `[`, "deskstream.event", "x"), topics.Trail{}, nil},
	} {
		got := topics.ParseTrail(&kgo.Record{Headers: tt.headers})
		var next []sink.Echo
		if got.Next != nil {
			next, got.Next = got.Next.Echoes, nil
		}
		if diff := cmp.Diff(tt.want, got) + cmp.Diff(tt.next, next); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
