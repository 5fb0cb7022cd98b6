package explain_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/explain"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// owner is a process that has a partition, by the number of its claim.
type owner struct {
	w     *topics.Writer
	claim int64
	e     topics.Entry
}

func (o owner) written(t *testing.T, write func(done func(int64, error))) {
	t.Helper()
	written := make(chan error, 1)
	write(func(_ int64, err error) { written <- err })
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}

// announces puts a ticket on record that is about to be opened.
func (o owner) announces(t *testing.T) {
	t.Helper()
	o.e.Progress = &sink.Progress{Claim: o.claim, Next: &sink.Announcement{Step: "ticket"}}
	o.written(t, func(done func(int64, error)) { o.w.WriteProgress(context.WithoutCancel(t.Context()), o.e, done) })
}

// opened settles the event with a ticket.
func (o owner) opened(t *testing.T, id int) {
	t.Helper()
	step := sink.StepInfo{Name: "ticket", State: sink.StepDone}
	o.e.Progress = &sink.Progress{Claim: o.claim, Steps: []sink.StepRecord{{StepInfo: step, IDs: map[string]string{"ticket_id": fmt.Sprint(id)}}}}
	o.e.Outcome = &sink.Outcome{
		Outcome: sink.Delivered, Steps: []sink.StepInfo{step},
		Destination: sink.DestinationInfo{Name: "crm"}, Source: &sink.Source{Topic: journaltest.Events},
	}
	o.written(t, func(done func(int64, error)) { o.w.Write(context.WithoutCancel(t.Context()), o.e, done) })
}

func TestEvent_showsWhatOwnersOfItsPartitionHadOnRecord(t *testing.T) {
	d := deployment(t)
	w := d.Writer("crm")
	e := topics.Entry{Source: d.Event(0, "m-1", "u"), Origin: d.Origin}
	first, second := owner{w, 3, e}, owner{w, 8, e}
	first.announces(t)
	second.announces(t)
	second.opened(t, 42)
	first.opened(t, 41) // its partition was taken away meanwhile
	d.Event(0, "m-2", "u")
	second.e.Source = d.Event(0, "m-3", "u")
	second.announces(t) // another event's

	type line struct {
		claim int64
		late  bool
		steps int
	}
	var got []line
	s := event(t, d, "m-1")
	for _, p := range s.Progress {
		got = append(got, line{p.Claim, p.Late, len(p.Steps)})
	}
	if diff := cmp.Diff([]line{{3, false, 0}, {8, false, 0}, {3, true, 1}}, got, cmp.AllowUnexported(line{})); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if len(s.Outcomes) != 2 {
		t.Errorf("%d outcomes, want 2", len(s.Outcomes))
	}
	for _, want := range []string{
		"in progress\n      ticket announced\n", "too late, another process had the event\n      ticket done: ticket_id 41\n", "step ticket: done\n",
	} {
		if text := s.Text(); !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	if text := event(t, d, "m-3").Text(); !strings.Contains(text, "whether it took effect is not known") {
		t.Errorf("an event that is open says:\n%s", text)
	}
	if s, err := explain.Event(t.Context(), d.Options(), "m-2"); err != nil || len(s.Progress) != 0 {
		t.Errorf("another event has the progress %v, %v", s, err)
	}
}
