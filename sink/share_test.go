package sink_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// instance is a process as its API sees it: a destination with a budget of its own.
type instance struct {
	budget *budget.Budget
	dest   *sink.Destination
}

// strict is a stub Trengo that enforces a limit per minute.
func strict(limit int, sliding bool) *stub.Server {
	return stub.New(stub.Config{Limit: limit, Window: time.Minute, Sliding: sliding}, stubtrengo.New(nil))
}

// reach calls the stub in this process, after a while that is another for each call.
func reach(s *stub.Server) exchange {
	return func(req *http.Request) (*http.Response, error) {
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
		w, req := httptest.NewRecorder(), req.Clone(req.Context())
		req.Body = cmp.Or[io.ReadCloser](req.Body, http.NoBody)
		s.ServeHTTP(w, req)
		time.Sleep(time.Duration(rand.IntN(400)) * time.Millisecond)
		return w.Result(), nil
	}
}

// newInstance has budget for what the API allows, and no partition yet.
func newInstance(s *stub.Server, limit, partitions int, reserve float64) instance {
	c := config(reach(s))
	c.BaseURL, c.MaxInFlight = "http://desk.example"+stubtrengo.Path, 64
	c.Rate = budget.Rate{Requests: limit, Per: time.Minute, Reserve: reserve}
	in := instance{budget: budget.New(c.Rate)}
	in.budget.Divide("desk", 0, partitions)
	in.dest = sink.NewDestination(c, in.budget, slog.New(slog.DiscardHandler))
	return in
}

// flood delivers events without end in 64 lanes until ctx ends.
func (in instance) flood(ctx context.Context, group *sync.WaitGroup) {
	look := find
	look.Path, look.Query = "/contacts", "page=1&term=x"
	for i := range 64 {
		group.Go(func() {
			for ctx.Err() == nil {
				_, _ = deliver(context.WithoutCancel(ctx), in.dest, calling(look), strconv.Itoa(i), sink.Stop{Soft: ctx, Hard: ctx})
			}
		})
	}
}

// used counts the calls that arrived, and those of them that were answered 429.
func used(s *stub.Server) (at []time.Time, refused int) {
	for _, c := range s.Received() {
		at = append(at, c.At)
		if c.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	return at, refused
}

// An API that enforces its limit, and instances whose every lane always has something to
// call: what the reserve leaves is used, and next to nothing is refused.
func TestShare_ofAnEnforcedLimitIsUsedUpAndNotExceeded(t *testing.T) {
	for _, tt := range []struct {
		name  string
		parts []int
		limit int
	}{
		{"one instance", []int{12}, 120},
		{"one instance", []int{12}, 1000},
		{"three", []int{4, 4, 4}, 120},
		{"12 partitions over 5", []int{3, 3, 2, 2, 2}, 120},
		{"12 partitions over 5", []int{3, 3, 2, 2, 2}, 1000},
		{"two, one of them without a partition", []int{12, 0}, 120},
	} {
		for window, sliding := range map[string]bool{"fixed": false, "sliding": true} {
			bubble(t, fmt.Sprintf("%s, %s window, %d a minute", tt.name, window, tt.limit), func(t *testing.T) {
				s := strict(tt.limit, sliding)
				time.Sleep(17 * time.Second) // the stub's windows begin at other moments
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
				defer cancel()
				var group sync.WaitGroup
				for _, ours := range tt.parts {
					in := newInstance(s, tt.limit, 12, 0.1)
					in.budget.Divide("desk", ours, 12)
					in.flood(ctx, &group)
				}
				<-ctx.Done()
				at, refused := used(s)
				group.Wait()
				usable := tt.limit * 9 / 10
				share := float64(len(at)) / float64(10*usable)
				t.Logf("%.2f%% of what the reserve leaves, %d of %d calls refused, %d of %d in the fullest minute",
					100*share, refused, len(at), most(at), usable)
				if share < 0.97 {
					t.Errorf("%.2f%% of what the reserve leaves was used in ten windows", 100*share)
				}
				if float64(refused) >= 0.001*float64(len(at)) {
					t.Errorf("%d of %d calls were answered 429", refused, len(at))
				}
			})
		}
	}
}

// Two, then three, then one instance, at any moment of a window: each gives its
// partitions up before another one has them. Nothing is reserved, so what is too much
// would be refused.
func TestShare_isNeverExceededInSumWhenInstancesComeAndGo(t *testing.T) {
	const limit = 120
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			budgets := make([]*budget.Budget, 3)
			for i := range budgets {
				budgets[i] = budget.New(budget.Rate{Requests: limit, Per: time.Minute})
				budgets[i].Divide("desk", 0, 12)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 12*time.Minute)
			defer cancel()
			began := time.Now()
			at := make([]time.Time, 0, 12*limit)
			var mu sync.Mutex
			var group sync.WaitGroup
			for _, b := range budgets {
				for range 8 {
					group.Go(func() {
						for _, err := b.Wait(ctx, 0); err == nil; _, err = b.Wait(ctx, 0) {
							mu.Lock()
							at = append(at, time.Now())
							mu.Unlock()
						}
					})
				}
			}
			have := []int{0, 0, 0}
			for _, want := range [][]int{{6, 6, 0}, {4, 4, 4}, {12, 0, 0}, {6, 6, 0}, {4, 4, 4}, {0, 0, 12}} {
				for _, grows := range []bool{false, true} {
					for i, n := range want {
						if (n > have[i]) == grows && n != have[i] {
							budgets[i].Divide("desk", n, 12)
							have[i] = n
						}
					}
				}
				time.Sleep(30*time.Second + time.Duration(rand.IntN(90_000))*time.Millisecond)
			}
			cancel()
			group.Wait()
			if n := most(at); n > limit {
				t.Errorf("a minute saw %d calls of all instances, the limit is %d", n, limit)
			}
			if n, could := len(at), limit*time.Since(began).Minutes(); float64(n) < 0.93*could {
				t.Errorf("%d calls in the whole, of %.0f", n, could)
			}
		})
	}
}

