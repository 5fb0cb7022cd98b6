package sink_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// onceDesk is a help desk that opens tickets, shows them, and says what happened in which
// order.
type onceDesk struct {
	t       *testing.T
	mu      *sync.Mutex
	began   time.Time
	log     []string
	answers []func() (*http.Response, error) // to POSTs, in turn; then 201
	// effects are when each POST takes effect after it came in; -1 for never. Then at once.
	effects []time.Duration
	looks   []func() (*http.Response, error) // to GETs, in turn; then the tickets
	puts    []func() (*http.Response, error) // answers to PUTs, in turn; then 200
	tickets []int
	posts   int
}

func (d *onceDesk) note(format string, args ...any) {
	at := time.Since(d.began) + time.Second - 1 // a back-off has a jitter of up to a half
	d.log = append(d.log, fmt.Sprintf("%s %s", at.Truncate(time.Second), fmt.Sprintf(format, args...)))
}

func (d *onceDesk) RoundTrip(req *http.Request) (*http.Response, error) {
	return exchange(func(req *http.Request) (*http.Response, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		switch req.Method {
		case http.MethodPut:
			d.note("put")
			if len(d.puts) > 0 {
				next := d.puts[0]
				d.puts = d.puts[1:]
				return next()
			}
			return answer(200, `{}`)
		case http.MethodGet:
			if req.URL.RawQuery != "looks" {
				return answer(200, `{}`) // another event's
			}
			d.note("look")
			if len(d.looks) > 0 {
				next := d.looks[0]
				d.looks = d.looks[1:]
				return next()
			}
			return answer(200, fmt.Sprintf(`{"data":%v}`, strings.Join(strings.Fields(fmt.Sprint(d.tickets)), ",")))
		}
		d.note("post")
		n := d.posts
		d.posts++
		after := time.Duration(0)
		if n < len(d.effects) {
			after = d.effects[n]
		}
		switch {
		case after == 0:
			d.tickets = append(d.tickets, 40+n)
		case after > 0:
			time.AfterFunc(after, func() { d.opened(40 + n) })
		}
		if n < len(d.answers) {
			return d.answers[n]()
		}
		return answer(201, fmt.Sprintf(`{"id":%d}`, 40+n))
	}).RoundTrip(req)
}

// opened is a ticket that came to be after its answer.
func (d *onceDesk) opened(id int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tickets = append(d.tickets, id)
}

// memory is a Ledger that keeps what it is given.
type memory struct {
	desk  *onceDesk
	kept  []sink.Progress
	takes time.Duration
	fails error
	gone  bool
	// followed is how often what others did was asked for.
	followed int
}

func (m *memory) Record(ctx context.Context, p sink.Progress) error {
	if m.takes > 0 {
		select {
		case <-time.After(m.takes):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if m.fails != nil {
		return m.fails
	}
	next := "nothing"
	if p.Next != nil {
		next = p.Next.Step
	}
	m.desk.note("record %s after %d", next, len(p.Steps))
	m.kept, m.gone = append(m.kept, p), false
	return nil
}

func (m *memory) Holds() bool { return !m.gone }

func (m *memory) Follow(context.Context, time.Time) error {
	m.followed++
	return nil
}

// ticketEffect opens a ticket, and finds it by its being there; with "send" it cannot be found.
func ticketEffect(do sink.Doer, step string) sink.Effect {
	if step == "send" {
		return sink.Effect{Step: step, Call: ticket, Blind: true, IDs: func(sink.Reply) map[string]string { return nil }}
	}
	return sink.Effect{
		Step: step, Call: ticket,
		Prepare: func(context.Context) error { return nil },
		Mark:    func() sink.Mark { return sink.Mark{"of": step} },
		Find: func(ctx context.Context, _ sink.Mark) (sink.Sighting, error) {
			look := find
			look.Patient, look.Query = true, "looks"
			reply, err := do.Do(ctx, look)
			if err != nil {
				return sink.Sighting{}, err
			}
			if n := reply.JSON().Get("data").Len(); n > 0 {
				return sink.Sighting{IDs: map[string]string{"ticket_id": reply.JSON().Get("data").At(0).Text()}}, nil
			}
			return sink.Sighting{}, nil
		},
		IDs: func(r sink.Reply) map[string]string {
			return map[string]string{"ticket_id": r.JSON().Get("id").Text()}
		},
	}
}

// opening is a route whose events open a ticket with each of the steps.
func opening(steps ...string) sink.Route {
	return sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{}, func(ev mapping.Event) (mapping.Event, error) { return ev, nil },
		func(ctx context.Context, do sink.Doer, _ mapping.Event) (sink.Receipt, error) {
			r := sink.Receipt{IDs: map[string]string{}}
			for _, step := range steps {
				switch step {
				case "update":
					if _, err := do.Do(ctx, update); err != nil {
						return r, err
					}
				case "await":
					if err := do.Await(ctx, nil); err != nil {
						return r, err
					}
				case "set", "set finally", "find":
					if err := changes(ctx, do, step); err != nil {
						return r, err
					}
				default:
					made, err := openUntil(ctx, do, ticketEffect(do, step))
					if err != nil {
						return r, err
					}
					r.IDs["ticket_id"] = made.IDs["ticket_id"]
				}
			}
			return r, nil
		})
}

// Who reads what the help desk sends knows from the announcement what may come of a write, and that what
// it makes has no id yet.
func TestEffect_whatIsAnnouncedSaysWhatItComesBackAs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &onceDesk{t: t, mu: new(sync.Mutex), began: time.Now()}
		c := config(desk)
		c.Echo = func(_ sink.Call, reply *sink.Reply) []sink.Echo {
			return []sink.Echo{{Types: []string{"ticket.created"}, ID: reply.JSON().Get("id").Text()}}
		}
		d, onRecord := destination(t, c), &memory{desk: desk}
		s := d.Session(enter(t, d.Gate(), "l"), forever())
		s.Ledger = onRecord
		if _, err := opening("a", "b").Deliver(t.Context(), s, []byte(track)); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range onRecord.kept {
			got = append(got, fmt.Sprint(p.Next.Step, p.Next.Echoes, p.Writes))
		}
		want := []string{"a[{[ticket.created]   }] []", "b[{[ticket.created]   }] [{[ticket.created] 40  }]"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("on record (-want +got):\n%s", diff)
		}
	})
}

