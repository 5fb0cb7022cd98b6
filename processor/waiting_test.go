//go:build synctests

package processor_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// why is what the lane of a user waits for, and how many events are behind the first.
func why(in *instance, user string) string {
	lanes, _ := in.WaitingLanes(100)
	for _, l := range lanes {
		if l.Lane == user {
			return fmt.Sprint(l.Why, l.Hold, l.Code, " ", l.Behind)
		}
	}
	return "nothing"
}

func TestWaitingLanes_sayWhyTheyWait(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(s seen) (int, time.Duration)
		change func(*processor.Config, *sink.Config)
		ack    bool // the responses topic takes nothing
		want   map[string]string
	}{
		"a lane that fails": {
			answer: func(s seen) (int, time.Duration) {
				if s.User == "slow" {
					return 503, 0
				}
				return 201, 0
			},
			change: func(_ *processor.Config, c *sink.Config) { c.Retry.Initial = time.Minute },
			want:   map[string]string{"slow": "back_offhttp_503 4", "other": "nothing"},
		},
		"a call that takes long, and one without a place": {
			answer: func(s seen) (int, time.Duration) { return 201, time.Hour },
			change: func(_ *processor.Config, c *sink.Config) { c.MaxInFlight, c.Timeout = 1, 2*time.Hour },
			want:   map[string]string{"slow": "call 4", "other": "place 4"},
		},
		"a hold": {
			answer: func(s seen) (int, time.Duration) { return 401, 0 },
			change: func(_ *processor.Config, c *sink.Config) { c.MaxInFlight, c.Retry.Initial = 1, time.Minute },
			want:   map[string]string{"slow": "holdhttp_401http_401 4", "other": "holdhttp_401 4"},
		},
		"a budget": {
			answer: func(s seen) (int, time.Duration) { return 201, 0 },
			change: func(_ *processor.Config, c *sink.Config) { c.Rate = budget.Rate{Requests: 1, Per: 24 * time.Hour} },
			want:   map[string]string{"slow": "budget 3", "other": "budget 4"},
		},
		"an outcome that is not acknowledged": {
			answer: func(s seen) (int, time.Duration) { return 201, 0 }, ack: true,
			change: func(*processor.Config, *sink.Config) {},
			want:   map[string]string{"slow": "acknowledgement 4", "other": "acknowledgement 4"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.desk.answers(tt.answer)
				if tt.ack {
					defer w.kafka.HoldProduce(t, responses)()
				}
				in := w.start(tt.change)
				w.sendUser(0, "slow", 1, 5)
				time.Sleep(time.Second)
				w.sendUser(1, "other", 1, 5)
				time.Sleep(10 * time.Second)
				for user, want := range tt.want {
					if got := why(in, user); got != want {
						t.Errorf("%s waits for %q, want %q", user, got, want)
					}
				}
			})
		})
	}
}

func TestWaitingLanes_areThoseThatWaitLongest(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.desk.answers(func(s seen) (int, time.Duration) {
			if s.ID == "u3-1" {
				return 201, 45 * time.Second // so the next of u3 is the first from the 75th second on
			}
			return 503, 0
		})
		in := w.start(func(_ *processor.Config, c *sink.Config) { c.Retry.Initial, c.Timeout = time.Hour, time.Minute })
		began := time.Now()
		for u := range 8 {
			w.sendUser(0, fmt.Sprint("u", u), 1, 2)
			time.Sleep(10 * time.Second)
		}
		want := []struct {
			user  string
			since int // seconds
		}{{"u0", 0}, {"u1", 10}, {"u2", 20}, {"u4", 40}, {"u5", 50}, {"u6", 60}, {"u7", 70}, {"u3", 75}}
		lanes, _ := in.WaitingLanes(100)
		if len(lanes) != len(want) {
			t.Fatalf("%d lanes, want %d", len(lanes), len(want))
		}
		for i, l := range lanes {
			if since := l.Since.Sub(began).Round(time.Second); l.Lane != want[i].user || since != time.Duration(want[i].since)*time.Second || l.Topic != source {
				t.Errorf("lane %d is %+v, since %v; want %s", i, l, since, want[i].user)
			}
		}
		if l := lanes[7]; l.Behind != 0 || l.Offset != 7 {
			t.Errorf("the lane whose first event is done is %+v", l)
		}
		if lanes, all := in.WaitingLanes(4); len(lanes) != 4 || all != 8 || lanes[3].Lane != "u4" {
			t.Errorf("asked for 4 of 8: %+v of %d", lanes, all)
		}
	})
}
