package wiring

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/version"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/hold"
)

// Pipeline is one destination of the file, ready to deliver to.
type Pipeline struct {
	Config      config.Destination
	Route       sink.Route
	Destination *sink.Destination
	// Destinations of one account share these.
	Budget  *budget.Budget
	Answers *sink.Answers // what a plan's lookups were answered
}

// Options change what the file says of all destinations.
type Options struct {
	// Alone is for commands that deliver without live traffic to compare with. They spend the
	// reserve of each rate budget, and what live traffic leaves over.
	Alone bool
	// Sources are the partitions of the source topics. The process gets a part of each rate
	// budget as it gets partitions; with nil it has the whole.
	Sources map[string]int32
	// Remember is how long plans remember the answer to a lookup.
	Remember time.Duration
	// Observe, if set, is called after each attempt at a call.
	Observe func(destination string) func(op string, status int, took time.Duration)
}

// Pipelines makes the pipelines of the named destinations, or of all without names. The
// destinations of one account share its rate budget and its ids.
func Pipelines(cfg *config.Config, names []string, opts Options, log *slog.Logger) ([]Pipeline, error) {
	chosen, err := Choose(cfg, names)
	if err != nil {
		return nil, err
	}
	reader, err := codec.NewReader(cfg)
	if err != nil {
		return nil, err
	}
	accounts := accountsOf(cfg, opts)
	pipelines := make([]Pipeline, 0, len(chosen))
	for _, d := range chosen {
		c := callConfig(cfg, d, opts)
		route, err := NewRoute(d, accounts.IDs(c), log.With("destination", d.Name))
		if err != nil {
			return nil, fmt.Errorf("destination %s: %w", d.Name, err)
		}
		route.Reader = reader
		p := Pipeline{Config: d, Route: route, Budget: accounts.Budget(c), Answers: accounts.Answers(c, opts.Remember)}
		p.Destination = sink.NewDestination(c, p.Budget, log.With("destination", d.Name))
		pipelines = append(pipelines, p)
	}
	return pipelines, nil
}

// WholeRun is an Options.Remember that never ends.
const WholeRun = math.MaxInt64

// accountsOf makes the rate budgets of all destinations of the file, because one that runs
// elsewhere has its part of its credential's budget. Where destinations share a credential,
// the rate of the first counts in every process.
func accountsOf(cfg *config.Config, opts Options) *sink.Accounts {
	accounts, all := new(sink.Accounts), 0
	for _, n := range opts.Sources {
		all += int(n)
	}
	for _, d := range cfg.Destinations {
		budget := accounts.Budget(callConfig(cfg, d, opts))
		if opts.Sources != nil {
			budget.Divide(d.Name, 0, all)
		}
	}
	return accounts
}

// unknowns are the values of delivery.unknown.
var unknowns = map[string]sink.Unknowns{
	config.UnknownProbe: sink.UnknownProbed, config.UnknownRetry: sink.UnknownRetried, config.UnknownDead: sink.UnknownDies,
}

// Choose returns the destinations with the given names, or all without names.
func Choose(cfg *config.Config, names []string) ([]config.Destination, error) {
	if len(names) == 0 {
		return cfg.Destinations, nil
	}
	chosen := make([]config.Destination, 0, len(names))
	for _, name := range names {
		d, ok := cfg.Destination(name)
		if !ok {
			return nil, cfg.NoDestination(name)
		}
		chosen = append(chosen, d)
	}
	return chosen, nil
}

func callConfig(cfg *config.Config, d config.Destination, opts Options) sink.Config {
	c := sink.Config{
		Name: d.Name, BaseURL: d.BaseURL(), Credential: d.Credential().Secret, Headers: d.Credential().Headers,
		MaxInFlight: d.Delivery.MaxInFlight,
		Rate:        budget.Rate{Requests: d.Delivery.RateLimit.Requests, Per: d.Delivery.RateLimit.Per, Reserve: d.Delivery.RateLimit.Reserve},
		Timeout:     d.Delivery.Timeout, MaxAge: d.Delivery.MaxAge,
		Retry: sink.Policy{
			MaxAttempts: d.Delivery.Retry.MaxAttempts, MaxElapsed: d.Delivery.Retry.MaxElapsed,
			Initial: d.Delivery.Retry.Initial, Max: d.Delivery.Retry.Max,
		},
		Breaker: hold.Breaker{Share: cfg.DeadLetters.Breaker.Share, Of: cfg.DeadLetters.Breaker.Of},
		Unknown: unknowns[d.Delivery.Unknown],
		Alone:   opts.Alone, Version: version.Release(),
	}
	if opts.Observe != nil {
		c.OnCall = opts.Observe(d.Name)
	}
	return c
}

// NewRoute makes the route from an event to the calls of a destination. log is told of rules whose
// conditions cannot be evaluated.
func NewRoute(d config.Destination, ids *sink.IDs, log *slog.Logger) (sink.Route, error) {
	kind, ok := all.Kind(d.Type)
	if !ok {
		return sink.Route{}, fmt.Errorf("type %q is not known", d.Type)
	}
	filter := mapping.Filter{Types: d.Events, Allow: d.EventFilter.Allow, Deny: d.EventFilter.Deny}
	to := desk.Destination{Name: d.Name, Filter: filter}
	if len(d.Rules) > 0 {
		compiled, err := rules.Compile(d.Rules)
		if err != nil {
			return sink.Route{}, err
		}
		to.Rules, to.RuleFault = compiled, (&ruleFaults{log: log}).note
	}
	return kind.Route(to, d.Desk(), ids)
}