// openUntil opens a ticket, again if what it is for is gone.
func openUntil(ctx context.Context, do sink.Doer, e sink.Effect) (sink.Effected, error) {
	e.Call.Answers = []int{http.StatusGone}
	for {
		made, err := do.Once(ctx, e)
		if err != nil || made.State != "" || made.Reply.Planned {
			return made, err
		}
	}
}

func gone() (*http.Response, error) { return answer(410, `{"message":"m"}`) }

type onceCase struct {
	desk   onceDesk
	ledger *memory
	config func(*sink.Config)
	steps  []string
	before *sink.Progress
	stop   func(s stops) // after ten seconds
	log    []string
	// timeless leaves the times out of the log: several jitters add up.
	timeless bool
	// others has other events make the calls of looks, with success, which is evidence against
	// one whose calls fail.
	others  bool
	outcome string
	states  []sink.StepInfo
	// left is what another process would have to go on with: the steps that took effect, and
	// the write of which nobody knows.
	left string
}

func TestOnce(t *testing.T) {
	done := func(state sink.StepState, names ...string) (infos []sink.StepInfo) {
		for _, name := range names {
			infos = append(infos, sink.StepInfo{Name: name, State: state, Made: state == sink.StepDone})
		}
		return infos
	}
	announced := &sink.Progress{Claim: 3, Next: &sink.Announcement{Step: "a", Mark: sink.Mark{"of": "a"}}}
	const never = -1
	year2000 := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when bubbles begin
	tests := map[string]onceCase{
		"announced, then sent": {
			ledger: &memory{}, steps: []string{"a"},
			log: []string{"0s record a after 0", "0s post"}, outcome: "delivered 40", states: done("done", "a"),
		},
		"the result is on record before the next step": {
			ledger: &memory{}, steps: []string{"a", "b"},
			log:     []string{"0s record a after 0", "0s post", "0s record b after 1", "0s post"},
			outcome: "delivered 41", states: done("done", "a", "b"), left: "a b",
		},
		"the result is on record before another call": {
			ledger: &memory{}, steps: []string{"a", "update"},
			log:     []string{"0s record a after 0", "0s post", "0s record nothing after 1", "0s put"},
			outcome: "delivered 40", states: done("done", "a"),
		},
		"an announcement that took long is made again": {
			ledger: &memory{takes: 6 * time.Second}, steps: []string{"a"}, stop: func(s stops) { s.soft() },
			log: []string{"6s record a after 0"}, outcome: "interrupted",
		},
		"nothing is sent that is not on record": {
			ledger: &memory{fails: errors.New("no")}, steps: []string{"a"}, outcome: "interrupted",
		},
		"lost, but there": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){lost}}, steps: []string{"a"},
			log:     []string{"0s record a after 0", "0s post", "1s look"},
			outcome: "delivered 40", states: done("adopted", "a"),
		},
		"lost, and late": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){lost}, effects: []time.Duration{14 * time.Second}}, steps: []string{"a"},
			log:     []string{"0s record a after 0", "0s post", "1s look", "2s look", "4s look", "8s look", "16s look"},
			outcome: "delivered 40", states: done("adopted", "a"),
		},
		"lost, without effect": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){lost}, effects: []time.Duration{never}}, steps: []string{"a"},
			log:     []string{"0s record a after 0", "0s post", "1s look", "2s look", "4s look", "8s look", "16s look", "16s look", "16s record a after 0", "16s post"},
			outcome: "delivered 41", states: done("done", "a"),
		},
		"lost, and left to another process": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){lost}, effects: []time.Duration{never}}, steps: []string{"a"},
			stop: func(s stops) { s.soft() },
			log:  []string{"0s record a after 0", "0s post", "1s look", "2s look", "4s look", "8s look"}, outcome: "interrupted",
		},
		"too old, but begun": {
			ledger: &memory{}, desk: onceDesk{tickets: []int{39}}, steps: []string{"a"}, before: announced, config: func(c *sink.Config) { c.MaxAge = time.Second },
			log: []string{"0s look"}, outcome: "delivered 39", states: done("adopted", "a"),
		},
		"a gateway's 502": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){status(502)}}, steps: []string{"a"},
			log: []string{"0s record a after 0", "0s post", "1s look"}, outcome: "delivered 40", states: done("adopted", "a"),
		},
		"refused for good": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){status(422)}, effects: []time.Duration{never}}, steps: []string{"a"},
			log: []string{"0s record a after 0", "0s post"}, outcome: "dead rejected http_422", states: done("failed", "a"),
		},
		"refused for good, as the second step": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){status(201, ""), status(422)}}, steps: []string{"a", "b"},
			log:     []string{"0s record a after 0", "0s post", "0s record b after 1", "0s post"},
			outcome: "dead rejected http_422", states: append(done("done", "a"), done("failed", "b")...), left: "a",
		},
		"its contact is gone, which did nothing": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){gone}, effects: []time.Duration{never}}, steps: []string{"a"},
			log: []string{"0s record a after 0", "0s post", "0s record a after 0", "0s post"}, outcome: "delivered 41", states: done("done", "a"), left: "a",
		},
		"between two steps, and left to another process": {
			ledger: &memory{}, steps: []string{"a", "await"}, stop: func(s stops) { s.soft() },
			log: []string{"0s record a after 0", "0s post", "0s record nothing after 1"}, outcome: "interrupted", left: "a",
		},
		"between two steps, but not on record yet": {
			ledger: &memory{takes: 4 * time.Second}, steps: []string{"a", "b", "update"}, stop: func(s stops) { s.soft() },
			log:     []string{"4s record a after 0", "4s post", "8s record b after 1", "8s post", "12s record nothing after 2"},
			outcome: "interrupted", left: "a b",
		},
		"over quota, which did nothing": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){status(429, "Retry-After", "7")}, effects: []time.Duration{never}}, steps: []string{"a"},
			log: []string{"0s record a after 0", "0s post", "7s record a after 0", "7s post"}, outcome: "delivered 41", states: done("done", "a"),
		},
		"exhausted, but there": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){lost}}, steps: []string{"a"},
			config: func(c *sink.Config) { c.Alone, c.Retry.MaxAttempts = true, 1 },
			log:    []string{"0s record a after 0", "0s post", "0s look"}, outcome: "delivered 40", states: done("adopted", "a"),
		},
		"a look that fails ends no event": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){lost}, looks: []func() (*http.Response, error){status(500), status(500), status(500), status(500), status(500)}}, steps: []string{"a"},
			config:   func(c *sink.Config) { c.Retry.MaxAttempts = 1 },
			timeless: true, others: true,
			log: []string{"record a after 0", "post", "look", "look", "look", "look", "look", "look"}, outcome: "delivered 40", states: done("adopted", "a"),
		},
		"a look without the right to ends no event": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){lost}, looks: []func() (*http.Response, error){status(403), status(403), status(403), status(403), status(403)}}, steps: []string{"a"},
			timeless: true, others: true,
			log: []string{"record a after 0", "post", "look", "look", "look", "look", "look", "look"}, outcome: "delivered 40", states: done("adopted", "a"),
		},
		"unknown: retry": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){lost}}, steps: []string{"a"},
			config: func(c *sink.Config) { c.Unknown = sink.UnknownRetried },
			log:    []string{"0s record a after 0", "0s post", "1s post"}, outcome: "delivered 41", states: done("done", "a"),
		},
		"unknown: dead": {
			ledger: &memory{}, desk: onceDesk{answers: []func() (*http.Response, error){lost}}, steps: []string{"a"},
			config: func(c *sink.Config) { c.Unknown = sink.UnknownDies },
			log:    []string{"0s record a after 0", "0s post"}, outcome: "dead unknown connection", states: done("failed", "a"), left: "a?",
		},
		"a command takes a 500 for an answer": {
			desk: onceDesk{answers: []func() (*http.Response, error){status(500)}, effects: []time.Duration{never}}, steps: []string{"a"},
			config: func(c *sink.Config) { c.Alone = true },
			log:    []string{"0s post", "1s post"}, outcome: "delivered 41", states: done("done", "a"),
		},
		"a command looks for what is lost": {
			desk: onceDesk{answers: []func() (*http.Response, error){lost}}, steps: []string{"a"},
			config: func(c *sink.Config) { c.Alone = true },
			log:    []string{"0s post", "1s look"}, outcome: "delivered 40", states: done("adopted", "a"),
		},
		"done on record": {
			ledger: &memory{}, steps: []string{"a"},
			before:  &sink.Progress{Steps: []sink.StepRecord{{StepInfo: sink.StepInfo{Name: "a", State: "done"}, IDs: map[string]string{"ticket_id": "7"}}}},
			outcome: "delivered 7", states: []sink.StepInfo{{Name: "a", State: "done"}},
		},
		"announced by another process, and there": {
			ledger: &memory{}, desk: onceDesk{tickets: []int{39}}, steps: []string{"a"}, before: announced,
			log: []string{"0s look"}, outcome: "delivered 39", states: done("adopted", "a"),
		},
		"announced by another process, and not there": {
			ledger: &memory{}, steps: []string{"a"}, before: announced,
			log:     []string{"0s look", "1s look", "3s look", "7s look", "15s look", "16s look", "16s record a after 0", "16s post"},
			outcome: "delivered 40", states: done("done", "a"),
		},
		"announced by another process long ago, and not there": {
			ledger: &memory{}, steps: []string{"a"}, before: &sink.Progress{Next: &sink.Announcement{Step: "a", Mark: sink.Mark{"of": "a"}, At: sink.Time{Time: year2000.Add(-time.Hour)}}},
			log:     []string{"0s look", "0s record a after 0", "0s post"},
			outcome: "delivered 40", states: done("done", "a"),
		},
		"announced by another process, and left to a third": {
			ledger: &memory{}, steps: []string{"a"}, before: announced, stop: func(s stops) { s.soft() },
			log: []string{"0s look", "1s look", "3s look", "7s look"}, outcome: "interrupted",
		},
		"the record is gone": {
			ledger: &memory{gone: true}, steps: []string{"update", "b"},
			before:  &sink.Progress{Steps: []sink.StepRecord{{StepInfo: sink.StepInfo{Name: "a", State: "done"}}}},
			log:     []string{"0s record nothing after 1", "0s put", "0s record b after 1", "0s post"},
			outcome: "delivered 40", states: done("done", "b"),
		},
	}
	for name, tt := range tests {
		bubble(t, name, func(t *testing.T) { tt.run(t) })
	}
}

