package redrive

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
)

// letterOfConnect is a letter of Kafka Connect with a copy of a record.
func letterOfConnect(r *kgo.Record) *kgo.Record {
	return &kgo.Record{
		Topic: journaltest.DeadLetters, Key: r.Key, Value: r.Value, Timestamp: r.Timestamp, Headers: []kgo.RecordHeader{
			{Key: "__connect.errors.topic", Value: []byte(r.Topic)},
			{Key: "__connect.errors.partition", Value: []byte("0")},
			{Key: "__connect.errors.offset", Value: []byte("0")},
			{Key: "__connect.errors.connector.name", Value: []byte("c")},
		},
	}
}

func TestPlan_verdictsComeFromWhatTheTopicsKnow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arrived, applied, open := w.Event(0, "m-1", "a"), w.Event(0, "m-2", "b"), w.Event(0, "m-3", "c")
	old, young := w.Event(0, "m-4", "d"), w.Event(0, "m-5", "d")
	want := map[string]letters.Verdict{
		w.Settle(arrived, "crm", 0, sink.Dead): letters.Arrived,
		w.Settle(applied, "crm", 0, sink.Dead): letters.Applied,
		w.Settle(open, "crm", 0, sink.Dead):    letters.Send,
		w.Settle(old, "crm", 0, sink.Dead):     letters.Superseded,
	}
	w.Settle(arrived, "crm", 0, sink.Delivered)
	w.Settle(applied, "crm", 1, sink.Skipped)
	w.Settle(open, "inbox", 0, sink.Delivered) // of another destination
	w.Settle(young, "crm", 0, sink.Delivered)
	closed := w.Settle(w.Event(0, "m-6", "e"), "crm", 0, sink.Dead)
	w.State(letters.State{ID: closed, Status: letters.Discarded, At: journaltest.Day})
	if diff := cmp.Diff(want, w.plan(w.every())); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	o := w.every()
	o.Superseded = true
	for id, verdict := range want {
		if verdict == letters.Superseded {
			want[id] = letters.Send
		}
	}
	if diff := cmp.Diff(want, w.plan(o)); diff != "" {
		t.Errorf("with Superseded (-want +got):\n%s", diff)
	}
}

// Letters are written as events die, which is not the order of the events.
func TestPlan_goesByTheOrderOfTheEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.Event(0, "m-1", "a"), w.Event(0, "m-2", "a")
	want := map[string]letters.Verdict{w.Settle(second, "crm", 0, sink.Dead): letters.Behind, w.Settle(first, "crm", 0, sink.Dead): letters.Send}
	if diff := cmp.Diff(want, w.plan(w.every())); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

// An identify of another user, an earlier one and another event make no identify useless.
func TestPlan_onlyALaterIdentifyOfTheUserSupersedes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before, r := w.Event(0, "m-1", "a"), w.Event(0, "m-2", "a")
	id := w.Settle(r, "crm", 0, sink.Dead)
	w.Settle(before, "crm", 0, sink.Delivered)
	w.Settle(w.Event(0, "m-3", "b"), "crm", 0, sink.Delivered)
	for _, id := range []string{"m-4", "m-5", "m-6"} {
		w.Settle(w.Event(1, id, "a"), "crm", 0, sink.Delivered) // elsewhere
	}
	w.Settle(w.Event(0, "m-7", "a"), "crm", 0, sink.Skipped)
	if got := w.plan(w.every())[id]; got != letters.Send {
		t.Errorf("the verdict is %s, want %s", got, letters.Send)
	}
}

func TestPlan_asksTheHelpDeskAndSaysWhatItDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.dead("a", "a")
	w.desk.answers(http.StatusServiceUnavailable, nil)
	want := map[string]letters.Verdict{ids[0]: letters.Undecidable, ids[1]: letters.Undecidable}
	if diff := cmp.Diff(want, w.plan(w.every())); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	w.desk.answers(0, nil)
	w.desk.silent = askTimes // for the first letter alone: the second must not overtake it
	if diff := cmp.Diff(want, w.plan(w.every())); diff != "" {
		t.Errorf("verdicts when the help desk answers again (-want +got):\n%s", diff)
	}
	w.desk.answers(http.StatusUnprocessableEntity, nil)
	if got := w.plan(w.every())[ids[0]]; got != letters.StillDead {
		t.Errorf("a lookup that is refused gives %s, want %s", got, letters.StillDead)
	}
}

func TestPlan_discardTakesEveryOpenLetterAndAsksNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.dead("a", "b")
	w.desk.answers(http.StatusServiceUnavailable, nil)
	o := w.every()
	o.Discard = true
	if diff := cmp.Diff(map[string]letters.Verdict{ids[0]: letters.Discard, ids[1]: letters.Discard}, w.plan(o)); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

