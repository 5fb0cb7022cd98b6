package main

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/mapping"
	mapkustomer "github.com/deskstream/deskstream/mapping/kustomer"
	maptrengo "github.com/deskstream/deskstream/mapping/trengo"
	"github.com/deskstream/deskstream/sink"
	sinkkustomer "github.com/deskstream/deskstream/sink/kustomer"
	sinktrengo "github.com/deskstream/deskstream/sink/trengo"
)

// pipeline is one destination of the file, ready to deliver to.
type pipeline struct {
	config config.Destination
	route  sink.Route
	dest   *sink.Destination
	// Destinations of the same account share these.
	budget  *sink.Budget
	answers *sink.Answers // what a plan's lookups were answered
}

// wireOptions change what the file says of every destination.
type wireOptions struct {
	// alone is for commands that deliver without other events to judge by. The reserve of
	// each rate budget is theirs, and they share in what is lent.
	alone bool
	// sources are the partitions of the source topics, with which this process will have
	// a part of each budget; nil leaves it all of them.
	sources map[string]int32
	// remember is how long plans remember what a lookup was answered.
	remember time.Duration
	// observe, if set, is told of each attempt at a call.
	observe func(destination string) func(op string, status int, took time.Duration)
}

// wire makes the pipelines of the named destinations, of all without names. The
// destinations of one account share its budget and what is known of its ids.
func wire(cfg *config.Config, names []string, opts wireOptions, log *slog.Logger) ([]pipeline, error) {
	chosen, err := choose(cfg.Destinations, names)
	if err != nil {
		return nil, err
	}
	reader, err := eventReader(cfg)
	if err != nil {
		return nil, err
	}
	accounts := accountsOf(cfg, opts)
	pipelines := make([]pipeline, 0, len(chosen))
	for _, d := range chosen {
		c := callConfig(cfg, d, opts)
		route, err := routeOf(d, accounts.IDs(c))
		if err != nil {
			return nil, fmt.Errorf("destination %s: %w", d.Name, err)
		}
		route.Reader = reader
		p := pipeline{config: d, route: route, budget: accounts.Budget(c), answers: accounts.Answers(c, opts.remember)}
		p.dest = sink.NewDestination(c, p.budget, log.With("destination", d.Name))
		pipelines = append(pipelines, p)
	}
	return pipelines, nil
}

// untilItEnds has a command remember answers for as long as it runs.
const untilItEnds = math.MaxInt64

// accountsOf makes the budgets of all destinations of the file: one that runs elsewhere
// has its part of its credential's budget too. Where destinations share a credential
// the rate of the first counts, in every process.
func accountsOf(cfg *config.Config, opts wireOptions) *sink.Accounts {
	accounts, all := new(sink.Accounts), 0
	for _, n := range opts.sources {
		all += int(n)
	}
	for _, d := range cfg.Destinations {
		budget := accounts.Budget(callConfig(cfg, d, opts))
		if opts.sources != nil {
			budget.Divide(d.Name, 0, all)
		}
	}
	return accounts
}

// choose picks destinations by name.
func choose(all []config.Destination, names []string) ([]config.Destination, error) {
	if len(names) == 0 {
		return all, nil
	}
	var chosen []config.Destination
next:
	for _, name := range names {
		for _, d := range all {
			if d.Name == name {
				chosen = append(chosen, d)
				continue next
			}
		}
		return nil, fmt.Errorf("no destination is called %q in the configuration", name)
	}
	return chosen, nil
}

func callConfig(cfg *config.Config, d config.Destination, opts wireOptions) sink.Config {
	c := sink.Config{
		Name: d.Name, BaseURL: d.BaseURL(), Credential: d.Credential(),
		MaxInFlight: d.Delivery.MaxInFlight,
		Rate:        sink.Rate{Requests: d.Delivery.RateLimit.Requests, Per: d.Delivery.RateLimit.Per, Reserve: d.Delivery.RateLimit.Reserve},
		Timeout:     d.Delivery.Timeout, MaxAge: d.Delivery.MaxAge,
		Retry: sink.Policy{
			MaxAttempts: d.Delivery.Retry.MaxAttempts, MaxElapsed: d.Delivery.Retry.MaxElapsed,
			Initial: d.Delivery.Retry.Initial, Max: d.Delivery.Retry.Max,
		},
		Breaker:       sink.Breaker{Share: cfg.DeadLetters.Breaker.Share, Of: cfg.DeadLetters.Breaker.Of},
		UnknownIsDead: d.Delivery.Unknown == config.UnknownDead,
		Alone:         opts.alone, Version: version(),
	}
	if opts.observe != nil {
		c.OnCall = opts.observe(d.Name)
	}
	return c
}

// routeOf knows which help desks there are.
func routeOf(d config.Destination, ids *sink.IDs) (sink.Route, error) {
	filter := mapping.Filter{Types: d.Events, Allow: d.EventFilter.Allow, Deny: d.EventFilter.Deny}
	switch d.Type {
	case config.TypeTrengo:
		mapper, err := maptrengo.New(d.Trengo.Mapping())
		if err != nil {
			return sink.Route{}, err
		}
		return sink.NewRoute(d.Name, d.Type, filter, mapper.Map, sinktrengo.New(ids).Send), nil
	case config.TypeKustomer:
		mapper := mapkustomer.New(kustomerMapping(d.Kustomer))
		return sink.NewRoute(d.Name, d.Type, filter, mapper.Map, sinkkustomer.New(ids).Send), nil
	default:
		return sink.Route{}, fmt.Errorf("type %q is not known", d.Type)
	}
}

func kustomerMapping(k *config.Kustomer) mapkustomer.Config {
	return mapkustomer.Config{
		AdvancedTransform: k.AdvancedTransform, SetIdentityEmail: k.SetIdentityEmail,
		DisableEmailAsTrackingProperty: k.DisableEmailAsTrackingProperty,
		GenericPage:                    k.GenericPage, GenericScreen: k.GenericScreen,
		EventTime: k.EventTime,
		Lists:     mapkustomer.ListMode(k.Lists),
	}
}
