//go:build synctests

package processor_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// known has repeats known for an hour.
func known(c *processor.Config, _ *sink.Config) { c.Dedup = time.Hour }

// refusingRoute is the testRoute with an end for events of the user refused: after their calls.
func refusingRoute() sink.Route {
	return sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{},
		func(ev mapping.Event) (mapping.Event, error) { return ev, nil },
		func(ctx context.Context, do sink.Doer, ev mapping.Event) (sink.Receipt, error) {
			_, err := do.Do(ctx, sink.Call{
				Op: "POST /events", Method: http.MethodPost, Path: "/events",
				Body: mapping.Obj(mapping.Member{Name: "user", Value: ev.Get("userId")}, mapping.Member{Name: "id", Value: ev.Get("messageId")}),
			})
			if err == nil && ev.Get("userId").Text() == "refused" {
				err = &sink.Failure{Stage: sink.StageRequest, Class: sink.Rejected, Code: "http_422"}
			}
			return sink.Receipt{}, err
		})
}

// message is an event of a user with any message id, in JSON, that is called name.
func message(user, id, name string) []byte {
	return fmt.Appendf(nil, `{"type":"track","userId":%q,"messageId":%s,"event":%q}`, user, id, name)
}

// fate is what became of a record: its outcome, and the reason or code.
type fate struct {
	Partition int32
	Offset    int64
	Outcome   string
}

// fates are the outcomes of round 0 in the order in which they lie on their partitions.
func (w *world) fates() []fate {
	w.t.Helper()
	var all []fate
	for _, r := range w.kafka.Consume(w.t, responses) {
		var o sink.Outcome
		if err := json.Unmarshal(r.Value, &o); err != nil {
			w.t.Fatalf("outcome %s: %v", r.Value, err)
		}
		f := fate{o.Source.Partition, o.Source.Offset, string(o.Outcome)}
		if o.Reason != nil {
			f.Outcome += " " + string(*o.Reason)
		}
		if o.Error != nil {
			f.Outcome += " " + string(o.Error.Code)
		}
		if o.Round == 0 {
			all = append(all, f)
		}
	}
	return all
}

// fatesOf are the fates of partition 0, by offset, of all lives of the records.
func (w *world) fatesOf(offset int64) (outcomes []string) {
	w.t.Helper()
	for _, f := range w.fates() {
		if f.Partition == 0 && f.Offset == offset {
			outcomes = append(outcomes, f.Outcome)
		}
	}
	return outcomes
}

// want compares what became of the records of partition 0, one by one.
func (w *world) want(outcomes ...string) {
	w.t.Helper()
	got := make([]string, len(outcomes))
	for offset := range outcomes {
		of := w.fatesOf(int64(offset))
		if len(of) == 1 {
			got[offset] = of[0]
		} else {
			got[offset] = fmt.Sprint(of)
		}
	}
	if diff := cmp.Diff(outcomes, got); diff != "" {
		w.t.Errorf("outcomes of partition 0 (-want +got):\n%s", diff)
	}
}

// resetTo sets the offset of a partition as an operator does, without a checkpoint.
func (w *world) resetTo(partition int32, offset int64) {
	w.t.Helper()
	var to kadm.Offsets
	to.AddOffset(source, partition, offset, -1)
	if err := w.kafka.Admin(w.t).CommitAllOffsets(w.t.Context(), group, to); err != nil {
		w.t.Fatal(err)
	}
}

const delivered, duplicate = "delivered", "skipped duplicate"

func TestDedup_aRepeatIsSkippedInItsPartitionOnly(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.send(0,
			message("u", `"m-1"`, "E"), message("u", `"m-1"`, "E"), message("v", `"m-1"`, "E"),
			message("u", `"7"`, "E"), message("u", `7`, "E"), message("u", `7.0`, "E"), // one id, as the mapping reads it
			message("u", `"m-2"`, "skip"), message("u", `"m-2"`, "E"))
		w.send(1, message("w", `"m-1"`, "E"))
		in := w.start(known)
		w.settledAll()
		in.check()
		w.want(delivered, duplicate, duplicate, delivered, duplicate, duplicate, "skipped filtered", duplicate)
		if got := w.desk.ids(); len(got) != 3 {
			t.Errorf("calls for %v, want m-1 twice and 7", got)
		}
		in.stop()
	})
}

func TestDedup_whatTellsNoEventsApartIsNoID(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		ids := []string{`null`, `""`, `"undefined"`, `0`, `true`, `1.5`, `{}`, `[1]`, `" "`}
		var want []string
		for _, id := range ids {
			w.send(0, message("u", id, "skip"), message("u", id, "skip"))
			want = append(want, "skipped filtered", "skipped filtered")
		}
		w.send(0, []byte(`no json`), []byte(`no json`), nil, nil)
		in := w.start(known)
		w.settledAll()
		w.want(append(want, "dead not_json", "dead not_json", "skipped tombstone", "skipped tombstone")...)
		in.stop()
	})
}

