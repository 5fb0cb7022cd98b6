package status

import (
	"context"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
)

// Options say of what a report is.
type Options struct {
	Config *config.Config
	Log    *slog.Logger
	// Destinations are those that are reported.
	Destinations []config.Destination
	// Instances are the URLs of admin listeners.
	Instances []string
	// Over is the time over which rates are measured.
	Over time.Duration
}

// Report is the state of the destinations.
type Report struct {
	OverSeconds  float64       `json:"over_seconds"`
	Destinations []Destination `json:"destinations"`
	Instances    []Instance    `json:"instances"`
}

// Destination is the state of one destination, of all instances together.
type Destination struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Group string `json:"group"`
	// Lag is how many records are not settled.
	Lag int64 `json:"lag"`
	// RateIn and RateOut are records a second.
	RateIn  float64 `json:"rate_in"`
	RateOut float64 `json:"rate_out"`
	// DrainSeconds is how long the lag takes at these rates, nil if it does not shrink.
	DrainSeconds *float64 `json:"drain_seconds"`
	Error        string   `json:"error,omitempty"`
	// Reach is how far priorities and coalescing look, "" without them.
	Reach string `json:"reach,omitempty"`
	// Warnings say what of the priorities does not do what it seems to.
	Warnings []string `json:"warnings,omitempty"`

	prioritised bool
}

// TakeReport asks Kafka, twice, and the instances.
func TakeReport(ctx context.Context, o Options) (Report, error) {
	client, err := cluster.Connect(ctx, o.Config, o.Log)
	if err != nil {
		return Report{}, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	older, err := Take(ctx, admin, o.Config, o.Destinations)
	if err != nil {
		return Report{}, cluster.Explain(ctx, o.Config.Kafka, err)
	}
	instances := askAll(ctx, o.Instances)
	wait := time.NewTimer(time.Until(older.At.Add(o.Over)))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return Report{}, context.Cause(ctx)
	}
	newer, err := Take(ctx, admin, o.Config, o.Destinations)
	if err != nil {
		return Report{}, cluster.Explain(ctx, o.Config.Kafka, err)
	}
	r := Report{OverSeconds: round(newer.At.Sub(older.At).Seconds()), Instances: instances}
	for _, d := range o.Destinations {
		state := destinationOf(o.Config, d, Between(older, newer, d.Name))
		state.prioritised = d.HasPriorities()
		state.Reach, state.Warnings = o.Config.Reach(d), priorityWarnings(d, instances)
		r.Destinations = append(r.Destinations, state)
	}
	return r, nil
}

func askAll(ctx context.Context, urls []string) []Instance {
	instances := make([]Instance, len(urls))
	var asking sync.WaitGroup
	for i, url := range urls {
		asking.Go(func() { instances[i] = Ask(ctx, url) })
	}
	asking.Wait()
	return instances
}

func destinationOf(cfg *config.Config, d config.Destination, r Rates) Destination {
	state := Destination{Name: d.Name, Type: d.Type, Group: cfg.Group(d), Lag: r.Lag, RateIn: round(r.In), RateOut: round(r.Out)}
	if !math.IsInf(r.Drain, 1) {
		seconds := round(r.Drain)
		state.DrainSeconds = &seconds
	}
	if r.Err != nil {
		state.Error = r.Err.Error()
	}
	return state
}

// round leaves one place after the point.
func round(v float64) float64 { return math.Round(v*10) / 10 }
