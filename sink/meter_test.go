package sink_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// The ways in which a desk counts its calls.
const (
	fixed    = "fixed"     // windows that follow the clock
	firstHit = "first hit" // windows that begin with the first call after the one before
	sliding  = "sliding"   // the window that ends now
)

// meter is a desk that counts calls and refuses those above its limit. It says in each
// answer how many calls remain, and never when its window ends.
type meter struct {
	limit   int
	per     time.Duration
	way     string
	silent  bool                 // it says nothing about its limit
	latency func() time.Duration // until the answer, of which the way there is a third
	stuck   func() time.Duration // of the answer, besides
	// says, if set, is what an answer says of a limit of which some calls remain.
	says func(limit, remaining int) (int, int)

	mu      sync.Mutex
	began   time.Time   // of the window
	counted []time.Time // calls in it
	all     []time.Time
	refused int
}

func newMeter(limit int, way string) *meter {
	return &meter{limit: limit, per: time.Minute, way: way, latency: func() time.Duration {
		return time.Duration(20+rand.IntN(400)) * time.Millisecond
	}}
}

// take counts a call, and gives what remains then.
func (m *meter) take() (remaining int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	switch m.way {
	case fixed:
		m.reset(now.Truncate(m.per))
	case firstHit:
		if m.began.IsZero() || now.Sub(m.began) >= m.per {
			m.reset(now)
		}
	case sliding:
		for len(m.counted) > 0 && now.Sub(m.counted[0]) >= m.per {
			m.counted = m.counted[1:]
		}
	}
	m.all = append(m.all, now)
	if len(m.counted) >= m.limit {
		m.refused++
		return 0, false
	}
	m.counted = append(m.counted, now)
	return m.limit - len(m.counted), true
}

func (m *meter) reset(began time.Time) {
	if !began.Equal(m.began) {
		m.began, m.counted = began, nil
	}
}

func (m *meter) RoundTrip(*http.Request) (*http.Response, error) {
	wait := m.latency()
	time.Sleep(wait / 3)
	remaining, ok := m.take()
	time.Sleep(wait - wait/3)
	if m.stuck != nil {
		time.Sleep(m.stuck())
	}
	limit := m.limit
	if m.says != nil {
		limit, remaining = m.says(limit, remaining)
	}
	status, header := http.StatusOK, []string{"x-ratelimit-limit", strconv.Itoa(limit), "x-ratelimit-remaining", strconv.Itoa(remaining)}
	if !ok {
		status, header = http.StatusTooManyRequests, append(header, "Retry-After", "5")
	}
	if m.silent {
		header = nil
	}
	return answer(status, `{}`, header...)
}

// party is a process that calls a desk which others call too: an instance, or a plan.
type party struct {
	budget *budget.Budget
	dest   *sink.Destination
	meter  *meter

	mu sync.Mutex
	at []time.Time // of its calls
}

func newParty(m *meter, budget *budget.Budget) *party {
	p := &party{budget: budget, meter: m}
	c := config(exchange(func(req *http.Request) (*http.Response, error) {
		p.mu.Lock()
		p.at = append(p.at, time.Now())
		p.mu.Unlock()
		return m.RoundTrip(req)
	}))
	c.MaxInFlight = 64
	p.dest = sink.NewDestination(c, budget, slog.New(slog.DiscardHandler))
	return p
}

// call makes one lookup of the desk.
func (p *party) call(ctx context.Context, lane string) {
	_, _ = deliver(context.WithoutCancel(ctx), p.dest, calling(find), lane, sink.Stop{Soft: ctx, Hard: ctx})
}

// offer makes so many calls a minute as perMinute says, as far as the budget lets them
// through. At most 64 wait.
func (p *party) offer(ctx context.Context, perMinute func() int, group *sync.WaitGroup) {
	group.Go(func() {
		places := make(chan struct{}, 64)
		for n := 0; ctx.Err() == nil; n++ {
			time.Sleep(time.Minute / time.Duration(max(1, perMinute())))
			select {
			case places <- struct{}{}:
				group.Go(func() {
					p.call(ctx, strconv.Itoa(n))
					<-places
				})
			default:
			}
		}
	})
}

// oneByOne makes one call after the other until ctx ends, as a plan does.
func (p *party) oneByOne(ctx context.Context, group *sync.WaitGroup) {
	group.Go(func() {
		for ctx.Err() == nil {
			p.call(ctx, "")
		}
	})
}

// inMinutes counts the calls in each minute of the clock, from the one of began.
func (p *party) inMinutes(began time.Time, minutes int) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := make([]int, minutes)
	for _, at := range p.at {
		if i := int(at.Truncate(time.Minute).Sub(began.Truncate(time.Minute)) / time.Minute); i >= 0 && i < minutes {
			counts[i]++
		}
	}
	return counts
}

// steadily is a load that does not change.
func steadily(perMinute int) func() int { return func() int { return perMinute } }

// trengo is the rate of most of these tests.
var trengo = budget.Rate{Requests: 120, Per: time.Minute, Reserve: 0.1}

// instanceOf is a party with so many of 12 partitions.
func instanceOf(m *meter, r budget.Rate, ours int) *party {
	p := newParty(m, budget.New(r))
	p.budget.Divide("desk", ours, 12)
	return p
}

// minutesOf runs all until the given number of minutes is over.
func minutesOf(t *testing.T, minutes int, start func(ctx context.Context, group *sync.WaitGroup)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(minutes)*time.Minute)
	defer cancel()
	var group sync.WaitGroup
	start(ctx, &group)
	<-ctx.Done()
	group.Wait()
}

// average is the mean of the windows but for the first ones, in which it is found out when
// they begin, and the last.
func average(counts []int) float64 {
	sum := 0
	counts = counts[7 : len(counts)-1]
	for _, n := range counts {
		sum += n
	}
	return float64(sum) / float64(len(counts))
}

// most is the largest number of moments in a window of a minute, its end left out.
func most(at []time.Time) int {
	most, first := 0, 0
	for i := range at {
		for at[i].Sub(at[first]) >= time.Minute {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func rateHeader(limit, remaining int, reset time.Time) http.Header {
	h := http.Header{}
	h.Set("x-ratelimit-limit", strconv.Itoa(limit))
	h.Set("x-ratelimit-remaining", strconv.Itoa(remaining))
	if !reset.IsZero() {
		h.Set("x-ratelimit-reset", strconv.FormatInt(reset.Unix(), 10))
	}
	return h
}

// spend lets three callers spend from b for d, and gives the moments in order.
func spend(b *budget.Budget, d time.Duration) []time.Time {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var mu sync.Mutex
	var at []time.Time
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for _, err := b.Wait(ctx, 0); err == nil; _, err = b.Wait(ctx, 0) {
				mu.Lock()
				at = append(at, time.Now())
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return at
}
