package redrive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/audit"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// dead writes events of users, each of which died at crm, and returns the ids of their letters.
func (w *world) dead(users ...string) (ids []string) {
	w.t.Helper()
	for i, user := range users {
		ids = append(ids, w.Settle(w.Event(0, fmt.Sprintf("m-%s-%d", user, i), user), "crm", 0, sink.Dead))
	}
	return ids
}

func TestApply_sendsEachLetterOnceAndRecordsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.dead("a", "b", "a", "c")
	want := map[string]letters.Verdict{ids[0]: letters.Send, ids[1]: letters.Send, ids[2]: letters.Behind, ids[3]: letters.Send}
	if diff := cmp.Diff(want, w.plan(w.every())); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	if n := len(w.desk.written()); n != 0 || len(w.statuses()) != 0 {
		t.Errorf("planning wrote %d customers and the states %v", n, w.statuses())
	}
	for range 2 { // the second time there is nothing to do
		if err := w.apply(t.Context()); err != nil {
			t.Error(err)
		}
		users := w.desk.written()
		slices.Sort(users)
		if diff := cmp.Diff([]string{"a", "a", "b", "c"}, users); diff != "" {
			t.Errorf("users written (-want +got):\n%s", diff)
		}
	}
	for _, id := range ids {
		if s := w.states()[id]; s.Status != letters.Delivered || s.Round != 1 || s.Destination != "crm" || s.Source == nil || s.Plan == "" {
			t.Errorf("state of %s: %+v", id, s)
		}
	}
	rounds := map[int]int{}
	for _, r := range w.Consume(t, journaltest.Responses) {
		if e, ok := topics.ParseEntry(r); ok {
			rounds[e.Round]++
		}
	}
	if diff := cmp.Diff(map[int]int{0: 4, 1: 4}, rounds); diff != "" {
		t.Errorf("outcomes by round (-want +got):\n%s", diff)
	}
}

// A stop leaves what was sent recorded and the rest open, and the same plan goes on from there.
func TestApply_goesOnAfterAStopAndSendsNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.dead("a", "b", "a", "b", "a")
	w.plan(w.every())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	w.desk.answers(0, func(string) int {
		if n++; n == 2 {
			cancel()
		}
		return http.StatusCreated
	})
	if err := w.apply(ctx); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want one that says to run it again", err)
	}
	sent := len(w.desk.written())
	recorded := 0
	for _, status := range w.statuses() {
		if status == letters.Delivered {
			recorded++
		}
	}
	if sent < 2 || sent == 5 || recorded != sent {
		t.Errorf("%d customers were written and %d recorded before the stop", sent, recorded)
	}
	if err := w.apply(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(w.desk.written()); n != 5 {
		t.Errorf("%d customers were written in the end, want 5", n)
	}
}

// The first letter is alone, so that a setting that is still wrong costs one letter.
func TestApply_stopsAfterTheFirstLettersWhenTheyFail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	users := strings.Split("a b c d e f g h i j k l m n o", " ")
	ids := w.dead(users...)
	w.plan(w.every())
	w.desk.answers(0, func(string) int { return http.StatusUnprocessableEntity })
	if err := w.apply(t.Context()); !errors.Is(err, errTooManyFailed) {
		t.Errorf("error %v, want %v", err, errTooManyFailed)
	}
	died := 0
	for id, s := range w.states() {
		if s.Status != letters.Died || s.Next == "" || !slices.Contains(ids, id) {
			t.Errorf("state %+v", s)
		}
		died++
	}
	if died != 1 {
		t.Errorf("%d letters were sent, want 1", died)
	}
}

// A letter that is left open holds up its user's later letters, and no other's.
func TestApply_whatFollowsAnOpenLetterOfItsUserStaysOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.dead("a", "a", "b")
	w.plan(w.every())
	w.desk.answers(0, func(user string) int {
		if user == "a" {
			return http.StatusServiceUnavailable
		}
		return http.StatusCreated
	})
	err := Apply(t.Context(), w.deployment(), w.file, ApplyOptions{MaxFail: 1, MaxRounds: MaxRounds, JSON: true})
	if err == nil {
		t.Error("letters are open, and there is no error")
	}
	// Programs read it as one document, whether or not the run succeeds.
	const counts = `,"letters":3,"delivered":1,"skipped":0,"settled":0,"unneeded":0,"died":0,"open":2}}` + "\n"
	if got := w.out.String(); !strings.HasPrefix(got, `{"schema":1,"kind":"dlq.apply","data":{"plan":"`) || !strings.HasSuffix(got, counts) || strings.Count(got, "\n") != 1 {
		t.Errorf("it prints\n%swant one line that ends in\n%s", got, counts)
	}
	want := map[string]letters.Status{ids[0]: letters.Sending, ids[2]: letters.Delivered}
	if diff := cmp.Diff(want, w.statuses()); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