func TestDedup_isOffUnlessItIsSet(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.send(0, message("u", `"m-1"`, "E"), message("u", `"m-1"`, "E"))
		in := w.start()
		w.settledAll()
		w.want(delivered, delivered)
		in.stop()
	})
}

func TestDedup_aRepeatWaitsForTheOneInFlight(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(s seen) (int, time.Duration) {
			if s.User == "slow" {
				return 201, 20 * time.Second
			}
			return 201, 0
		})
		w.send(0, message("slow", `"m-1"`, "E"), message("v", `"m-1"`, "E"), message("v", `"m-2"`, "E"), message("w", `"m-1"`, "E"), message("x", `"m-3"`, "E"))
		in := w.start(known)
		w.eventually("the free lane", func() bool { return in.Figures().Delivered == 1 })
		time.Sleep(10 * time.Second)
		got := w.desk.ids()
		if slices.Sort(got); !slices.Equal(got, []string{"m-1", "m-3"}) {
			t.Errorf("calls for %v while m-1 is in flight, want m-1 and m-3", got)
		}
		longest, lanes := in.WaitingLanes(10)
		why := make(map[string]string)
		for _, l := range longest {
			why[l.Lane] = l.Why
		}
		if lanes != 3 || why["slow"] != "call" || why["v"] != "message_id" || why["w"] != "message_id" {
			t.Errorf("%d lanes wait, for %v", lanes, why)
		}
		w.settledAll()
		in.check()
		w.want(delivered, duplicate, delivered, duplicate, delivered)
		in.stop()
	})
}

func TestDedup_aDeadFirstDoesNotBlockTheSecond(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(s seen) (int, time.Duration) {
			if s.User == "refused" {
				return 201, 10 * time.Second
			}
			return 201, 0
		})
		w.route = refusingRoute
		w.send(0, message("refused", `"m-1"`, "E"), message("refused", `"m-1"`, "E"), message("v", `"m-1"`, "E"), message("w", `"m-1"`, "E"))
		in := w.start(known)
		w.settledAll()
		in.check()
		w.want("dead http_422", "dead http_422", delivered, duplicate)
		in.stop()
	})
}

func TestDedup_forgetsAfterItsTime(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		in := w.start(known)
		for _, pause := range []time.Duration{0, 50 * time.Minute, 20 * time.Minute, 59 * time.Minute, 2 * time.Minute} {
			time.Sleep(pause)
			w.send(0, message("u", `"m-1"`, "E"))
			w.settledAll()
		}
		// A repeat is no reason for another: 70 minutes after the first the third is delivered.
		w.want(delivered, duplicate, delivered, duplicate, delivered)
		in.stop()
	})
}

// However long a repeat waits for its turn, it stays one.
func TestDedup_aRepeatStaysOneThroughAHold(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(s seen) (int, time.Duration) {
			if s.User == "down" {
				return 401, 0
			}
			return 201, 0
		})
		in := w.start(known)
		w.send(0, message("u", `"m-1"`, "E"))
		w.settledAll()
		w.send(0, message("down", `"m-2"`, "E"), message("down", `"m-1"`, "E"))
		time.Sleep(3 * time.Hour)
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
		w.settledAll()
		w.want(delivered, delivered, duplicate)
		in.stop()
	})
}

func TestDedup_aTakeoverReadsWhatLiesBeforeItsCheckpoint(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.send(0, message("u", `"m-1"`, "E"), message("u", `"old"`, "invalid"))
		first := w.start(known)
		w.settledAll()
		time.Sleep(50 * time.Minute) // the checkpoint moves to the end
		w.send(0, message("u", `"m-1"`, "E"), message("u", `"m-2"`, "E"))
		w.settledAll()
		time.Sleep(5 * time.Second)
		first.kill()
		w.send(0, message("v", `"m-1"`, "E"), message("v", `"m-2"`, "E"), message("v", `"old"`, "E"))
		second := w.start(known)
		w.settledAll()
		second.check()
		second.stop()
		time.Sleep(20 * time.Minute)
		w.send(0, message("w", `"m-1"`, "E"), message("w", `"m-2"`, "E"))
		third := w.start(known)
		w.settledAll()
		w.want(delivered, "dead invalid_id", duplicate, delivered, duplicate, duplicate, delivered, delivered, duplicate)
		third.stop()
	})
}

// What is already settled, but not committed, has repeats too.
func TestDedup_aTakeoverKnowsWhatItDoesNotDeliverAgain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.send(0, message("u", `"m-1"`, "E"), message("u", `"m-2"`, "E"))
		first := w.start(known, neverCommits)
		w.eventually("both", func() bool { return first.Figures().Delivered == 2 })
		first.kill()
		w.send(0, message("v", `"m-1"`, "E"))
		second := w.start(known)
		w.settledAll()
		if f := second.Figures(); f.AlreadySettled != 2 {
			t.Errorf("%d already settled, want 2", f.AlreadySettled)
		}
		w.want(delivered, delivered, duplicate)
		second.stop()
	})
}

