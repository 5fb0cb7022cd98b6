package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// runUntil runs a dlq command and has it stopped.
func (p *post) runUntil(stop func(cancel context.CancelFunc), args ...string) result {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	stop(cancel)
	var stdout, stderr strings.Builder
	code := run(ctx, append([]string{"dlq", args[0], "-c", p.file}, args[1:]...), func(string) (string, bool) { return "", false },
		streams{strings.NewReader(""), &stdout, &stderr})
	return result{code, stdout.String(), stderr.String()}
}

func TestDLQPlan_aStopWritesThePlanWhichCanBeGoneOnWith(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	p.write(60, 10)
	whole := *p
	whole.plan += ".whole"
	whole.wants(exitOK, "60 letters", "", "plan", "--every", "-o", whole.plan)
	p.desk.Reset()

	got := p.runUntil(func(cancel context.CancelFunc) {
		p.arrived = func(n int) {
			if n == 40 { // the first plan made 30
				cancel()
			}
		}
	}, "plan", "--every", "-o", p.plan)
	got.wantAll(t, exitFault, "unplanned", "Error: interrupted: ")
	if !strings.Contains(got.stderr, "complete it with: deskstream dlq plan -c FILE --continue "+p.plan) {
		t.Errorf("it does not say how to go on: %s", got.stderr)
	}
	made := len(p.desk.Received())
	before := p.planned()
	if n := before.Count()[letters.Unplanned]; n == 0 || n == 60 || len(before.Letters) != 60 {
		t.Fatalf("of %d letters %d are not planned, want some", len(before.Letters), n)
	}
	if made > 10 {
		t.Errorf("%d lookups were made, though the tenth stopped it", made)
	}

	got = p.wants(exitOK, "60 letters", "plan "+before.ID+" written to", "plan", "--continue", p.plan)
	if n := strings.Count(got.stdout, "would be sent"); n != before.Count()[letters.Unplanned] {
		t.Errorf("%d letters are shown, %d were not planned before", n, before.Count()[letters.Unplanned])
	}
	for what, n := range p.lookups() {
		if n > 2 {
			t.Errorf("%s was looked up %d times by two runs", what, n)
		}
	}
	after := p.planned()
	if diff := cmp.Diff(whole.planned().Letters, after.Letters); diff != "" || after.ID != before.ID {
		t.Errorf("plan %s, was %s; letters as in an uninterrupted plan (-want +got):\n%s", after.ID, before.ID, diff)
	}
	p.wants(exitOK, "60 delivered", "", "apply", p.plan)
}

func TestDLQPlan_aDeskThatAnswersNoLookupsEndsItForNow(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	for i := range 8 {
		p.Produce(t, p.letter(i+1, "inbox", fmt.Sprintf("u-%d", i)))
	}
	// The first two are answered.
	var n atomic.Int32
	p.desk.Desk(stubtrengo.Name).SetOutage(func(stub.Call) int {
		if n.Add(1) <= 2 {
			return 0
		}
		return http.StatusServiceUnavailable
	})
	p.wants(exitFault, "8 letters: 2 send, 5 undecided, 1 unplanned",
		"Error: the help desk answers no lookups: destination inbox (exhausted http_503: ", "plan", "--every", "-o", p.plan)
	p.desk.Desk(stubtrengo.Name).SetOutage(nil)
	p.wants(exitOK, "8 letters: 8 send", "", "plan", "--continue", p.plan)
	if n := p.lookups()["/contacts?page=1&term=u-0%40example.com"]; n != 1 {
		t.Errorf("the address of a letter that was planned before was looked up %d times", n)
	}
	p.wants(exitOK, "8 delivered", "", "apply", p.plan)
}

func TestDLQPlan_withoutAFileNothingOfItIsLeft(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	p.write(4, 2)
	got := p.runUntil(func(cancel context.CancelFunc) {
		p.arrived = func(n int) {
			if n == 2 {
				cancel()
			}
		}
	}, "plan", "--every")
	got.wantAll(t, exitFault, "1 send, 3 unplanned", "interrupted: 1 of 4 letters planned, and no file was given to write that to (-o)")
}

func TestDLQPlan_goesOnWithWhatIsStillOpen(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	for i := range 4 {
		p.Produce(t, p.letter(i+1, "inbox", fmt.Sprintf("u-%d", i)))
	}
	p.runUntil(func(cancel context.CancelFunc) {
		p.arrived = func(n int) {
			if n == 3 {
				cancel()
			}
		}
	}, "plan", "--every", "-o", p.plan).wantAll(t, exitFault, "2 send, 2 unplanned", "interrupted: 2 of 4 letters planned")
	p.wants(exitOK, "2 delivered", "2 letters of the plan not planned yet, and not sent", "apply", p.plan)
	p.Produce(t, &kgo.Record{
		Topic: responsesTopic, Key: []byte("u-2"), Value: []byte(`{"event":{"type":"track"},"outcome":"delivered"}`),
		Headers: recordHeaders("deskstream.group", "deskstream.inbox", "deskstream.source", "events/3/3", "deskstream.source.epoch", "0",
			"deskstream.destination", "inbox", "deskstream.outcome", "delivered", "deskstream.round", "0"),
	})
	p.wants(exitOK, "2 letters: 1 delivered, 1 send", "2 letters of the plan closed meanwhile", "plan", "--continue", p.plan)
	p.wants(exitUsage, "", "--code does not go with --continue: the plan has its letters", "plan", "--continue", p.plan, "--code", "http_422")
}

// Settings that have changed since are those of the plan.
func TestDLQPlan_plansAnewWhatIsMappedOtherwise(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	for i := range 3 {
		p.Produce(t, p.letter(i+1, "inbox", fmt.Sprintf("u-%d", i)))
	}
	p.wants(exitOK, "3 send", "", "plan", "--every", "-o", p.plan)
	before := p.planned()
	p.file = writeFile(t, "other.yaml", strings.Replace(readFile(t, p.file), "template: Done", "template: Other", 1))
	got := p.wants(exitOK, "3 letters: 3 send", "", "plan", "--continue", p.plan)
	if after := p.planned(); cmp.Equal(before.Letters, after.Letters) || strings.Count(got.stdout, `"subject": "Other"`) != 3 {
		t.Errorf("the letters are planned as before: %s", got.stdout)
	}
	p.wants(exitOK, "3 delivered", "", "apply", p.plan)
}
