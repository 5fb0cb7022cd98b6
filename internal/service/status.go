package service

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/internal/status"
	"github.com/deskstream/deskstream/internal/version"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink/hold"
)

// serveStatus shows what this instance knows of its destinations.
func (s *Service) serveStatus(w http.ResponseWriter, _ *http.Request) {
	endpoint.Answer(w, http.StatusOK, status.Answer{Version: version.Release(), Pipelines: s.Status()})
}

// Status returns what this instance knows of each destination.
func (s *Service) Status() []status.Pipeline {
	list := make([]status.Pipeline, len(s.pipelines))
	for i, p := range s.pipelines {
		list[i] = p.status(time.Now())
		list[i].HoldHere = list[i].Hold == hold.Operator && !s.holds.OnRecord(s.cfg.Group(p.Config))
	}
	return list
}

// Rules returns what each rule did since the process began, without those that no event went by.
func (s *Service) Rules() []status.Rule {
	var list []status.Rule
	for _, p := range s.pipelines {
		for _, use := range p.RuleUses() {
			rule := status.Rule{Destination: p.Config.Name, Rule: use.Rule, Delivered: use.Delivered, Skipped: use.Skipped, Dead: use.Dead, Last: use.Last}
			for _, w := range use.Warnings {
				rule.Warnings = append(rule.Warnings, status.Warning(w))
			}
			list = append(list, rule)
		}
	}
	return list
}

// said takes in what the configuration in effect says of priorities.
func (p *runningPipeline) said(d config.Destination) {
	text := d.PrioritiesText()
	p.priorities.Store(&text)
}

func (p *runningPipeline) status(now time.Time) status.Pipeline {
	f := p.Figures()
	state := status.Pipeline{
		Destination: p.Config.Name, Joined: f.Joined, Partitions: f.Partitions, Open: f.Open, InFlight: f.InFlight,
		Delivered: f.Delivered, Skipped: f.Skipped, Dead: f.Dead,
		Paused: strings.Join(f.Paused, ","), Trouble: strings.Join(f.Trouble, ","), OldestSeconds: math.Round(f.Oldest.Seconds()),
	}
	if f.Hold.Active() {
		state.Hold, state.HeldSince = f.Hold.Reason, f.Hold.Since.UTC().Format(time.RFC3339)
		state.HoldCause, state.HoldNext = p.Destination.HoldText(f.Hold.Reason)
		if next := p.Destination.Gate().NextProbe(); !next.IsZero() {
			state.NextProbe = next.UTC().Format(time.RFC3339)
		}
	}
	calls, window := p.Budget.Own()
	wait, usedUp := p.Budget.Pause(now)
	state.Budget = status.Budget{
		Calls: calls, WindowSeconds: window.Seconds(), Share: p.Budget.Share(), WaitSeconds: wait.Seconds(), UsedUp: usedUp,
		Used: p.Budget.Used(now), Waiting: f.AwaitBudget,
	}
	if state.Priorities = *p.priorities.Load(); state.Priorities != "" {
		for i, of := range f.ByPriority {
			state.ByPriority = append(state.ByPriority, status.Priority{
				Name: mapping.Priorities[i].String(), Open: of.Open, OldestSeconds: math.Round(of.Oldest.Seconds()),
			})
		}
	}
	return state
}

// Samples of the lag are taken at an interval, and the rates are those of drainOver.
const (
	drainEvery = 30 * time.Second
	drainOver  = 5 * time.Minute
)

// observeDrain shows how long the lag of each destination takes, of all instances together.
func observeDrain(registry *prometheus.Registry) *prometheus.GaugeVec {
	drain := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "deskstream_drain_seconds", Help: "Time until the lag of the destination's group is gone, at the rates of the last five minutes and of all instances together; +Inf while the lag does not shrink.",
	}, []string{"destination"})
	registry.MustRegister(drain)
	return drain
}

// watchDrain keeps the time to drain up to date until ctx ends.
func (s *Service) watchDrain(ctx context.Context) error {
	client, err := kgo.NewClient(s.connection...)
	if err != nil {
		return fmt.Errorf("making the client that reads the lag: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	var samples []status.Sample
	for {
		if samples = s.lookAtLag(ctx, admin, samples); ctx.Err() != nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// lookAtLag takes a sample and sets the metric. It returns the samples that are still needed.
func (s *Service) lookAtLag(ctx context.Context, admin *kadm.Client, samples []status.Sample) []status.Sample {
	destinations := make([]config.Destination, len(s.pipelines))
	for i, p := range s.pipelines {
		destinations[i] = p.Config
	}
	bounded, cancel := context.WithTimeout(ctx, drainEvery)
	defer cancel()
	now, err := status.Take(bounded, admin, s.cfg, destinations)
	if err != nil {
		s.log.Debug("reading the lag failed, the time to drain stays", "err", err) // what matters of it is logged elsewhere
		return samples
	}
	for len(samples) > 1 && now.At.Sub(samples[1].At) >= drainOver {
		samples = samples[1:]
	}
	for _, d := range destinations {
		if len(samples) == 0 {
			continue
		}
		if r := status.Between(samples[0], now, d.Name); r.Err == nil {
			s.drain.WithLabelValues(d.Name).Set(r.Drain)
		}
	}
	return append(samples, now)
}
