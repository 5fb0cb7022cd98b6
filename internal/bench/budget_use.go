package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What useOfTheLimit has: so many instances, windows that do not count since it is found out in them when
// windows begin, and windows that do. The other program makes agentsShare of the calls.
const (
	useInstances  = 3
	useBefore     = 8
	useWindows    = 60
	useLimit      = 120
	useReserve    = 0.1
	agentsShare   = 0.05
	useIdentifies = 20_000
)

// use is what became of the windows of one desk.
type use struct {
	made, refused int
	agents        int // of them, the other program's
}

// share is what instances used of a part of the limit.
func (u use) share(part float64) float64 {
	return float64(u.made-u.agents) / (useWindows * useLimit * part)
}

// useOfTheLimit has three instances work off a backlog, at a desk where another program has the same
// credential, and meanwhile three more at a desk where nobody else calls.
func useOfTheLimit(ctx context.Context, b *budgetBench) (budgetRow, error) {
	row := budgetRow{other: "-", reach: "0.97 of the limit less the reserve; 0.93 of the limit; none refused"}
	var beside, alone use
	var failed [2]error
	var both sync.WaitGroup
	both.Go(func() { beside, failed[0] = b.useOf(ctx, "beside", true) })
	both.Go(func() { alone, failed[1] = b.useOf(ctx, "alone", false) })
	both.Wait()
	if err := errors.Join(failed[:]...); err != nil {
		return row, err
	}
	less, all := beside.share(1-useReserve), alone.share(1)
	row.ours = fmt.Sprintf("%.3f beside another program; %.3f of the limit alone; %d and %d refused", less, all, beside.refused, alone.refused)
	row.ratio = fmt.Sprintf("%.3f and %.3f used", less, all)
	row.passed = less >= 0.97 && all >= 0.93 && beside.refused+alone.refused == 0
	return row, nil
}

func (b *budgetBench) useOf(ctx context.Context, what string, agent bool) (u use, err error) {
	name := fmt.Sprintf("budget-%d-%s", os.Getpid(), what)
	remove, err := b.topics(ctx, name)
	if err != nil {
		return u, err
	}
	defer remove()
	desk, address, err := startServer(ctx, []string{b.binary, "stub", "--listen", "127.0.0.1:0", "--limit", fmt.Sprint(useLimit), "--window", b.window.String()})
	if err != nil {
		return u, err
	}
	defer desk.stop()
	url := strings.Fields(address)[1]
	if err := b.loadIdentifies(ctx, name, useIdentifies, func(i int) int { return i }); err != nil {
		return u, err
	}
	file := filepath.Join(b.dir, name+".yaml")
	if err := os.WriteFile(file, []byte(b.head(name)+fmt.Sprintf(`  - name: inbox
    type: trengo
    trengo: {api_token: %s, channel_id: "123456", base_url: %q}
    delivery: {rate_limit: {requests: %d, per: %v, reserve: %v}}
`, benchToken, url, useLimit, b.window, useReserve)), 0o600); err != nil {
		return u, err
	}
	var first *process
	for range useInstances {
		p, err := start(ctx, []string{b.binary, "run", "-c", file, "--log-level", "error"})
		if err != nil {
			return u, err
		}
		defer p.stop()
		first = p
	}
	if err := until(ctx, first, "its group was stable", func() (bool, error) { return b.kafka.stable(ctx, name+".inbox") }); err != nil {
		return u, err
	}
	var calls atomic.Int64
	if agent {
		ctx, end := context.WithCancel(ctx)
		defer end()
		go callAtIntervals(ctx, url, time.Duration(float64(b.window)/(useLimit*agentsShare)), &calls)
	}
	return b.countUse(ctx, first, strings.TrimSuffix(url, "/trengo/api/v2"), &calls)
}

// countUse counts the calls of the windows, whose beginnings follow the clock at the stub.
func (b *budgetBench) countUse(ctx context.Context, p *process, stub string, agents *atomic.Int64) (u use, err error) {
	count := func(at time.Time) (made, refused, others int, err error) {
		if err := until(ctx, p, "the windows were over", func() (bool, error) { return !time.Now().Before(at), nil }); err != nil {
			return 0, 0, 0, err
		}
		made, refused, err = callsOf(ctx, stub)
		return made, refused, int(agents.Load()), err
	}
	began := time.Now().Truncate(b.window).Add(useBefore * b.window)
	made, refused, others, err := count(began)
	if err != nil {
		return u, err
	}
	u.made, u.refused, u.agents, err = count(began.Add(useWindows * b.window))
	u.made, u.refused, u.agents = u.made-made, u.refused-refused, u.agents-others
	return u, err
}

// callAtIntervals makes calls as another program with the same credential, and counts them.
func callAtIntervals(ctx context.Context, url string, every time.Duration, calls *atomic.Int64) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/contacts?page=1", nil)
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+benchToken)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			calls.Add(1)
		}
	}
}

// benchToken is the credential of the stub's desks.
const benchToken = "0123456789abcdef"

// head is a configuration up to its destinations.
func (b *budgetBench) head(name string) string {
	return fmt.Sprintf(`kafka: {brokers: [%s]}
source: {topics: [%s], group: %s}
responses: {topic: %s.responses}
dead_letters: {topic: %s.letters}
limits: {records: 200000, bytes: 256MiB}
http: {listen: "", admin: "127.0.0.1:0"}
destinations:
`, quoted(b.brokers), name, name, name, name)
}

// loadIdentifies writes n identifies, each with another name.
func (b *budgetBench) loadIdentifies(ctx context.Context, topic string, n int, userOf func(i int) int) error {
	records := make([]*kgo.Record, n)
	for i := range records {
		user := userOf(i)
		records[i] = &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "user-%d", user), Value: fmt.Appendf(nil,
			`{"type":"identify","userId":"user-%d","messageId":"i-%d","traits":{"email":"user-%d@example.com","name":"Name %d"}}`, user, i, user, i)}
	}
	if err := b.kafka.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("loading identifies: %w", err)
	}
	return nil
}
