package redrive

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config/configtest"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/internal/stub/stubtest"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// ticketWorld is a world whose destination crm is Trengo and opens a ticket for each order.
type ticketWorld struct {
	*world
	*stubtest.Client
	contact, seen int64 // the user's contact, and the newest ticket of the account
}

const ticketToken = "token-of-the-desk"

func newTicketWorld(t *testing.T) *ticketWorld {
	t.Helper()
	w := &ticketWorld{world: newWorld(t), Client: stubtest.Serve(t, stub.Config{Limit: 1 << 30}, stubtrengo.New(map[string]string{"1": stubtrengo.EMAIL}))}
	w.Config = configtest.Parse(t, `kafka: {brokers: [%q]}
source: {topics: [%s]}
responses: {topic: %s}
dead_letters: {topic: %s}
destinations:
  - name: crm
    type: trengo
    trengo: {api_token: %s, channel_id: "1", channel_identifier: email, base_url: %q, event_templates: [{event: Order, template: "Order {{ no }}"}]}
    delivery: {timeout: 1s, rate_limit: {requests: 1000000}, retry: {initial: 10ms, max: 50ms, max_elapsed: 1m, max_attempts: 1}}
`, strings.Join(w.Brokers, ","), journaltest.Events, journaltest.Responses, journaltest.DeadLetters, ticketToken, w.URL+stubtrengo.Path)
	w.contact = w.id(t, "/channels/1/contacts", `{"identifier":"u@x.test"}`)
	w.seen = w.open(t, "something else")
	return w
}