// The outcome may be recorded and the state not, when an apply is killed between the two.
func TestApply_writesTheStateOfALetterThatHasItsOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.Event(0, "m-1", "a")
	id := w.Settle(r, "crm", 0, sink.Dead)
	w.plan(w.every())
	w.Settle(r, "crm", 1, sink.Skipped)
	if err := w.apply(t.Context()); err != nil {
		t.Error(err)
	}
	if s := w.states()[id]; s.Status != letters.Skipped || s.Round != 1 || len(w.desk.written()) != 0 {
		t.Errorf("state %+v, %d customers written, want skipped and none", s, len(w.desk.written()))
	}
}

func TestApply_leavesOutWhatWasDeliveredSinceThePlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.Event(0, "m-1", "a")
	w.Settle(r, "crm", 0, sink.Dead)
	w.plan(w.every())
	w.Settle(r, "crm", 0, sink.Delivered)
	if err := w.apply(t.Context()); err != nil || len(w.desk.written()) != 0 || len(w.statuses()) != 0 {
		t.Errorf("error %v, %d customers written, states %v", err, len(w.desk.written()), w.statuses())
	}
}

// What a person has seen in the plan is what is sent, or nothing is.
func TestApply_leavesALetterOpenThatWouldDoSomethingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.dead("a")
	w.plan(w.every())
	w.desk.answers(http.StatusOK, nil) // the customer exists now, and would be updated
	if err := w.apply(t.Context()); err == nil {
		t.Error("a letter is open, and there is no error")
	}
	if len(w.desk.written()) != 0 || len(w.statuses()) != 0 {
		t.Errorf("%d customers written, states %v, want none", len(w.desk.written()), w.statuses())
	}
}

// What a letter behind another one gives is not known beforehand, only what its event is mapped
// to. That is compared.
func TestApply_leavesALetterBehindOpenThatIsMappedOtherwise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.dead("a", "a")
	w.plan(w.every())
	w.State(letters.State{ID: ids[0], Status: letters.Discarded, At: journaltest.Day})
	w.Config.Destinations[0].Events = []string{"track"} // identifies are skipped now
	if err := w.apply(t.Context()); err == nil {
		t.Error("a letter is open, and there is no error")
	}
	if diff := cmp.Diff(map[string]letters.Status{ids[0]: letters.Discarded}, w.statuses()); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

// A letter of several of one record is sent, and the others are settled with it.
func TestApply_settlesTheLettersOfOneRecordTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.Event(0, "m-1", "a")
	foreign := letterOfConnect(r)
	second := letterOfConnect(r)
	w.Write(foreign, second)
	o := w.every()
	o.To = "crm"
	first, other := letters.Parse(foreign), letters.Parse(second)
	if diff := cmp.Diff(map[string]letters.Verdict{first.ID: letters.Send, other.ID: letters.Settle}, w.plan(o)); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	if err := w.apply(t.Context()); err != nil {
		t.Error(err)
	}
	want := map[string]letters.Status{first.ID: letters.Delivered, other.ID: letters.Delivered}
	if diff := cmp.Diff(want, w.statuses()); diff != "" || len(w.desk.written()) != 1 {
		t.Errorf("%d customers written, states (-want +got):\n%s", len(w.desk.written()), diff)
	}
}

// Letters of one record that do not have its time were written at different times. The audit
// finds the outcome that they share for each, and that of a topic which no destination reads.
func TestApply_ofLettersWithoutTheirRecordsTimeIsAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	event := w.Event(0, "m-1", "a")
	for i := range 4 {
		topic := []string{event.Topic, "orders"}[i%2]
		w.Write(&kgo.Record{
			Topic: journaltest.DeadLetters, Key: event.Key, Value: event.Value, Timestamp: time.Now().Add(time.Duration(i) * time.Second),
			Headers: []kgo.RecordHeader{
				{Key: "source_topic", Value: []byte(topic)}, {Key: "source_partition", Value: []byte("0")}, {Key: "source_offset", Value: []byte("7")},
			},
		})
	}
	o := w.every()
	o.To = "crm"
	w.plan(o)
	if err := w.apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(w.desk.written()); n != 2 {
		t.Errorf("%d customers written, want one of each topic", n)
	}
	found, err := audit.Run(t.Context(), audit.Options{Options: w.Options()})
	if err != nil || !found.OK() {
		t.Errorf("audit: %d missing, %d conflicting, error %v: %v", found.Missing, found.Conflicting, err, found.Findings)
	}
}