func TestDedup_anOffsetResetDeliversAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		to   int64
		kill bool // after the first events of the second run
	}{
		"to the beginning": {to: 0},
		"behind the first": {to: 1},
		"and a kill":       {to: 0, kill: true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.send(0, message("u", `"m-1"`, "E"), message("u", `"m-1"`, "E"), message("u", `"m-2"`, "E"), message("u", `"m-3"`, "E"))
				first := w.start(known)
				w.settledAll()
				first.stop()
				w.resetTo(0, tt.to)
				if tt.kill {
					w.desk.answers(func(s seen) (int, time.Duration) { return 201, 10 * time.Second })
					half := w.start(known)
					w.eventually("the second call", func() bool { return len(w.desk.ids()) == 3+2 })
					time.Sleep(2 * time.Second) // for a commit
					half.kill()
					w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
				}
				w.send(0, message("v", `"m-3"`, "E"))
				second := w.start(known)
				w.settledAll()
				second.check()
				again := map[int64][]string{
					0: {delivered, delivered}, 1: {duplicate, duplicate}, 2: {delivered, delivered}, 3: {delivered, delivered}, 4: {duplicate},
				}
				if tt.to == 1 {
					again[0] = []string{delivered} // and its repeat is one of it
				}
				for offset, want := range again {
					if got := w.fatesOf(offset); !slices.Equal(got, want) {
						t.Errorf("offset %d is %v, want %v", offset, got, want)
					}
				}
				second.stop()
			})
		})
	}
}

// A letter that was sent again is the same record, and its outcome counts as any.
func TestDedup_anOutcomeOfALetterSentAgainHasRepeats(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.send(0, message("u", `"m-1"`, "invalid"), message("u", `"m-2"`, "E"))
		first := w.start(known)
		w.settledAll()
		w.redriven(0, 0)
		first.stop()
		w.send(0, message("u", `"m-1"`, "E"))
		second := w.start(known)
		w.settledAll()
		w.want("dead invalid_id", delivered, duplicate)
		second.stop()

		// The record itself is delivered again.
		w.resetTo(0, 0)
		third := w.start(known)
		w.settledAll()
		if got := w.fatesOf(0); !slices.Equal(got, []string{"dead invalid_id", "dead invalid_id"}) {
			t.Errorf("after a reset the record is %v, want dead again", got)
		}
		third.stop()
	})
}

// redriven writes an outcome of round 1 that says that a record was delivered, with the headers of
// the one that it has.
func (w *world) redriven(partition int32, offset int64) {
	w.t.Helper()
	for _, r := range w.kafka.Consume(w.t, responses) {
		var o sink.Outcome
		if err := json.Unmarshal(r.Value, &o); err != nil || o.Source.Partition != partition || o.Source.Offset != offset {
			continue
		}
		o.Outcome, o.Round = sink.Delivered, 1
		again := &kgo.Record{Topic: responses, Partition: r.Partition, Value: o.AppendJSON(nil)}
		for _, h := range r.Headers {
			switch h.Key {
			case "deskstream.outcome":
				h.Value = []byte("delivered")
			case "deskstream.round":
				h.Value = []byte("1")
			}
			again.Headers = append(again.Headers, h)
		}
		w.kafka.Produce(w.t, again)
		return
	}
	w.t.Fatalf("partition %d offset %d has no outcome", partition, offset)
}

func TestDedup_aStopReleasesWhatWaits(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(s seen) (int, time.Duration) { return 201, time.Minute })
		w.send(0, message("slow", `"m-1"`, "E"), message("v", `"m-1"`, "E"), message("w", `"m-1"`, "E"))
		first := w.start(known, func(c *processor.Config, _ *sink.Config) { c.DrainTimeout = time.Second })
		w.eventually("the call", func() bool { return len(w.desk.ids()) == 1 })
		first.stop()
		first.check()
		if f := first.Figures(); f.Released != 3 || f.Open != 0 {
			t.Errorf("figures %+v, want 3 released", f)
		}
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
		second := w.start(known)
		w.settledAll()
		w.want(delivered, duplicate, duplicate)
		second.stop()
	})
}

// A drain lets the one in flight complete and begins none that waited for it.
func TestDedup_aDrainBeginsNoneThatWaited(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(s seen) (int, time.Duration) { return 201, 10 * time.Second })
		w.route = refusingRoute
		w.send(0, message("refused", `"m-1"`, "E"), message("v", `"m-1"`, "E"))
		first := w.start(known)
		w.eventually("the call", func() bool { return len(w.desk.ids()) == 1 })
		first.stop()
		first.check()
		if f := first.Figures(); f.Dead != 1 || f.Released != 1 {
			t.Errorf("figures %+v, want 1 dead and 1 released", f)
		}
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 0 })
		second := w.start(known)
		w.settledAll()
		w.want("dead http_422", delivered)
		second.stop()
	})
}