// id makes a call as somebody else who has the token, and returns the id of what it made.
func (w *ticketWorld) id(t *testing.T, path, body string) int64 {
	t.Helper()
	r, err := w.Try(ticketToken, http.MethodPost, stubtrengo.Path+path, body)
	if err != nil || r.Status >= 300 {
		t.Fatalf("POST %s: %d %s, %v", path, r.Status, r.Body, err)
	}
	id, err := strconv.ParseInt(fmt.Sprint(r.JSON(t)["id"]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// open opens a ticket of the user's.
func (w *ticketWorld) open(t *testing.T, subject string) int64 {
	t.Helper()
	return w.id(t, "/tickets", fmt.Sprintf(`{"contact_id":%d,"channel_id":1,"subject":%q}`, w.contact, subject))
}

// tickets is how many tickets were opened.
func (w *ticketWorld) tickets() int { return len(w.Server.Desk("trengo").Tickets()) }

// newest is the id of the newest ticket.
func (w *ticketWorld) newest() string {
	all := w.Server.Desk("trengo").Tickets()
	return all[len(all)-1].ID
}

// settle writes what became of the n-th order of the user, and returns its record.
func (w *ticketWorld) settle(t *testing.T, n int, what sink.Disposition, p *sink.Progress) *kgo.Record {
	t.Helper()
	source := &kgo.Record{
		Topic: journaltest.Events, Key: []byte("u"), Timestamp: journaltest.Day.Add(time.Duration(n) * time.Minute),
		Value: fmt.Appendf(nil, `{"type":"track","event":"Order","messageId":"m-%d","userId":"u","context":{"traits":{"email":"u@x.test"}},"properties":{"no":%[1]d}}`, n),
	}
	w.Write(source)
	w.entry(t, source, func(writer *topics.Writer, e topics.Entry, done func(int64, error)) {
		e.Progress = p
		e.Outcome = &sink.Outcome{Outcome: what, IDs: sink.VendorIDs{"contact_id": fmt.Sprint(w.contact)}}
		if p != nil {
			e.Outcome.Rule = p.Rule
		}
		if what == sink.Dead {
			e.Outcome.Error = &sink.ErrorInfo{Stage: sink.StageRequest, Class: sink.Unknown, Code: sink.Timeout}
		}
		writer.Write(t.Context(), e, done)
	})
	return source
}

// entry writes one entry of crm's and waits for it.
func (w *ticketWorld) entry(t *testing.T, source *kgo.Record, write func(*topics.Writer, topics.Entry, func(int64, error))) {
	t.Helper()
	d, _ := w.Config.Destination("crm")
	writer := topics.NewWriter(topics.Config{
		Responses: journaltest.Responses, DeadLetters: journaltest.DeadLetters, Group: w.Config.Group(d), Destination: "crm", DestinationType: "trengo",
	}, w.Cluster.Client(t, topics.LargeOptions()...), slog.New(slog.DiscardHandler))
	written := make(chan error, 1)
	write(writer, topics.Entry{
		Source: source, Origin: w.Origin, Lane: "u", Partitions: func() (int32, int32) { return 2, 2 },
	}, func(_ int64, err error) { written <- err })
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}

// announced is the progress of an order whose ticket was about to be opened.
func (w *ticketWorld) announced() *sink.Progress {
	return &sink.Progress{Next: &sink.Announcement{
		Step: "ticket", At: sink.Time{Time: time.Now().Add(-time.Hour)},
		Mark: sink.Mark{
			"contact_id": fmt.Sprint(w.contact), "channel_id": "1", "floor": fmt.Sprint(w.seen), "subject": orderOne,
		},
	}}
}

// announce puts on record that an apply of a round was about to open the ticket.
func (w *ticketWorld) announce(t *testing.T, source *kgo.Record, round int) {
	t.Helper()
	w.entry(t, source, func(writer *topics.Writer, e topics.Entry, done func(int64, error)) {
		e.Round, e.Progress = round, w.announced()
		writer.WriteProgress(t.Context(), e, done)
	})
}

func opened(id int64) *sink.Progress {
	return &sink.Progress{Steps: []sink.StepRecord{{
		StepInfo: sink.StepInfo{Name: "ticket", State: sink.StepDone}, IDs: map[string]string{"ticket_id": fmt.Sprint(id)},
	}}}
}

// orderOne is the digest of "Order 1" by which the sender knows a ticket.
const orderOne = "f4a72c9fe85695cbbd0c6b2c52b4b772"

func TestApply_goesOnAfterTheStepsOfALetter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before  func(t *testing.T, w *ticketWorld)
		verdict letters.Verdict
		said    string
		opens   int // tickets that apply opens; else the outcome has the newest one
	}{
		"no step": {
			func(t *testing.T, w *ticketWorld) { w.settle(t, 1, sink.Dead, nil) }, letters.Send, "", 1,
		},
		"the ticket was opened": {
			func(t *testing.T, w *ticketWorld) { w.settle(t, 1, sink.Dead, opened(w.open(t, "Order 1"))) },
			letters.Settle, "ticket done: ticket_id", 0,
		},
		"nobody knows, and it was": {
			func(t *testing.T, w *ticketWorld) {
				w.open(t, "Order 1")
				w.settle(t, 1, sink.Dead, w.announced())
			}, letters.Settle, "whether it took effect is not known", 0,
		},
		"nobody knows, and it was not": {
			func(t *testing.T, w *ticketWorld) { w.settle(t, 1, sink.Dead, w.announced()) },
			letters.Send, "whether it took effect is not known", 1,
		},
		"nobody knows, and the ticket there is a later order's": {
			func(t *testing.T, w *ticketWorld) {
				w.settle(t, 1, sink.Dead, w.announced())
				w.settle(t, 2, sink.Delivered, opened(w.open(t, "Order 1")))
			}, letters.Send, "", 1,
		},
		"an apply was killed after the ticket": {
			func(t *testing.T, w *ticketWorld) {
				source := w.settle(t, 1, sink.Dead, nil)
				w.open(t, "Order 1")
				w.announce(t, source, 1)
			}, letters.Settle, "", 0,
		},
		"an apply of an earlier round was killed": {
			func(t *testing.T, w *ticketWorld) {
				source := w.settle(t, 1, sink.Dead, nil)
				w.open(t, "Order 1")
				w.announce(t, source, 7)
			}, letters.Send, "", 1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTicketWorld(t)
			tt.before(t, w)
			before, newest := w.tickets(), w.newest()
			for id, verdict := range w.plan(w.every()) {
				if verdict != tt.verdict || !strings.Contains(w.out.String(), tt.said) {
					t.Errorf("the verdict on %s is %s, want %s; said:\n%s", id, verdict, tt.verdict, w.out.String())
				}
			}
			if err := w.apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := w.tickets() - before; n != tt.opens {
				t.Errorf("%d tickets were opened, want %d", n, tt.opens)
			}
			if got := w.ticketOf(t, 1); tt.opens == 0 && got != newest || got != w.newest() {
				t.Errorf("the outcome has the ticket %s, want %s", got, w.newest())
			}
			for id, status := range w.statuses() {
				if status != letters.Delivered {
					t.Errorf("letter %s is %s", id, status)
				}
			}
		})
	}
}

