package wiring

import (
	"fmt"
	"log/slog"
	"math"
	"net/http"
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
	// Filter picks the events that it takes, and Rules decide about them, nil for none.
	Filter mapping.Filter
	Rules  *rules.Rules
	// Priorities say how urgent its events are, nil for all alike.
	Priorities *rules.Priorities
	// Destinations of one account share these.
	Budget  *budget.Budget
	Answers *sink.Answers // what a plan's lookups were answered
	// CallReader reads calls over Kafka, InboundReader what help desks send.
	CallReader, InboundReader *mapping.Reader

	inbound string // the topic of what they send, "" where it is not read
	ids     *sink.IDs
	faults  *ruleFaults
}

// Options change what the file says of all destinations.
type Options struct {
	// Alone is for commands that deliver without live traffic to compare with. They spend the
	// reserve of each rate budget, and what live traffic leaves over.
	Alone bool
	// Sources are the partitions of the topics that are read. The process gets a part of each rate
	// budget as it gets partitions; with nil it has the whole.
	Sources map[string]int32
	// Remember is how long plans remember the answer to a lookup.
	Remember time.Duration
	// Observe, if set, is called after each attempt at a call.
	Observe func(destination string) func(sink.Attempt)
	// RuleFault, if set, is called for each condition of a rule that could not be evaluated, with
	// a word for the reason.
	RuleFault func(destination string) func(rule, reason string)
	// Transport makes the HTTP exchanges of all destinations; nil: each has its own.
	Transport http.RoundTripper
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
	callReader, err := codec.NewCallReader(cfg)
	if err != nil {
		return nil, err
	}
	inboundReader, err := codec.NewInboundReader(cfg)
	if err != nil {
		return nil, err
	}
	accounts := accountsOf(cfg, opts)
	pipelines := make([]Pipeline, 0, len(chosen))
	for _, d := range chosen {
		c := callConfig(cfg, d, opts)
		faults := &ruleFaults{log: log.With("destination", d.Name)}
		if opts.RuleFault != nil {
			faults.count = opts.RuleFault(d.Name)
		}
		p := Pipeline{
			Config: d, Budget: accounts.Budget(c), Answers: accounts.Answers(c, opts.Remember),
			CallReader: callReader, InboundReader: inboundReader, inbound: inboundOf(cfg), ids: accounts.IDs(c), faults: faults,
		}
		p.Route.Reader = reader
		if err := p.setRoute(cfg, d); err != nil {
			return nil, fmt.Errorf("destination %s: %w", d.Name, err)
		}
		p.Destination = sink.NewDestination(c, p.Budget, log.With("destination", d.Name))
		pipelines = append(pipelines, p)
	}
	return pipelines, nil
}

// setRoute sets what the settings of a destination say about events.
func (p *Pipeline) setRoute(cfg *config.Config, d config.Destination) error {
	to, err := described(d, p.faults)
	if err != nil {
		return err
	}
	route, err := newRoute(cfg, d, to, p.ids)
	if err != nil {
		return err
	}
	route.Reader, route.ConfigHash = p.Route.Reader, cfg.Hash(d)
	p.Config, p.Route, p.Filter, p.Rules = d, route, to.Filter, to.Rules
	p.Priorities = rules.NewPriorities(to.Rules, d.Delivery.Priority)
	return nil
}

// WholeRun is an Options.Remember that never ends.
const WholeRun = math.MaxInt64

// accountsOf makes the rate budgets of all destinations of the file, because one that runs
// elsewhere has its part of its credential's budget. Where destinations share a credential,
// the rate of the first counts in every process.
func accountsOf(cfg *config.Config, opts Options) *sink.Accounts {
	accounts := new(sink.Accounts)
	for _, d := range cfg.Destinations {
		budget := accounts.Budget(callConfig(cfg, d, opts))
		if opts.Sources == nil {
			continue
		}
		all := 0
		for _, topic := range cfg.TopicsOf(d) {
			all += int(opts.Sources[topic])
		}
		budget.Divide(d.Name, 0, all)
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
	c := accountConfig(d)
	c.MaxInFlight = d.Delivery.MaxInFlight
	c.Rate = budget.Rate{Requests: d.Delivery.RateLimit.Requests, Per: d.Delivery.RateLimit.Per, Reserve: d.Delivery.RateLimit.Reserve}
	c.Priorities = d.HasPriorities() && !opts.Alone
	c.Timeout, c.MaxAge, c.TLS = d.Delivery.Timeout, d.Delivery.MaxAge, d.Delivery.TLS.Client()
	c.Retry = sink.Policy{
		MaxAttempts: d.Delivery.Retry.MaxAttempts, MaxElapsed: d.Delivery.Retry.MaxElapsed,
		Initial: d.Delivery.Retry.Initial, Max: d.Delivery.Retry.Max,
	}
	c.Breaker = hold.Breaker{Share: cfg.DeadLetters.Breaker.Share, Of: cfg.DeadLetters.Breaker.Of, Invalid: cfg.DeadLetters.Breaker.Invalid}
	c.Unknown = unknowns[d.Delivery.Unknown]
	c.TraceCalls = d.Delivery.TraceCalls
	c.Alone, c.Version, c.Transport = opts.Alone, version.Release(), opts.Transport
	if kind, ok := all.Kind(d.Type); ok && cfg.ReadsInbound() {
		c.Echo = kind.Echo
	}
	if opts.Observe != nil {
		c.OnCall = opts.Observe(d.Name)
	}
	return c
}

// accountConfig is what tells a destination's account from others.
func accountConfig(d config.Destination) sink.Config {
	setting := d.Type + ".headers"
	if key := d.Credential().Key; key != "" {
		setting = d.Type + "." + key
	}
	return sink.Config{Name: d.Name, BaseURL: d.BaseURL(), Credential: d.Credential().Secret, CredentialSetting: setting, Headers: d.Credential().Headers}
}

// NewRoute makes the route from an event to the calls of a destination. log is told of rules whose
// conditions cannot be evaluated.
func NewRoute(cfg *config.Config, d config.Destination, ids *sink.IDs, log *slog.Logger) (sink.Route, error) {
	to, err := described(d, &ruleFaults{log: log})
	if err != nil {
		return sink.Route{}, err
	}
	return newRoute(cfg, d, to, ids)
}

// described is what a destination's settings have in common with those of others.
func described(d config.Destination, faults *ruleFaults) (desk.Destination, error) {
	to := desk.Destination{Name: d.Name, Filter: d.Filter()}
	if len(d.Rules) > 0 {
		compiled, err := rules.Compile(d.Rules)
		if err != nil {
			return desk.Destination{}, err
		}
		to.Rules, to.RuleFault = compiled, faults.note
	}
	return to, nil
}

func newRoute(cfg *config.Config, d config.Destination, to desk.Destination, ids *sink.IDs) (sink.Route, error) {
	kind, ok := all.Kind(d.Type)
	if !ok {
		return sink.Route{}, fmt.Errorf("type %q is not known", d.Type)
	}
	route, err := kind.Route(to, d.Desk(), ids)
	if err == nil {
		route.Calls, err = callsOf(cfg, d, kind)
		if route.Calls != nil && route.OnRecord == nil {
			route.OnRecord = func(string, sink.StepRecord) {} // what a call has made is nobody else's
		}
	}
	return route, err
}
