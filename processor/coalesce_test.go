//go:build synctests

package processor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// joined has identifies go out together.
func joined(c *processor.Config, _ *sink.Config) { c.Coalesce = true }

// person is what joiningRoute tells the desk.
type person struct{ user, ids string }

// joiningRoute saves people; the desk sees the message ids of all events that a call is for.
func joiningRoute() sink.Route {
	return sink.Way[person]{
		Map: func(ev mapping.Event) (person, error) {
			return person{ev.Get("userId").Text(), ev.Get("messageId").Text()}, nil
		},
		Send: func(ctx context.Context, do sink.Doer, p person) (sink.Receipt, error) {
			_, err := do.Do(ctx, sink.Call{
				Op: "POST /events", Method: http.MethodPost, Path: "/events",
				Body: mapping.Obj(mapping.Member{Name: "user", Value: mapping.Str(p.user)}, mapping.Member{Name: "id", Value: mapping.Str(p.ids)}),
			})
			if err == nil && strings.HasPrefix(p.ids, "spent-2") {
				err = &sink.Failure{Stage: sink.StageRequest, Class: sink.Exhausted, Code: "http_500"}
			}
			if err == nil && strings.Contains(p.ids, "bad-3") {
				err = &sink.Failure{Stage: sink.StageRequest, Class: sink.Rejected, Code: "http_422"}
			}
			return sink.Receipt{IDs: map[string]string{"person": p.user}}, err
		},
		Merge: func(older, newer person) (person, bool) {
			return person{newer.user, older.ids + "+" + newer.ids}, older.user == newer.user && older.user != "loner"
		},
		Warnings: func(p person) []string { return []string{"of " + p.ids} },
	}.Route(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{})
}

// identify is a record of a user.
func identify(user string, n int) []byte {
	return fmt.Appendf(nil, `{"type":"identify","userId":%q,"messageId":"%s-%d"}`, user, user, n)
}

func identifies(user string, from, to int) (records [][]byte) {
	for n := from; n <= to; n++ {
		records = append(records, identify(user, n))
	}
	return records
}

// joining runs a test with the joiningRoute, and users of which each has one lane.
func joining(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	bubble(t, func(t *testing.T, w *world) {
		w.route = joiningRoute
		test(t, w)
	})
}

// slow has the first call of all take 20 seconds, so that the rest of a lane is read meanwhile.
func slow() func(seen) (int, time.Duration) {
	first := true
	return func(seen) (int, time.Duration) {
		if first {
			first = false
			return 201, 20 * time.Second
		}
		return 201, 0
	}
}

// parts are the outcomes of a partition in the order in which they were written.
func (w *world) parts() (all []string) {
	w.t.Helper()
	for _, r := range w.kafka.Consume(w.t, responses) {
		if topics.IsForOwners(r) {
			continue
		}
		var o sink.Outcome
		if err := json.Unmarshal(r.Value, &o); err != nil {
			w.t.Fatalf("outcome %s: %v", r.Value, err)
		}
		text := fmt.Sprintf("%d %s %s, %d calls", o.Source.Offset, *o.Event.ID, o.Outcome, len(o.Calls))
		if o.MergedInto != nil {
			text += fmt.Sprintf(", in %s at %d", *o.MergedInto.ID, *o.MergedInto.Offset)
		}
		all = append(all, text)
	}
	return all
}

func TestCoalesce_whatWaitsInALaneGoesOutAsOneCallAndEachHasItsOutcome(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		w.desk.answers(slow())
		in := w.start(joined)
		w.send(0, identify("u", 1))
		w.eventually("the first call", func() bool { return len(w.desk.ids()) == 1 })
		w.send(0, identifies("u", 2, 5)...)
		w.settledAll()
		in.check()
		if diff := cmp.Diff([]string{"u-1", "u-2+u-3+u-4+u-5"}, w.desk.ids()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{
			"0 u-1 delivered, 1 calls", "1 u-2 delivered, 0 calls, in u-5 at 4", "2 u-3 delivered, 0 calls, in u-5 at 4",
			"3 u-4 delivered, 0 calls, in u-5 at 4", "4 u-5 delivered, 1 calls",
		}, w.parts()); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		if f := in.Figures(); f.Merged != 3 || f.TakenApart != 0 || f.Delivered != 5 || f.InFlight != 0 {
			t.Errorf("figures %+v", f)
		}
	})
}