// A part of the letters would break the order of users' events.
func TestPlan_refusesMoreLettersThanItsLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.dead("a", "b", "c")
	o := w.every()
	o.Limit = 2
	err := Plan(t.Context(), w.deployment(), o)
	if _, ok := errors.AsType[*config.FlagError](err); !ok {
		t.Errorf("error %v, want a config.FlagError", err)
	}
	o.Limit = 3
	if got := w.plan(o); len(got) != 3 {
		t.Errorf("%d letters planned, want 3", len(got))
	}
}

// An interrupted plan keeps its verdicts, and Continue completes it.
func TestContinue_completesAPlanThatWasStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.dead("a", "b", "c")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &stopAfter{lines: 1, stop: cancel}
	d := w.deployment()
	d.Out = out
	if err := Plan(ctx, d, w.every()); err == nil {
		t.Error("a plan that was stopped has no error")
	}
	want := map[string]letters.Verdict{ids[0]: letters.Send, ids[1]: letters.Unplanned, ids[2]: letters.Unplanned}
	if diff := cmp.Diff(want, w.verdicts()); diff != "" {
		t.Fatalf("verdicts of the part (-want +got):\n%s", diff)
	}
	w.State(letters.State{ID: ids[1], Status: letters.Discarded, At: journaltest.Day})
	before := w.desk.asked
	o := w.every()
	o.Unfinished, o.Out = w.file, ""
	if err := Continue(t.Context(), w.deployment(), o); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(map[string]letters.Verdict{ids[0]: letters.Send, ids[2]: letters.Send}, w.verdicts()); diff != "" {
		t.Errorf("verdicts of the whole (-want +got):\n%s", diff)
	}
	if again := w.desk.asked - before; again != before {
		t.Errorf("%d lookups for one letter, and %d again for another that had its verdict and one that had none", before, again)
	}
	if text := w.out.String(); strings.Contains(text, ids[0]) {
		t.Errorf("a verdict that stays is shown again:\n%s", text)
	}
	w.plan(func() PlanOptions { o := w.every(); o.Discard = true; return o }())
	err := Continue(t.Context(), w.deployment(), o)
	if _, ok := errors.AsType[*config.UsageError](err); !ok {
		t.Errorf("a plan to discard is gone on with: %v", err)
	}
}

// stopAfter calls stop after a number of descriptions.
type stopAfter struct {
	lines int
	stop  func()
}

func (s *stopAfter) Write(text []byte) (int, error) {
	if s.lines--; s.lines == 0 {
		s.stop()
	}
	return len(text), nil
}

func TestDiscard_recordsWhyAndByWhom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.dead("a", "b", "c")
	w.State(letters.State{ID: ids[2], Status: letters.Delivered, At: journaltest.Day})
	by := DiscardOptions{Reason: "test data", By: "somebody"}
	picker, err := (&letters.Filter{Users: []string{"a", "c"}}).Compile()
	if err != nil {
		t.Fatal(err)
	}
	o := w.every()
	o.Picker = picker
	if err := Discard(t.Context(), w.deployment(), o, by); err != nil {
		t.Error(err)
	}
	want := map[string]letters.Status{ids[0]: letters.Discarded, ids[2]: letters.Delivered}
	if diff := cmp.Diff(want, w.statuses()); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if s := w.states()[ids[0]]; s.Reason != by.Reason || s.By != by.By || s.Round != 0 || s.Source == nil || s.Destination != "crm" {
		t.Errorf("state %+v", s)
	}
	w.plan(w.every())
	if err := DiscardPlan(t.Context(), w.deployment(), w.file, by); err != nil {
		t.Error(err)
	}
	if want := ": 1 letter discarded, 1 of which the plan would send, 0 closed before\n"; !strings.HasSuffix(w.out.String(), want) {
		t.Errorf("it prints %q, want %q", &w.out, want)
	}
	by.JSON = true
	if err := DiscardPlan(t.Context(), w.deployment(), w.file, by); err != nil {
		t.Error(err)
	}
	if got, want := w.out.String(), `,"letters":1,"discarded":0,"sendable":0,"closed":1,"open":0}}`+"\n"; !strings.HasPrefix(got, `{"schema":1,"kind":"dlq.discard","data":{"plan":"`) || !strings.HasSuffix(got, want) {
		t.Errorf("it prints %s, want %s", got, want)
	}
	if got := w.statuses()[ids[1]]; got != letters.Discarded {
		t.Errorf("the letter of the plan is %s", got)
	}
	if n := len(w.desk.written()); n != 0 {
		t.Errorf("%d customers written", n)
	}
}
