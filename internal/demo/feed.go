package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/sample"
)

// demoAhead is how many events the generator may be ahead of the slowest destination
// when it runs as fast as it can.
const demoAhead = 20_000

// feed generates events until there are as many as asked for or stopped ends, and
// returns when Kafka has them. ctx ends when another part fails.
func (d *demo) feed(stopped, ctx context.Context) error {
	client, err := kgo.NewClient(d.kgo...)
	if err != nil {
		return fmt.Errorf("setting up the client of the generator: %w", err)
	}
	defer client.Close()
	generator, limit := sample.Shop(d.opts.Stub.Seed, d.before), sample.Pace(d.opts.Rate)
	var refused firstError
	for n := 0; d.opts.Events == 0 || n < d.opts.Events; n++ {
		if limit.Wait(stopped) != nil || d.awaitRoom(stopped, n) != nil || ctx.Err() != nil {
			break // stopped: what was generated is all there is
		}
		r := generator.Next()
		client.Produce(ctx, &kgo.Record{Topic: d.cfg.Source.Topics[0], Key: r.Key, Value: d.value(r.Value)}, refused.produced)
	}
	if err := client.Flush(ctx); err != nil {
		return nil // ctx ended: another part failed, and says why
	}
	if err := refused.get(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("producing events: %w", err)
	}
	return nil
}

// value returns a generated event as the demo's topic holds it. Events that do not fit the
// schema, as some odd ones, stay JSON: so the topic has both forms.
func (d *demo) value(event []byte) []byte {
	if d.encode == nil || event == nil {
		return event
	}
	value, err := d.encode(event)
	if err != nil {
		return event
	}
	return value
}

// awaitRoom waits while the generator is far ahead. It looks every thousand events.
func (d *demo) awaitRoom(ctx context.Context, n int) error {
	if n%1000 != 0 {
		return nil
	}
	tick := time.NewTicker(settlePoll)
	defer tick.Stop()
	for d.ahead(n) > demoAhead {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// ahead returns how many of n new events the slowest destination has not settled.
func (d *demo) ahead(n int) int {
	settled := d.before + n
	for _, p := range d.book.Progress() {
		settled = min(settled, p.Settled)
	}
	return d.before + n - settled
}

// firstError keeps the first error of many produced records.
type firstError struct {
	mu  sync.Mutex
	err error
}

func (f *firstError) produced(_ *kgo.Record, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = cmp.Or(f.err, err)
}

func (f *firstError) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
