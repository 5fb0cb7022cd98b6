//go:build synctests

package processor_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// ticketDesk opens tickets that look alike, and knows which of them are other events'.
type ticketDesk struct {
	mu    sync.Mutex
	taken []string
	found string // the ticket that a look sees
	looks int
	look  func(n int) // is called in each look, before it sees anything
}

func (d *ticketDesk) route() sink.Route {
	r := sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{},
		func(ev mapping.Event) (mapping.Event, error) { return ev, nil },
		func(ctx context.Context, do sink.Doer, ev mapping.Event) (sink.Receipt, error) {
			_, err := do.Once(ctx, sink.Effect{
				Step: "ticket",
				Call: sink.Call{
					Op: "POST /events", Method: http.MethodPost, Path: "/events", Unrepeatable: true,
					Body: mapping.Obj(mapping.Member{Name: "user", Value: ev.Get("userId")}, mapping.Member{Name: "id", Value: ev.Get("messageId")}),
				},
				Prepare: func(context.Context) error { return nil },
				Mark:    func() sink.Mark { return sink.Mark{"a": "b"} },
				Find:    d.find,
				IDs:     func(sink.Reply) map[string]string { return map[string]string{"ticket_id": "own"} },
			})
			return sink.Receipt{}, err
		})
	r.OnRecord = func(_ string, step sink.StepRecord) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.taken = append(d.taken, step.IDs["ticket_id"])
	}
	return r
}

func (d *ticketDesk) find(context.Context, sink.Mark) (sink.Sighting, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks++
	if d.look != nil {
		d.look(d.looks)
	}
	if d.found == "" || slices.Contains(d.taken, d.found) {
		return sink.Sighting{}, nil
	}
	return sink.Sighting{IDs: map[string]string{"ticket_id": d.found}}, nil
}

// otherOpened has another instance of the group put on record that its event opened a ticket.
func (w *world) otherOpened(t *testing.T, offset int64, group, ticket string) {
	t.Helper()
	writer := topics.NewWriter(topics.Config{Responses: responses, DeadLetters: deadLetters, Group: group, Destination: "desk"},
		w.kafka.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner())), slog.New(slog.DiscardHandler))
	written := make(chan error, 1)
	writer.Write(t.Context(), topics.Entry{
		Source: &kgo.Record{Topic: source, Partition: 1, Offset: offset}, Outcome: &sink.Outcome{Outcome: sink.Delivered},
		Progress:   &sink.Progress{Steps: []sink.StepRecord{{StepInfo: sink.StepInfo{Name: "ticket"}, IDs: map[string]string{"ticket_id": ticket}}}},
		Partitions: func() (int32, int32) { return 3, 2 },
	}, func(_ int64, err error) { written <- err })
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}

// What another instance has made since a claim is not what this one looks for.
func TestOthers_whatAnotherInstanceMadeIsNotTaken(t *testing.T) {
	tests := map[string]struct {
		group string
		calls int // of the event
	}{
		"another instance": {group, 2}, // it took no effect, and is sent again
		"another group":    {"deskstream.other", 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				d := &ticketDesk{}
				w.route = d.route
				lost := true
				w.desk.answers(func(seen) (int, time.Duration) {
					if lost {
						lost = false
						return 502, 0
					}
					return 201, 0
				})
				d.look = func(n int) {
					switch n {
					case 1:
						w.otherOpened(t, 7, tt.group, "41")
					case 2:
						d.found = "41" // the list lags
					}
				}
				w.sendUser(0, "u1", 1, 1)
				in := w.start(func(_ *processor.Config, c *sink.Config) { c.Timeout = 2 * time.Second })
				w.settledAll()
				in.check()
				in.stop()
				if n := len(w.desk.calls()); n != tt.calls {
					t.Errorf("%d calls after %d looks, want %d; %q are others'", n, d.looks, tt.calls, d.taken)
				}
			})
		})
	}
}

// What is on record of an event, its outcome too, says under which claim it was written: under a
// lower one it comes from a process that had lost the partition.
func TestOthers_anOutcomeHasTheClaimOfItsProgress(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.route = (&ticketDesk{}).route
		for user := range 2 { // the second claim is not at offset 0
			w.sendUser(0, fmt.Sprint("u", user), 1, 1)
			in := w.start()
			w.settledAll()
			in.stop()
		}
		var claims []int64 // an announcement's, then the outcome's
		for _, r := range w.kafka.Consume(t, responses) {
			if p, ok := topics.ParseProgress(r); ok {
				claims = append(claims, p.Claim)
			}
		}
		if len(claims) != 4 || claims[0] != claims[1] || claims[2] != claims[3] || claims[2] <= claims[0] {
			t.Errorf("claims %v", claims)
		}
	})
}
