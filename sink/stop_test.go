package sink_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink"
)

// stops is a Stop in two steps, and a context that ends last.
type stops struct {
	ctx              context.Context
	stop             sink.Stop
	soft, hard, last context.CancelFunc
}

func newStops() stops {
	var s stops
	s.ctx, s.last = context.WithCancel(context.Background())
	s.stop.Hard, s.hard = context.WithCancel(s.ctx)
	s.stop.Soft, s.soft = context.WithCancel(s.stop.Hard)
	return s
}

func TestSession_stop(t *testing.T) {
	const hang = time.Minute
	slow := func(code int) scripted {
		return func() (*http.Response, error) { time.Sleep(hang / 2); return answer(code, `{"message":"m"}`) }
	}
	tests := map[string]struct {
		answers exchange
		calls   []sink.Call
		when    func(s stops)
		took    time.Duration // until the event is left or done
		done    bool
	}{
		"soft in a back-off before a write":         {script(status(503, "Retry-After", "60")), []sink.Call{find}, func(s stops) { s.soft() }, 0, false},
		"soft in a back-off after a refused write":  {script(status(429, "Retry-After", "60")), []sink.Call{update}, func(s stops) { s.soft() }, 0, false},
		"soft in a limit of the write's own object": {script(status(429, "Retry-After", "60", "x-ratelimit-remaining", "5")), []sink.Call{update}, func(s stops) { s.soft() }, 0, false},
		"soft in a back-off after a lost write":     {script(lost, status(200)), []sink.Call{update}, func(s stops) { s.soft() }, time.Second, true},
		"soft in a lookup":                          {script(slow(200)), []sink.Call{find}, func(s stops) { s.soft() }, 0, false},
		"soft in a lookup after a write":            {script(status(200), slow(200)), []sink.Call{update, find}, func(s stops) { s.soft() }, hang / 2, true},
		"soft in a write":                           {script(slow(200)), []sink.Call{update}, func(s stops) { s.soft() }, hang / 2, true},
		"soft in the first of two writes":           {script(slow(200)), []sink.Call{update, update}, func(s stops) { s.soft() }, hang, true},
		"soft in a write that is refused then":      {script(slow(401)), []sink.Call{update}, func(s stops) { s.soft() }, hang / 2, false},
		"hard in a write":                           {script(slow(200)), []sink.Call{update}, func(s stops) { s.soft(); s.hard() }, hang / 2, true},
		"hard in the first of two writes":           {script(slow(200)), []sink.Call{update, update}, func(s stops) { s.soft(); s.hard() }, hang / 2, false},
		"hard in a write that is judged then":       {script(slow(422)), []sink.Call{update}, func(s stops) { s.soft(); s.hard() }, hang / 2, true},
		"hard in a back-off after a lost write":     {script(lost), []sink.Call{update}, func(s stops) { s.soft(); s.hard() }, 0, false},
		"hard in a lookup after a write":            {script(status(200), slow(200)), []sink.Call{update, find}, func(s stops) { s.soft(); s.hard() }, 0, false},
		"the end in a back-off":                     {script(lost), []sink.Call{update}, func(s stops) { s.last() }, 0, false},
		"the end in a hold":                         {script(status(401, "Retry-After", "60")), []sink.Call{update}, func(s stops) { s.last() }, 0, false},
	}
	for name, tt := range tests {
		bubble(t, name, func(t *testing.T) {
			c := config(abortable(tt.answers))
			c.Timeout = time.Hour
			d := destination(t, c)
			s := newStops()
			defer s.soft()
			defer s.hard()
			defer s.last()
			var at time.Time
			var group sync.WaitGroup
			var o sink.Outcome
			var err error
			group.Go(func() { o, err = deliver(s.ctx, d, calling(tt.calls...), "l", s.stop); at = time.Now() })
			synctest.Wait()
			began := time.Now()
			tt.when(s)
			group.Wait()
			if tt.done && (err != nil || o.Outcome == "") || !tt.done && !errors.Is(err, sink.ErrInterrupted) {
				t.Errorf("outcome = %q %s, %v; want one: %v", o.Outcome, died(o), err, tt.done)
			}
			if took := at.Sub(began); took > tt.took || took < tt.took/2 {
				t.Errorf("took %v, want %v", took, tt.took)
			}
			if d.Gate().InUse() != 0 {
				t.Error("the place was not given back")
			}
			time.Sleep(hang) // for exchanges that nobody waits for any more
		})
	}
}