func TestCoalesce_nothingIsDrawnPastAnEventThatCannotJoin(t *testing.T) {
	for name, between := range map[string][]byte{
		"another type": event("u", 3), "no event": []byte("x"), "nothing": nil, "another person": []byte(`{"type":"identify","userId":"loner","messageId":"u-3"}`),
	} {
		t.Run(name, func(t *testing.T) {
			joining(t, func(t *testing.T, w *world) {
				w.desk.answers(slow())
				records := []*kgo.Record{}
				for _, value := range [][]byte{identify("u", 1), identify("u", 2), between, identify("u", 4), identify("u", 5)} {
					records = append(records, &kgo.Record{Topic: source, Key: []byte("lane"), Value: value})
				}
				reader, err := mapping.NewReader(mapping.Layout{Lane: []string{"key"}})
				if err != nil {
					t.Fatal(err)
				}
				w.cfg.Reader = reader
				in := w.start(joined)
				w.kafka.Produce(t, records...)
				w.settledAll()
				in.check()
				calls := w.desk.ids()
				if !slices.Equal(calls[:1], []string{"u-1+u-2"}) || calls[len(calls)-1] != "u-4+u-5" {
					t.Errorf("calls %v", calls)
				}
			})
		})
	}
}

func TestCoalesce_atMostAHundred(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		w.desk.answers(slow())
		w.send(0, identifies("u", 1, 250)...)
		in := w.start(joined)
		w.settledAll()
		in.check()
		for _, ids := range w.desk.ids() {
			if n := strings.Count(ids, "+") + 1; n > 100 {
				t.Errorf("one call for %d events", n)
			}
		}
		if n := len(w.desk.ids()); n > 4 {
			t.Errorf("%d calls for 250 events", n)
		}
	})
}

func TestCoalesce_aRefusedCallIsTakenApartAndEachGoesAlone(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		w.desk.answers(slow())
		in := w.start(joined)
		w.send(0, identify("bad", 1))
		w.eventually("the first call", func() bool { return len(w.desk.ids()) == 1 })
		w.send(0, identifies("bad", 2, 4)...)
		w.settledAll()
		in.check()
		if diff := cmp.Diff([]string{"bad-1", "bad-2+bad-3+bad-4", "bad-2", "bad-3", "bad-4"}, w.desk.ids()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"0 bad-1 delivered, 1 calls", "1 bad-2 delivered, 1 calls", "2 bad-3 dead, 1 calls", "3 bad-4 delivered, 1 calls"}, w.parts()); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		if letters := w.kafka.Consume(t, deadLetters); len(letters) != 1 {
			t.Errorf("%d dead letters, want 1", len(letters))
		}
		if f := in.Figures(); f.TakenApart != 1 || f.Merged != 0 {
			t.Errorf("figures %+v", f)
		}
	})
}

// A call that outlived its retry budget may have taken effect: events that went alone would set older
// values again. Each has a letter.
func TestCoalesce_aRetryBudgetThatIsSpentIsTheEndOfAll(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		w.desk.answers(slow())
		in := w.start(joined)
		w.send(0, identify("spent", 1))
		w.eventually("the first call", func() bool { return len(w.desk.ids()) == 1 })
		w.send(0, identifies("spent", 2, 4)...)
		w.settledAll()
		in.check()
		if diff := cmp.Diff([]string{
			"0 spent-1 delivered, 1 calls", "1 spent-2 dead, 0 calls, in spent-4 at 3", "2 spent-3 dead, 0 calls, in spent-4 at 3", "3 spent-4 dead, 1 calls",
		}, w.parts()); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		if letters := w.kafka.Consume(t, deadLetters); len(letters) != 3 {
			t.Errorf("%d dead letters, want 3", len(letters))
		}
	})
}