func (tt onceCase) run(t *testing.T) {
	desk := &tt.desk
	desk.t, desk.began, desk.mu = t, time.Now(), new(sync.Mutex)
	c := config(desk)
	c.Retry.Initial, c.Retry.Max = time.Second, time.Second
	if tt.config != nil {
		tt.config(&c)
	}
	d := destination(t, c)
	stop := newStops()
	defer stop.last()
	if tt.stop != nil {
		time.AfterFunc(10*time.Second, func() { tt.stop(stop) })
	}
	s := d.Session(enter(t, d.Gate(), "l"), stop.stop)
	if tt.ledger != nil {
		tt.ledger.desk = desk
		s.Ledger = tt.ledger
	}
	if tt.others {
		end := make(chan struct{})
		defer close(end)
		go func() {
			for {
				select {
				case <-end:
					return
				case <-time.After(100 * time.Millisecond):
					_, _ = deliver(stop.ctx, d, calling(find), "other", forever())
				}
			}
		}()
	}
	s.Inherited, s.Timestamp = tt.before, time.Now().Add(-time.Hour)
	o, err := opening(tt.steps...).Deliver(stop.ctx, s, []byte(track))
	got := string(o.Outcome) + " " + o.IDs["ticket_id"]
	switch {
	case errors.Is(err, sink.ErrInterrupted):
		got = "interrupted"
	case o.Error != nil:
		got = fmt.Sprintf("dead %s %s", o.Error.Class, o.Error.Code)
	}
	if got != tt.outcome {
		t.Errorf("outcome = %q, want %q", got, tt.outcome)
	}
	for i := range desk.log {
		if tt.timeless {
			_, desk.log[i], _ = strings.Cut(desk.log[i], " ")
		}
	}
	if diff := cmp.Diff(tt.log, desk.log); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(tt.states, o.Steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if left := leftOf(s.Progress()); tt.left != "" && left != tt.left {
		t.Errorf("left = %q, want %q", left, tt.left)
	}
	synctest.Wait()
}

// leftOf is a progress as the cases have it, "nothing" for none.
func leftOf(p *sink.Progress) string {
	if p == nil {
		return "nothing"
	}
	var names []string
	for _, step := range p.Steps {
		names = append(names, step.Name)
	}
	if p.Next != nil {
		names = append(names, p.Next.Step+"?")
	}
	return strings.Join(names, " ")
}

func TestPlanSession_goesOn(t *testing.T) {
	did := &sink.Progress{Steps: []sink.StepRecord{{StepInfo: sink.StepInfo{Name: "a", State: "done"}, IDs: map[string]string{"ticket_id": "7"}}}}
	announced := &sink.Progress{Next: &sink.Announcement{Step: "a", Mark: sink.Mark{"of": "a"}}}
	planned := func(step string) sink.StepInfo { return sink.StepInfo{Name: step, State: sink.StepPlanned} }
	both := []sink.StepInfo{planned("a"), planned("b")}
	tests := map[string]struct {
		before  *sink.Progress
		tickets []int
		plan    sink.Plan
		log     []string
		writes  int
		states  []sink.StepInfo
	}{
		"nothing before":                  {plan: sink.PlanWithLookup, writes: 2, states: both},
		"a step that was done":            {before: did, plan: sink.PlanWithLookup, writes: 1, states: []sink.StepInfo{{Name: "a", State: "done"}, planned("b")}},
		"a write that took effect":        {before: announced, tickets: []int{39}, plan: sink.PlanWithLookup, log: []string{"0s look"}, writes: 1, states: []sink.StepInfo{{Name: "a", State: "adopted"}, planned("b")}},
		"a write that did not":            {before: announced, plan: sink.PlanWithLookup, log: []string{"0s look"}, writes: 2, states: both},
		"a write that nobody may ask for": {before: announced, tickets: []int{39}, plan: sink.PlanOffline, writes: 2, states: both},
	}
	for name, tt := range tests {
		bubble(t, name, func(t *testing.T) {
			desk := &onceDesk{t: t, began: time.Now(), mu: new(sync.Mutex), tickets: tt.tickets}
			s := destination(t, config(desk)).PlanSession(t.Context(), tt.plan, nil)
			s.Inherited = tt.before
			o, err := opening("a", "b").Deliver(t.Context(), s, []byte(track))
			if err != nil || o.Outcome != sink.Planned {
				t.Fatalf("outcome = %q, %v", o.Outcome, err)
			}
			writes := 0
			for _, call := range o.Calls {
				if !call.Lookup {
					writes++
				}
			}
			if writes != tt.writes {
				t.Errorf("%d writes are planned, want %d", writes, tt.writes)
			}
			if diff := cmp.Diff(tt.log, desk.log); diff != "" {
				t.Errorf("what was asked (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.states, o.Steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

// What others did is known before each look, as of the announcement.
func TestOnce_asksWhatOthersDidBeforeEachLook(t *testing.T) {
	bubble(t, "looks", func(t *testing.T) {
		desk := &onceDesk{t: t, began: time.Now(), mu: new(sync.Mutex), answers: []func() (*http.Response, error){lost}, effects: []time.Duration{5 * time.Second}}
		d := destination(t, config(desk))
		ledger := &memory{desk: desk}
		s := d.Session(enter(t, d.Gate(), "l"), forever())
		s.Ledger = ledger
		if o, err := opening("a").Deliver(t.Context(), s, []byte(track)); err != nil || o.Outcome != sink.Delivered {
			t.Fatal(o.Outcome, err)
		}
		if looks := strings.Count(strings.Join(desk.log, "\n"), "look"); looks < 2 || ledger.followed != looks {
			t.Errorf("%d looks, and what others did was asked for %d times", looks, ledger.followed)
		}
	})
}