func TestShare_countsAllDestinationsOfTheCredential(t *testing.T) {
	for name, tt := range map[string]struct {
		divide func(b *budget.Budget)
		want   float64
	}{
		"nothing is divided":                       {func(*budget.Budget) {}, 1},
		"all of one":                               {func(b *budget.Budget) { b.Divide("a", 12, 12) }, 1},
		"a third of one":                           {func(b *budget.Budget) { b.Divide("a", 4, 12) }, 1. / 3},
		"one of two destinations runs elsewhere":   {func(b *budget.Budget) { b.Divide("b", 0, 12); b.Divide("a", 12, 12) }, 0.5},
		"both here, with other partitions of each": {func(b *budget.Budget) { b.Divide("b", 3, 12); b.Divide("a", 6, 12) }, 9. / 24},
		"the topic got more partitions":            {func(b *budget.Budget) { b.Divide("a", 6, 12); b.Divide("a", 6, 24) }, 0.25},
		"no partition is known yet":                {func(b *budget.Budget) { b.Divide("a", 0, 0) }, 0},
		"more than there were":                     {func(b *budget.Budget) { b.Divide("a", 13, 12) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := budget.New(budget.Rate{Requests: 120, Per: time.Minute})
			if tt.divide(b); b.Share() != tt.want {
				t.Errorf("share = %v, want %v", b.Share(), tt.want)
			}
		})
	}
}

// Without a partition no call is made, and the first one comes with a partition.
func TestShare_withoutAPartitionNoCallIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Rate{Requests: 120, Per: time.Minute})
		b.Divide("a", 0, 12)
		if at := spend(b, 24*time.Hour); len(at) > 0 {
			t.Fatalf("%d calls without a partition", len(at))
		}
		b.Divide("a", 6, 12)
		if got := len(spend(b, 10*time.Minute)); got < 97*600/100 || got > 600 {
			t.Errorf("%d calls in ten minutes of half of the limit, of 600", got)
		}
	})
}

// The limit that the API states is everybody's, and so is what remains of it.
func TestShare_isOfTheLimitThatTheAPIStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := budget.New(budget.Rate{Requests: 120, Per: time.Minute, Reserve: 0.1})
		b.Divide("a", 3, 12)
		b.Learn(budget.Grant{}, 200, rateHeader(1200, 700, time.Time{}), time.Now())
		at := spend(b, 10*time.Minute)
		if n := len(at); n < 97*2700/100 || most(at) > 270 {
			t.Errorf("%d calls in ten minutes, %d in one, of 1200 x 1/4 x 0.9", n, most(at))
		}
		b.Learn(budget.Grant{}, 200, rateHeader(1200, 0, time.Now().Add(3*time.Minute)), time.Now())
		if got := len(spend(b, 3*time.Minute-time.Second)); got > 0 {
			t.Errorf("%d calls before the reset, though others used all of it", got)
		}
	})
}