// A crash leaves the first events of a group settled, and the next owner says again what was said
// last: nothing goes back to an older value.
func TestCoalesce_aCrashLeavesAPrefixSettled(t *testing.T) {
	for settled := range 4 {
		t.Run(fmt.Sprint(settled), func(t *testing.T) {
			joining(t, func(t *testing.T, w *world) {
				w.desk.answers(slow())
				w.send(0, identifies("u", 1, 4)...)
				passed, dying := 0, true
				w.kafka.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
					w.kafka.KeepControl()
					if len(w.desk.ids()) == 0 {
						return nil, nil, false // what is on record before the call
					}
					if dying && passed >= settled {
						return nil, errors.New("the process is dying"), true
					}
					passed++
					return nil, nil, false
				})
				in := w.start(joined)
				w.eventually("the call and its first outcomes", func() bool { return len(w.desk.ids()) == 1 && in.Figures().Delivered == int64(settled) })
				time.Sleep(time.Minute)
				in.kill()
				dying = false
				if got := len(w.parts()); got != settled {
					t.Errorf("%d outcomes are left, want the first %d", got, settled)
				}
				next := w.start(joined)
				w.settledAll()
				next.check()
				want := []string{"u-1+u-2+u-3+u-4", strings.Join([]string{"u-1", "u-2", "u-3", "u-4"}[settled:], "+")}
				if diff := cmp.Diff(want, w.desk.ids()); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestCoalesce_aStopLetsAllOutcomesOfAGroupBeWritten(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		w.desk.answers(func(seen) (int, time.Duration) { return 201, 10 * time.Second })
		w.send(0, identifies("u", 1, 5)...)
		in := w.start(joined)
		w.eventually("the call", func() bool { return len(w.desk.ids()) == 1 })
		in.stop()
		if got := w.committed(0); got != 5 {
			t.Errorf("committed %d, want 5", got)
		}
		if n := len(w.parts()); n != 5 {
			t.Errorf("%d outcomes, want 5", n)
		}
	})
}

func TestCoalesce_intakeReadsUpToTheLimits(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		w.desk.answers(func(seen) (int, time.Duration) { return 201, time.Hour })
		for n := range 900 {
			w.send(int32(n%4), identify(fmt.Sprint("u", n), 1))
		}
		in := w.start(joined, func(_ *processor.Config, s *sink.Config) { s.MaxInFlight, s.Timeout = 2, 2*time.Hour })
		w.eventually("all read", func() bool { return in.Figures().Read == 900 })
		in.kill()
	})
}

func TestCoalesce_whatIsTooOldDiesAlone(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		w.desk.answers(slow())
		var records []*kgo.Record
		for n, age := range []time.Duration{0, 2 * time.Hour, 0, 59*time.Minute + 50*time.Second, 0} {
			records = append(records, &kgo.Record{Topic: source, Value: identify("u", n), Timestamp: time.Now().Add(-age)})
		}
		in := w.start(joined, func(_ *processor.Config, s *sink.Config) { s.MaxAge = time.Hour })
		w.kafka.Produce(t, records...)
		w.settledAll()
		in.check()
		if diff := cmp.Diff([]string{"u-0", "u-2", "u-4"}, w.desk.ids()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		if f := in.Figures(); f.Dead != 2 || f.Delivered != 3 {
			t.Errorf("figures %+v", f)
		}
	})
}

func TestCoalesce_repeatsOfAGroupAreSkipped(t *testing.T) {
	joining(t, func(t *testing.T, w *world) {
		w.desk.answers(slow())
		in := w.start(joined, known)
		w.send(0, identify("u", 1), identify("u", 2), identify("u", 1), identify("u", 3), identify("u", 2))
		w.send(0, identify("v", 1), []byte(`{"type":"identify","userId":"w","messageId":"u-2"}`))
		w.settledAll()
		in.check()
		got := w.parts()
		skipped := slices.DeleteFunc(slices.Clone(got), func(text string) bool { return !strings.Contains(text, "skipped") })
		if len(got) != 7 || len(skipped) != 3 {
			t.Errorf("outcomes %q, want 3 of 7 skipped", got)
		}
	})
}
