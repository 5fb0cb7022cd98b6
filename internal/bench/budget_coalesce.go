package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// What fewerCalls has: identifies of a twentieth as many users, by Zipf's law with exponent 1, at desks
// that know none of them. The rate is as many times the vendors' as makes it end in a minute or so.
const (
	usersShare = 20
	coalesceAt = 400 // calls in coalescePer
)

const coalescePer = 2 * time.Second

// zipf draws users: the second one half as often as the first, the third a third.
func zipf(users int) func(i int) int {
	rng := rand.New(rand.NewPCG(1, 25))
	upTo, sum := make([]float64, users), 0.0
	for i := range upTo {
		sum += 1 / float64(i+1)
		upTo[i] = sum
	}
	return func(int) int { return sort.SearchFloat64s(upTo, rng.Float64()*sum) }
}

// coalesced keeps the run that two cases are about.
var coalesced struct {
	calls    map[string]int // by desk
	lookups  map[string]int // of them
	identify int
}

// runCoalesced delivers the identifies to both desks, with coalescing.
func (b *budgetBench) runCoalesced(ctx context.Context) error {
	if coalesced.identify > 0 {
		return nil
	}
	name := fmt.Sprintf("budget-%d-coalesce", os.Getpid())
	remove, err := b.topics(ctx, name)
	if err != nil {
		return err
	}
	defer remove()
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	metrics, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	stub := "http://" + address
	if err := b.loadIdentifies(ctx, name, b.backlog, zipf(b.backlog/usersShare)); err != nil {
		return err
	}
	file := filepath.Join(b.dir, name+".yaml")
	delivery := fmt.Sprintf("{coalesce: true, rate_limit: {requests: %d, per: %v}}", coalesceAt, coalescePer)
	if err := os.WriteFile(file, []byte(strings.Replace(b.head(name), `listen: ""`, fmt.Sprintf("listen: %q", metrics), 1)+fmt.Sprintf(`  - name: inbox
    type: trengo
    trengo: {api_token: %s, channel_id: "123456", base_url: "%s/trengo/api/v2"}
    delivery: %s
  - name: crm
    type: kustomer
    kustomer: {api_key: %s, base_url: "%s/kustomer"}
    delivery: %s
`, benchToken, stub, delivery, benchToken, stub, delivery)), 0o600); err != nil {
		return err
	}
	p, err := start(ctx, []string{b.binary, "run", "-c", file, "--log-level", "error"})
	if err != nil {
		return err
	}
	defer p.stop()
	// The rate is many times the vendors', so the desks are away until the backlog is read: at theirs
	// next to nothing is called meanwhile.
	if err := until(ctx, p, "the backlog was read", func() (bool, error) {
		open, err := metricOf(ctx, "http://"+metrics+"/metrics", "deskstream_open_records")
		return int(open) >= 2*b.backlog, err
	}); err != nil {
		return err
	}
	desk, _, err := startServer(ctx, []string{b.binary, "stub", "--listen", address, "--limit", fmt.Sprint(coalesceAt), "--window", coalescePer.String()})
	if err != nil {
		return err
	}
	defer desk.stop()
	if err := until(ctx, p, "all was delivered", func() (bool, error) {
		time.Sleep(500 * time.Millisecond)
		ends, err := b.kafka.admin.ListEndOffsets(ctx, name+".responses")
		outcomes := int64(0)
		ends.Each(func(o kadm.ListedOffset) { outcomes += o.Offset })
		return outcomes >= int64(2*b.backlog), err
	}); err != nil {
		return err
	}
	coalesced.calls, coalesced.lookups, err = callsByDesk(ctx, stub)
	coalesced.identify = b.backlog
	return err
}

// fewerCalls compares with one write for each identify and the same lookups, which are made once for each
// user: that is what is called without coalescing.
func fewerCalls(ctx context.Context, b *budgetBench) (budgetRow, error) {
	row := budgetRow{other: "a write each, and the lookups", reach: "0.15 at most"}
	if err := b.runCoalesced(ctx); err != nil {
		return row, err
	}
	trengo, kustomer := ofTheCalls("trengo"), ofTheCalls("kustomer")
	row.ours = fmt.Sprintf("%d and %d calls", coalesced.calls["trengo"], coalesced.calls["kustomer"])
	row.ratio = fmt.Sprintf("%.3f of the calls at Trengo, %.3f at Kustomer", trengo, kustomer)
	row.passed = max(trengo, kustomer) <= 0.15
	return row, nil
}

