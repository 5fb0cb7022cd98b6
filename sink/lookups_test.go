package sink_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/sink"
)

// directory is a desk that is asked for people, and counts by whom.
type directory struct {
	status  int
	body    string
	latency time.Duration

	mu    sync.Mutex
	asked []string // queries, in order
}

func (d *directory) RoundTrip(req *http.Request) (*http.Response, error) {
	d.mu.Lock()
	d.asked = append(d.asked, req.Method+" "+req.URL.RawQuery)
	d.mu.Unlock()
	time.Sleep(d.latency)
	return answer(d.status, d.body)
}

func (d *directory) took() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := d.asked
	d.asked = nil
	return asked
}

// lookup is a search for a name, which 404 answers too.
func lookup(name string) sink.Call {
	call := find
	call.Query, call.Answers = "name="+name, []int{http.StatusNotFound}
	return call
}

// rehearse plans an event with these calls.
func rehearse(t *testing.T, d *sink.Destination, answers *sink.Answers, calls ...sink.Call) (*sink.Session, sink.Outcome) {
	t.Helper()
	s := d.PlanSession(t.Context(), sink.PlanWithLookup, answers)
	o, err := calling(calls...).Deliver(t.Context(), s, []byte(track))
	if err != nil {
		t.Fatal(err)
	}
	return s, o
}

func TestAnswers_eachLookupIsMadeOnce(t *testing.T) {
	for name, desk := range map[string]*directory{
		"it is there":     {status: 200, body: `{"id":7}`},
		"it is not there": {status: 404, body: `{"message":"none"}`},
	} {
		t.Run(name, func(t *testing.T) {
			d, answers := destination(t, config(desk)), sink.NewAnswers(time.Hour)
			for _, name := range []string{"a", "b", "a", "a", "b"} {
				s, o := rehearse(t, d, answers, lookup(name), ticket)
				if len(o.Calls) != 2 || !o.Calls[0].Lookup || !strings.HasSuffix(o.Calls[0].URL, "name="+name) || o.Calls[0].Status != nil {
					t.Errorf("the plan's calls are %+v", o.Calls)
				}
				if diff := cmp.Diff([]string{"http://desk.example/things?name=" + name}, s.Asked()); diff != "" {
					t.Errorf("asked (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff([]string{"GET name=a", "GET name=b"}, desk.took()); diff != "" {
				t.Errorf("lookups (-want +got):\n%s", diff)
			}
			if !answers.Has("http://desk.example/things?name=a") || answers.Has("http://desk.example/things?name=c") {
				t.Error("Has says something else than what was asked")
			}
		})
	}
}

func TestAnswers_whatFailedIsAskedAgain(t *testing.T) {
	desk := &directory{status: 503}
	d, answers := destination(t, config(desk)), sink.NewAnswers(time.Hour)
	for range 2 {
		if _, o := rehearse(t, d, answers, lookup("a")); died(o) != "lookup exhausted http_503" {
			t.Errorf("the plan says %q", died(o))
		}
	}
	if n := len(desk.took()); n != 2 {
		t.Errorf("%d lookups, want 2", n)
	}
}

func TestAnswers_lastForTheirLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &directory{status: 200, body: `{}`}
		d, answers := destination(t, config(desk)), sink.NewAnswers(10*time.Minute)
		rehearse(t, d, answers, lookup("a"))
		time.Sleep(10*time.Minute - time.Second)
		rehearse(t, d, answers, lookup("a"))
		if n := len(desk.took()); n != 1 {
			t.Errorf("%d lookups within the lifetime, want 1", n)
		}
		time.Sleep(time.Second)
		rehearse(t, d, answers, lookup("a"))
		if n := len(desk.took()); n != 1 {
			t.Errorf("%d lookups after the lifetime, want 1", n)
		}
	})
}

// Those who need the same answer wait for the one who asks; when that fails they ask
// themselves.
func TestAnswers_areSharedWhileTheyAreAskedFor(t *testing.T) {
	for status, want := range map[int]int{200: 1, 503: 5} {
		bubble(t, strconv.Itoa(status), func(t *testing.T) {
			desk := &directory{status: status, body: `{}`, latency: time.Second}
			d, answers := destination(t, config(desk)), sink.NewAnswers(time.Hour)
			var group sync.WaitGroup
			for range 5 {
				group.Go(func() { rehearse(t, d, answers, lookup("a")) })
			}
			group.Wait()
			if n := len(desk.took()); n != want {
				t.Errorf("%d lookups, want %d", n, want)
			}
		})
	}
}

func TestAnswers_aStopEndsTheWaitForSomebodyElses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &directory{status: 200, body: `{}`, latency: time.Minute}
		d, answers := destination(t, config(desk)), sink.NewAnswers(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { rehearse(t, d, answers, lookup("a")) })
		synctest.Wait()
		group.Go(func() {
			s := d.PlanSession(ctx, sink.PlanWithLookup, answers)
			if _, err := calling(lookup("a")).Deliver(ctx, s, []byte(track)); !errors.Is(err, sink.ErrInterrupted) {
				t.Errorf("error = %v, want interrupted", err)
			}
		})
		synctest.Wait()
		began := time.Now()
		cancel()
		synctest.Wait()
		if time.Since(began) > 0 {
			t.Error("the stop was waited for")
		}
		group.Wait()
	})
}