// ticketOf is the ticket of the outcome of a round, "" for none.
func (w *ticketWorld) ticketOf(t *testing.T, round int) (id string) {
	t.Helper()
	for _, r := range w.Consume(t, journaltest.Responses) {
		if e, ok := topics.ParseEntry(r); ok && e.Round == round {
			if p, ok := topics.ParseProgress(r); ok && len(p.Steps) > 0 {
				id = p.Steps[0].IDs["ticket_id"]
			}
		}
	}
	return id
}

// A stop after a ticket's answer was lost leaves the letter open, and the same plan goes on.
func TestApply_aTicketWithoutAnAnswerIsLookedForByTheNextRun(t *testing.T) {
	t.Parallel()
	w := newTicketWorld(t)
	w.settle(t, 1, sink.Dead, nil)
	w.plan(w.every())
	desk := w.Server.Desk("trengo")
	// The run that is stopped cannot find the ticket before it is, also where that comes late.
	desk.SetQuirks(stub.Quirks{LostAnswers: 1, LateEffects: time.Millisecond, ListLag: 3 * time.Second})
	ctx, cancel := context.WithCancel(t.Context())
	before := w.tickets()
	go func() {
		for w.tickets() == before && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if err := w.apply(ctx); err == nil {
		t.Error("an apply that was stopped says that all is done")
	}
	desk.SetQuirks(stub.Quirks{})
	if err := w.apply(t.Context()); err != nil {
		t.Error(err)
	}
	if n := w.tickets() - before; n != 1 {
		t.Errorf("%d tickets were opened, want 1", n)
	}
	statuses := w.statuses()
	for id, status := range statuses {
		if status != letters.Delivered {
			t.Errorf("letter %s is %s", id, status)
		}
	}
	if len(statuses) != 1 || w.ticketOf(t, 1) != w.newest() {
		t.Errorf("%d letters, ticket %s, want %s", len(statuses), w.ticketOf(t, 1), w.newest())
	}
}

// A letter that stays open after one of its steps has that on record for the next run.
func TestRedelivery_keepsWhatWasDoneOfALetterThatStaysOpen(t *testing.T) {
	t.Parallel()
	w := newTicketWorld(t)
	w.settle(t, 1, sink.Dead, nil)
	box, err := w.deployment().open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	list, err := box.candidatesOf(t.Context(), w.every())
	if err != nil || len(list) != 1 {
		t.Fatalf("%d letters, %v", len(list), err)
	}
	rehearsal, err := newRehearsal(t.Context(), w.Config, []string{"crm"}, wiring.Options{}, box.Log)
	if err != nil {
		t.Fatal(err)
	}
	defer rehearsal.close()
	held, err := box.lock(t.Context(), []string{"crm"})
	if err != nil {
		t.Fatal(err)
	}
	defer held.leave()
	r, err := newRedelivery(t.Context(), box, planFile{Plan: &letters.Plan{}}, rehearsal, held)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if err := r.keep(list[0], opened(7)); err != nil {
		t.Fatal(err)
	}
	for id, verdict := range w.plan(w.every()) {
		if verdict != letters.Settle || !strings.Contains(w.out.String(), "before: ticket done: ticket_id 7") {
			t.Errorf("the verdict on %s is %s; said:\n%s", id, verdict, w.out.String())
		}
	}
}

// What was made for an event is known again by the record as run read it.
func TestCandidate_isIdentifiedAsInRun(t *testing.T) {
	t.Parallel()
	w := newTicketWorld(t)
	source := w.settle(t, 1, sink.Dead, nil)
	box, err := w.deployment().open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	list, err := box.candidatesOf(t.Context(), w.every())
	if err != nil || len(list) != 1 {
		t.Fatalf("%d letters, %v", len(list), err)
	}
	d, _ := w.Config.Destination("crm")
	at := topics.Place{Origin: w.Origin, Topic: source.Topic, Partition: source.Partition, Offset: source.Offset, Epoch: source.LeaderEpoch}
	if got, want := list[0].identity(), at.Identity(w.Config.Group(d)); got != want {
		t.Errorf("identity %s, want %s", got, want)
	}
}
