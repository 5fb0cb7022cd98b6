package console

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/status"
)

// Samples of the lag are taken at an interval and kept for as long as the charts go back. Rates are
// those of ratesOver.
const (
	sampleEvery = 10 * time.Second
	keepFor     = time.Hour
	ratesOver   = time.Minute
)

// history is the samples of the last hour.
type history struct {
	mu      sync.Mutex
	samples []status.Sample
	err     error // of the last try, nil if it went well
}

func newHistory() *history { return new(history) }

// Run takes samples until ctx ends, and then ends the jobs and the live outcomes. It goes on while Kafka does not answer.
func (c *Console) Run(ctx context.Context) error {
	defer c.jobs.close()
	defer c.live.Close()
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	var client *kgo.Client
	defer func() {
		if client != nil {
			client.Close()
		}
	}()
	for {
		if client == nil {
			client = c.connect(ctx)
		}
		if client != nil {
			c.sample(ctx, client)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// connect makes the client of the samples, nil while Kafka does not answer.
func (c *Console) connect(ctx context.Context) *kgo.Client {
	client, err := cluster.Connect(ctx, c.Config(), slog.New(slog.DiscardHandler))
	if err != nil {
		c.history.failed(err)
		return nil
	}
	return client
}

// sample takes one sample.
func (c *Console) sample(ctx context.Context, client *kgo.Client) {
	bounded, cancel := context.WithTimeout(ctx, sampleEvery)
	defer cancel()
	cfg := c.Config()
	s, err := status.Take(bounded, kadm.NewClient(client), cfg, cfg.Destinations)
	if err != nil {
		c.history.failed(cluster.Explain(bounded, cfg.Kafka, err))
		return
	}
	c.history.add(s)
}

func (h *history) add(s status.Sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.samples, h.err = append(h.samples, s), nil
	for len(h.samples) > 0 && s.At.Sub(h.samples[0].At) > keepFor {
		h.samples = h.samples[1:]
	}
}

func (h *history) failed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = fmt.Errorf("reading how far the destinations are: %w", err)
}

// rates returns how far a destination is behind. ok is false before the first sample; the rates are
// 0 before the second.
func (h *history) rates(destination string) (r status.Rates, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.samples) == 0 {
		return status.Rates{}, false
	}
	newest := h.samples[len(h.samples)-1]
	older := newest
	for i := len(h.samples) - 1; i >= 0; i-- {
		if older = h.samples[i]; newest.At.Sub(older.At) >= ratesOver {
			break
		}
	}
	return status.Between(older, newest, destination), true
}

// fault is the error of the last try, nil if it went well.
func (h *history) fault() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}
