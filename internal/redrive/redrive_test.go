package redrive

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// A plan of hours is written now and then, so that a kill leaves most of it.
func TestPlanOutput_keepsAnUnfinishedPlanNowAndThen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.json")
	synctest.Test(t, func(t *testing.T) {
		out, err := openPlanOutput(path)
		if err != nil {
			t.Fatal(err)
		}
		plan := &letters.Plan{ID: "p-1", Letters: []letters.Planned{{ID: "a", Verdict: letters.Unplanned}}}
		for _, tt := range []struct {
			after time.Duration
			want  bool
		}{{0, false}, {keepEvery, true}, {keepEvery - 1, false}, {1, true}} {
			time.Sleep(tt.after)
			if err := out.keep(plan); err != nil {
				t.Fatal(err)
			}
			_, err := os.ReadFile(path)
			if kept := err == nil; kept != tt.want {
				t.Errorf("written: %v, want %v", kept, tt.want)
			}
			_ = os.Remove(path)
		}
	})
}

// Each planned letter is a chance to write the plan: an orderly stop is not the only end.
func TestDLQPlan_isWrittenWhileItIsMade(t *testing.T) {
	t.Parallel()
	out, err := openPlanOutput(filepath.Join(t.TempDir(), "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	out.kept = time.Now().Add(-keepEvery)
	p := &letterPlanner{
		box: &redriver{&journal.Journal{Options: journal.Options{Config: &config.Config{}, Notes: io.Discard}}, io.Discard}, options: PlanOptions{Quiet: true},
		plan: &letters.Plan{ID: "p-1"}, out: out, looks: newLookupClock(1),
	}
	if err := p.run(t.Context(), []*candidate{{letter: letters.Letter{ID: "a", Fault: "no letter"}, original: &kgo.Record{}}}); err != nil {
		t.Fatal(err)
	}
	plan, err := readPlanFile(out.path)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Letters) != 1 || plan.Letters[0].Verdict != letters.Unreadable {
		t.Errorf("the plan so far: %+v, want one unreadable letter", plan.Letters)
	}
}

// What letters wait for is in the line of progress.
func TestRedelivery_progressSaysWhatIsWaitedForAndHowLong(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer server.Close()
	cfg := oneDesk(t, server.URL, "initial: 1h, max: 1h")
	rehearsal, err := newRehearsal(t.Context(), cfg, []string{"crm"}, wiring.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer rehearsal.close()
	r := &redelivery{rehearsal: rehearsal, open: map[*sink.Session]bool{}, total: 10, began: time.Now().Add(-2 * time.Minute)}
	r.counts.delivered = 4
	w := rehearsal.ways["crm"]
	want := func(part string) {
		t.Helper()
		await(t, "progress to say "+part, func() bool { return strings.Contains(r.progress(), part) })
	}
	want("4 of 10 letters: 4 delivered, about 3m left")

	ctx, cancel := context.WithCancel(t.Context())
	pass, err := w.Destination.Gate().Enter(ctx, "u")
	if err != nil {
		t.Fatal(err)
	}
	s := w.Destination.Session(pass, sink.Stop{Soft: ctx, Hard: ctx})
	end := r.watch(s)
	var failing sync.WaitGroup
	failing.Go(func() {
		_, _ = w.Route.Deliver(ctx, s, []byte(`{"type":"identify","messageId":"m-1","userId":"u","traits":{"name":"N"}}`))
	})
	want("; 1 letter failed (http_503) and will be tried again")
	if err := w.Destination.Gate().Halt(); err != nil {
		t.Fatal(err)
	}
	want("; crm is on hold (operator) for ")
	cancel()
	failing.Wait()
	end()
	if got := r.progress(); strings.Contains(got, "tried again") {
		t.Errorf("a letter whose delivery ended is said to wait: %s", got)
	}
}

func TestRehearsal_spendsTheReserve(t *testing.T) {
	cfg := oneDesk(t, "http://127.0.0.1:1", "max_attempts: 1")
	r, err := newRehearsal(t.Context(), cfg, []string{"crm"}, wiring.Options{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	if own, window := r.ways["crm"].Budget.Own(); own != 100_000 || window != time.Minute {
		t.Errorf("its own are %v calls in %v, want a tenth of the limit of 1,000,000 a minute", own, window)
	}
	cfg.Destinations[0].Delivery.RateLimit.Reserve = 0
	if _, err := newRehearsal(t.Context(), cfg, []string{"crm"}, wiring.Options{}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "reserve is 0") {
		t.Errorf("a reserve of 0 gives %v", err)
	}
}

func TestLookupClock_saysHowManyAreLeftHowLongTheyTakeAndWhatIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := budget.NewReserve(budget.Rate{Requests: 120, Per: time.Minute, Reserve: 0.1})
		answers := sink.NewAnswers(time.Hour)
		c := newLookupClock(40)
		c.ways = map[string]way{"inbox": {Pipeline: wiring.Pipeline{Budget: budget, Answers: answers}}}
		for i := range 40 {
			c.add("inbox", []string{fmt.Sprint("url-", i/2)})
		}
		want := func(line string) {
			t.Helper()
			if got := c.progress(); got != line {
				t.Errorf("progress is %q, want %q", got, line)
			}
		}
		want("0 of 40 letters planned, 20 lookups left, about 95s")
		end := c.begin("inbox")
		want("0 of 40 letters planned, 20 lookups left, about 95s")
		if _, ok := budget.Take(); !ok {
			t.Fatal("the first call waits")
		}
		want("0 of 40 letters planned, 20 lookups left, about 95s; waiting for the rate budget of inbox, 5s to the next call")
		c.asksAgain(&sink.Outcome{Error: &sink.ErrorInfo{Class: sink.Exhausted, Code: "http_503", Message: "no"}})
		want("0 of 40 letters planned, 20 lookups left, about 95s; inbox did not answer and is asked again (exhausted http_503: no)")
		end()
		for i := range 24 { // twelve addresses, a second each
			end := c.begin("inbox")
			if i%2 == 0 {
				time.Sleep(time.Second)
				c.count("inbox")(sink.Attempt{Op: "GET", Status: 200, Took: time.Second})
			}
			end()
			c.planned("inbox", []string{fmt.Sprint("url-", i/2)})
		}
		want("24 of 40 letters planned, 8 lookups left, about 8s")
	})
}