// abortable ends an exchange with its request's context, as a transport does.
func abortable(e exchange) exchange {
	return func(req *http.Request) (*http.Response, error) {
		type result struct {
			resp *http.Response
			err  error
		}
		ch := make(chan result, 1)
		go func() {
			resp, err := e(req) //nolint:bodyclose // whoever sent the request closes it
			ch <- result{resp, err}
		}()
		select {
		case r := <-ch:
			return r.resp, r.err
		case <-req.Context().Done():
			return nil, context.Cause(req.Context())
		}
	}
}

// The end of Deliver's context ends a write too, and that is no failure.
func TestSession_endInAWriteIsAnInterruption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(abortable(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, context.Cause(req.Context())
		}))
		c.Unknown = sink.UnknownDies
		c.OnCall = func(sink.Attempt) { t.Error("an interruption was counted as an attempt") }
		s := newStops()
		defer s.soft()
		defer s.hard()
		time.AfterFunc(time.Second, s.last)
		if _, err := deliver(s.ctx, destination(t, c), calling(ticket), "l", s.stop); !errors.Is(err, sink.ErrInterrupted) {
			t.Errorf("error = %v, want interrupted", err)
		}
	})
}

func TestSession_followerOfALookupLeavesAtAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := destination(t, config(script(status(200))))
		ids := sink.NewIDs(10, time.Minute)
		release := make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() {
			_, _, _ = ids.Find(context.Background(), alone, "x", func(context.Context) (string, error) { <-release; return "7", nil })
		})
		synctest.Wait()
		s := newStops()
		defer s.hard()
		defer s.last()
		group.Go(func() {
			_, err := deliver(s.ctx, d, sending(func(ctx context.Context, do sink.Doer) error {
				_, _, err := ids.Find(ctx, do, "x", func(context.Context) (string, error) { return "8", nil })
				return err
			}), "l", s.stop)
			if !errors.Is(err, sink.ErrInterrupted) {
				t.Errorf("error = %v, want interrupted", err)
			}
			close(release) // only now may the leader go on
		})
		synctest.Wait()
		s.soft()
		group.Wait()
	})
}

// A call begins when Await lets it, after a wait as without one, and a stop ends the wait.
func TestSession_awaitIsAskedBeforeEachCall(t *testing.T) {
	for name, stopped := range map[string]bool{"until it may": false, "until a stop": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStops()
				defer s.soft()
				defer s.hard()
				defer s.last()
				began, called, mayCall := time.Now(), time.Duration(0), make(chan struct{})
				s.stop.Await = func(ctx context.Context) error {
					select {
					case <-mayCall:
						return nil
					default:
					}
					select {
					case <-mayCall:
						return nil
					case <-ctx.Done():
						return context.Cause(ctx)
					}
				}
				c := config(script(func() (*http.Response, error) { called = time.Since(began); return answer(201, "{}") }))
				time.AfterFunc(time.Minute, func() {
					if stopped {
						s.soft()
					} else {
						close(mayCall)
					}
				})
				_, err := deliver(s.ctx, destination(t, c), calling(ticket), "l", s.stop)
				if stopped && (!errors.Is(err, sink.ErrInterrupted) || called != 0 || time.Since(began) != time.Minute) {
					t.Errorf("left after %v with %v, called after %v; want no call, and left at the stop", time.Since(began), err, called)
				}
				if !stopped && (err != nil || called != time.Minute) {
					t.Errorf("called after %v, %v; want after a minute", called, err)
				}
			})
		})
	}
}