func ofTheCalls(desk string) float64 {
	return float64(coalesced.calls[desk]) / float64(coalesced.identify+coalesced.lookups[desk])
}

// rudderStacksWay compares with what RudderStack's destinations call for the same events: at Trengo they
// look for the contact and write it. At Kustomer they look by address, then by id, and write; a customer
// that is known by its address takes two calls.
func rudderStacksWay(ctx context.Context, b *budgetBench) (budgetRow, error) {
	row := budgetRow{reach: "10 times fewer"}
	if err := b.runCoalesced(ctx); err != nil {
		return row, err
	}
	trengo, kustomer := 2*coalesced.identify, 0
	userOf, known := zipf(b.backlog/usersShare), make(map[int]bool)
	for i := range coalesced.identify {
		if user := userOf(i); known[user] {
			kustomer += 2
		} else {
			known[user] = true
			kustomer += 3
		}
	}
	fewer := func(theirs int, desk string) float64 { return float64(theirs) / float64(max(coalesced.calls[desk], 1)) }
	row.other = fmt.Sprintf("counted: %d and %d calls", trengo, kustomer)
	row.ours = fmt.Sprintf("%d and %d", coalesced.calls["trengo"], coalesced.calls["kustomer"])
	row.ratio = fmt.Sprintf("%.1f times fewer at Trengo, %.1f at Kustomer", fewer(trengo, "trengo"), fewer(kustomer, "kustomer"))
	row.passed = min(fewer(trengo, "trengo"), fewer(kustomer, "kustomer")) >= 10
	return row, nil
}

// callsByDesk is how many calls each desk of a stub got, and how many of them are lookups.
func callsByDesk(ctx context.Context, stub string) (calls, lookups map[string]int, err error) {
	var stats struct {
		Calls map[string]map[string]map[string]int `json:"calls"`
	}
	err = get(ctx, stub+"/_stub/stats", func(r io.Reader) error { return json.NewDecoder(r).Decode(&stats) })
	calls, lookups = make(map[string]int), make(map[string]int)
	for desk, ops := range stats.Calls {
		for op, statuses := range ops {
			for _, n := range statuses {
				calls[desk] += n
				if strings.HasPrefix(op, "GET ") {
					lookups[desk] += n
				}
			}
		}
	}
	return calls, lookups, err
}

// memoryWithoutPriorities compares the most memory that the builds take when nothing has a priority and
// the desk is fast, in turn.
func memoryWithoutPriorities(ctx context.Context, b *budgetBench) (budgetRow, error) {
	row := budgetRow{other: "-", reach: "1.1 at most", ratio: "-", passed: true}
	bench := &bench{self: b.self, kafka: b.kafka, dir: b.dir, sources: make(map[Spread]string)}
	events := newDataset(Uniform, b.backlog)
	least := make(map[string]int64)
	for range 2 {
		for _, p := range []program{deskstream("this build", b.binary), deskstream("other build", b.other)} {
			if p.name == "other build" && b.other == "" {
				continue
			}
			r, err := bench.flood(ctx, p, Case{InFlight: 64, Spread: Uniform}, events)
			if err != nil {
				return row, fmt.Errorf("%s: %w", p.name, err)
			}
			if was := least[p.name]; was == 0 || r.Peak < was {
				least[p.name] = r.Peak
			}
		}
	}
	row.ours = fmt.Sprintf("%.0f MiB", float64(least["this build"])/(1<<20))
	if b.other == "" {
		return row, nil
	}
	ratio := float64(least["this build"]) / float64(least["other build"])
	row.other = fmt.Sprintf("%.0f MiB", float64(least["other build"])/(1<<20))
	row.ratio, row.passed = fmt.Sprintf("%.2f of the memory", ratio), ratio <= 1.1
	return row, nil
}