// A letter that knows the time of its record finds the outcome of another one that does not.
func TestApply_ofALetterWithoutItsRecordsTimeIsFoundByAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	event := w.Event(0, "m-1", "a")
	letter := func(headers ...string) {
		r := &kgo.Record{Topic: journaltest.DeadLetters, Key: event.Key, Value: event.Value}
		for i := 0; i < len(headers); i += 2 {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
		}
		w.Write(r)
	}
	o := w.every()
	o.To = "crm"
	letter("source_topic", "orders", "source_partition", "0", "source_offset", "7")
	w.plan(o)
	if err := w.apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	letter("x-original-topic", "orders", "x-original-partition", "0", "x-original-offset", "7", "x-original-timestamp", "1767323045678")
	for id, verdict := range w.plan(o) {
		if verdict != letters.Arrived && verdict != letters.Applied {
			t.Errorf("letter %s: %s, though its event was delivered", id, verdict)
		}
	}
}

func TestApply_refusesAPlanThatDoesNotFit(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world){
		"another group":    func(w *world) { w.Config.Source.Group = "other" },
		"no destination":   func(w *world) { w.Config.Destinations = w.Config.Destinations[1:] },
		"another topic":    func(w *world) { w.recreate(journaltest.DeadLetters) },
		"to discard":       func(w *world) { o := w.every(); o.Discard = true; w.plan(o) },
		"no plan":          func(w *world) { w.file += ".gone" },
		"an edited plan":   func(w *world) { w.edit(`"destination": "crm"`, `"destination": "inbox"`) },
		"a letter is gone": func(w *world) { w.Expire(journaltest.DeadLetters, 0, 1) },

		"a letter behind the end":   func(w *world) { w.replan(func(p *letters.Plan) { p.Letters[0].Offset = 1 << 62 }) },
		"a letter before the start": func(w *world) { w.replan(func(p *letters.Plan) { p.Letters[0].Offset = -5 }) },
		"a partition too many":      func(w *world) { w.replan(func(p *letters.Plan) { p.Letters[0].Partition = 999 }) },
		"a partition below 0":       func(w *world) { w.replan(func(p *letters.Plan) { p.Letters[0].Partition = -1 }) },
		"another id":                func(w *world) { w.replan(func(p *letters.Plan) { p.Letters[0].ID = strings.Repeat("0", 32) }) },
		"two letters at one place": func(w *world) {
			w.replan(func(p *letters.Plan) { p.Letters = append(p.Letters, p.Letters[0]); p.Letters[0].ID = "x" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.dead("a")
			w.plan(w.every())
			spoil(w)
			err := w.apply(t.Context())
			if _, ok := errors.AsType[*config.UsageError](err); !ok || len(w.desk.written()) != 0 {
				t.Errorf("error %v, %d customers written, want a config.UsageError and none", err, len(w.desk.written()))
			}
		})
	}
}

func (w *world) recreate(topic string) {
	w.t.Helper()
	if _, err := w.Admin(w.t).DeleteTopics(w.t.Context(), topic); err != nil {
		w.t.Fatal(err)
	}
	if err := w.CreateTopic(topic, 2, nil); err != nil {
		w.t.Fatal(err)
	}
}

// replan changes the plan and seals it again.
func (w *world) replan(change func(*letters.Plan)) {
	w.t.Helper()
	text, err := os.ReadFile(w.file)
	if err != nil {
		w.t.Fatal(err)
	}
	plan, err := letters.ReadPlan(text)
	if err != nil {
		w.t.Fatal(err)
	}
	change(plan)
	var b bytes.Buffer
	if err := plan.Write(&b); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.file, b.Bytes(), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) edit(old, now string) {
	w.t.Helper()
	text, err := os.ReadFile(w.file)
	if err == nil {
		err = os.WriteFile(w.file, []byte(strings.ReplaceAll(string(text), old, now)), 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestApply_needsATopicOfStatesOrCreatesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.dead("a")
	w.plan(w.every())
	if _, err := w.Admin(t).DeleteTopics(t.Context(), journaltest.States); err != nil {
		t.Fatal(err)
	}
	if err := w.apply(t.Context()); err == nil || len(w.desk.written()) != 0 {
		t.Errorf("error %v, %d customers written: nobody could say what was sent", err, len(w.desk.written()))
	}
	err := Apply(t.Context(), w.deployment(), w.file, ApplyOptions{MaxRounds: MaxRounds, CreateTopics: true})
	if err != nil || len(w.desk.written()) != 1 || len(w.statuses()) != 1 {
		t.Errorf("error %v, %d customers written, states %v", err, len(w.desk.written()), w.statuses())
	}
}
