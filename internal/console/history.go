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
	ratesKept   = 2 * ratesOver // of the samples themselves
)

// history is the newest samples, and what they and the pipelines said in the last hour.
type history struct {
	mu      sync.Mutex
	samples []status.Sample
	points  points
	err     error // of the last try, nil if it went well
}

func newHistory() *history { return new(history) }

// Run takes samples and drops plans that are no longer used until ctx ends, and then ends the jobs and the live outcomes. It goes on while Kafka does not answer.
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
		} else {
			c.look(nil)
		}
		c.plans.expire(time.Now())
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
		c.look(nil)
		return
	}
	c.look(&s)
}

// look takes in a sample of Kafka, nil while it does not answer, and what the pipelines know.
func (c *Console) look(s *status.Sample) {
	var running []status.Pipeline
	if c.Pipelines != nil {
		running = c.Pipelines.Status()
	}
	c.history.add(time.Now(), s, c.Config().DestinationNames(), running)
}

func (h *history) add(now time.Time, s *status.Sample, names []string, running []status.Pipeline) {
	h.mu.Lock()
	defer h.mu.Unlock()
	older := s
	if s != nil {
		if n := len(h.samples); n > 0 && s.At.Sub(h.samples[n-1].At) < ratesOver {
			older = &h.samples[n-1]
		}
		h.samples, h.err = append(h.samples, *s), nil
		for s.At.Sub(h.samples[0].At) > ratesKept {
			h.samples = h.samples[1:]
		}
	}
	h.points.take(now, names, samplePair{older, s}, running)
}

// minutes are the last hour of a destination.
func (h *history) minutes(destination string, now time.Time) [60]minute {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.points.minutes(destination, now)
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
