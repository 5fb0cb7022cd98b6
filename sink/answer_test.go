package sink_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink"
)

// conflicting is a write that is answered 409 and then taken as it is told.
func conflicting(how func(context.Context, sink.Doer, sink.Call, sink.Reply) error) sink.Route {
	call := update
	call.Answers = []int{http.StatusConflict}
	return sending(func(ctx context.Context, do sink.Doer) error {
		reply, err := do.Do(ctx, call)
		if err != nil {
			return err
		}
		return how(ctx, do, call, reply)
	})
}

const taken = `{"errors":[{"detail":"somebody has it"}]}`

func TestCountFailure_waitsTheBackOffAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(script(says(409, taken)))
		c.Alone, c.Retry.MaxAttempts = true, 3
		began, rounds := time.Now(), 0
		route := conflicting(func(ctx context.Context, do sink.Doer, call sink.Call, reply sink.Reply) error {
			for {
				if err := do.CountFailure(ctx, call, reply); err != nil {
					return err
				}
				rounds++
			}
		})
		o, err := deliver(t.Context(), destination(t, c), route, "l", forever())
		if err != nil || died(o) != "request exhausted http_409" {
			t.Errorf("outcome %s, %v", died(o), err)
		}
		if took := time.Since(began); rounds != 2 || took < 1500*time.Millisecond || took > 3*time.Second {
			t.Errorf("%d rounds in %v, want 2 with the back-offs of two failures", rounds, took)
		}
	})
}

func TestCountFailure_endsWithThePatienceOfTheEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		soft, stop := context.WithCancel(t.Context())
		route := conflicting(func(ctx context.Context, do sink.Doer, call sink.Call, reply sink.Reply) error {
			stop()
			return do.CountFailure(ctx, call, reply)
		})
		_, err := deliver(t.Context(), destination(t, config(script(says(409, taken)))), route, "l", sink.Stop{Soft: soft, Hard: t.Context()})
		if !errors.Is(err, sink.ErrInterrupted) {
			t.Errorf("error %v, want ErrInterrupted", err)
		}
	})
}

func TestRejectAnswer_isTheRefusalThatTheAnswerWouldHaveBeen(t *testing.T) {
	route := conflicting(func(_ context.Context, do sink.Doer, call sink.Call, reply sink.Reply) error {
		return do.Reject(call, reply)
	})
	o := deliverValue(t, destination(t, config(script(says(409, taken)))), route, []byte(track))
	want := deliverValue(t, destination(t, config(script(says(409, taken)))), calling(update), []byte(track))
	if died(o) != died(want) || o.Error.Message != want.Error.Message || *o.Error.HTTPStatus != 409 {
		t.Errorf("error %+v, want %+v", o.Error, want.Error)
	}
}

// A plan waits for nothing, so a failure that would be counted ends its event.
func TestPlan_aCountedFailureEndsItsEvent(t *testing.T) {
	for want, how := range map[string]func(context.Context, sink.Doer, sink.Call, sink.Reply) error{
		"lookup exhausted http_409": func(ctx context.Context, do sink.Doer, call sink.Call, reply sink.Reply) error {
			return do.CountFailure(ctx, call, reply)
		},
		"lookup rejected http_409": func(_ context.Context, do sink.Doer, call sink.Call, reply sink.Reply) error {
			return do.Reject(call, reply)
		},
	} {
		call := find
		call.Answers = []int{http.StatusConflict}
		route := sending(func(ctx context.Context, do sink.Doer) error {
			reply, err := do.Do(ctx, call)
			if err != nil {
				return err
			}
			return how(ctx, do, call, reply)
		})
		d := destination(t, config(script(says(409, taken))))
		o, err := route.Deliver(t.Context(), d.PlanSession(t.Context(), sink.PlanWithLookup, nil), []byte(track))
		if err != nil || died(o) != want || o.Error.Message != "the API answered 409 Conflict: somebody has it" {
			t.Errorf("outcome %s, %+v, %v, want %s", died(o), o.Error, err, want)
		}
	}
}