func TestAnswers_areBoundedInBytes(t *testing.T) {
	desk := &directory{status: 200, body: `"` + strings.Repeat("x", 1<<20-10) + `"`}
	d, answers := destination(t, config(desk)), sink.NewAnswers(time.Hour)
	for i := range 70 {
		rehearse(t, d, answers, lookup(strconv.Itoa(i)))
	}
	kept := 0
	for i := range 70 {
		if answers.Has("http://desk.example/things?name=" + strconv.Itoa(i)) {
			kept++
		}
	}
	if kept < 60 || kept > 64 || !answers.Has("http://desk.example/things?name=69") {
		t.Errorf("%d answers of a MiB are kept, want the newest, 64 MiB at most", kept)
	}
}

// A panic in one event's lookup does not leave the others waiting for its answer.
func TestAnswers_aPanicIsNobodysAnswer(t *testing.T) {
	var calls atomic.Int32
	d := destination(t, config(exchange(func(*http.Request) (*http.Response, error) {
		if calls.Add(1) == 1 {
			panic("no")
		}
		return answer(200, `{}`)
	})))
	answers := sink.NewAnswers(time.Hour)
	if _, o := rehearse(t, d, answers, lookup("a")); died(o) == "" {
		t.Fatal("the panic was nobody's fault")
	}
	if _, o := rehearse(t, d, answers, lookup("a")); died(o) != "" || calls.Load() != 2 {
		t.Errorf("the next one says %q after %d lookups", died(o), calls.Load())
	}
}

// An event that is delivered right after it was planned is looked up once, and its outcome
// shows the lookup.
func TestReuse_sparesADeliveryTheLookupOfItsOwnPlan(t *testing.T) {
	for name, tt := range map[string]struct {
		wait  time.Duration
		calls []sink.Call
		want  []string
	}{
		"at once":           {0, []sink.Call{lookup("a"), ticket}, []string{"POST "}},
		"another lookup":    {0, []sink.Call{lookup("a"), lookup("b"), ticket}, []string{"GET name=b", "POST "}},
		"looked up again":   {0, []sink.Call{lookup("a"), lookup("a"), ticket}, []string{"GET name=a", "POST "}},
		"ten seconds later": {10 * time.Second, []sink.Call{lookup("a"), ticket}, []string{"GET name=a", "POST "}},
	} {
		bubble(t, name, func(t *testing.T) {
			desk := &directory{status: 200, body: `{"id":7}`, latency: 40 * time.Millisecond}
			d, answers := destination(t, config(desk)), sink.NewAnswers(time.Hour)
			planned, _ := rehearse(t, d, answers, lookup("a"), ticket)
			desk.took()
			time.Sleep(tt.wait)
			pass, err := d.Gate().Enter(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			s := d.Session(pass, forever())
			s.Reuse(planned)
			o, err := calling(tt.calls...).Deliver(t.Context(), s, []byte(track))
			if err != nil || o.Outcome != sink.Delivered || len(o.Calls) != len(tt.calls) {
				t.Fatalf("the outcome is %+v, %v", o, err)
			}
			if c := o.Calls[0]; c.Status == nil || *c.Status != 200 || c.Attempts != 1 || *c.DurationMS != 40 {
				t.Errorf("the first call is %+v", c)
			}
			if diff := cmp.Diff(tt.want, desk.took()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// What another event's plan has looked up is no evidence for this one.
func TestReuse_isOfItsOwnLookupsOnly(t *testing.T) {
	desk := &directory{status: 200, body: `{"id":7}`}
	d, answers := destination(t, config(desk)), sink.NewAnswers(time.Hour)
	rehearse(t, d, answers, lookup("a"))
	planned, _ := rehearse(t, d, answers, lookup("a"))
	desk.took()
	pass, err := d.Gate().Enter(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s := d.Session(pass, forever())
	s.Reuse(planned)
	if _, err := calling(lookup("a")).Deliver(t.Context(), s, []byte(track)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"GET name=a"}, desk.took()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestForget_hasTheNextPlanAskAgain(t *testing.T) {
	desk := &directory{status: 200, body: `{}`}
	d, answers := destination(t, config(desk)), sink.NewAnswers(time.Hour)
	rehearse(t, d, answers, lookup("b"))
	planned, _ := rehearse(t, d, answers, lookup("a"))
	planned.Forget()
	rehearse(t, d, answers, lookup("a"))
	rehearse(t, d, answers, lookup("b"))
	if diff := cmp.Diff([]string{"GET name=b", "GET name=a", "GET name=a"}, desk.took()); diff != "" {
		t.Errorf("lookups (-want +got):\n%s", diff)
	}
}
