package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/console"
	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/internal/holds"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink/traces"
)

// Service is the pipelines of one process and their endpoints.
type Service struct {
	cfg       *config.Config
	options   Options
	log       *slog.Logger
	pipelines []*runningPipeline
	registry  *prometheus.Registry
	endpoints []endpoint.Endpoint
	reloads   *prometheus.CounterVec // that failed, by destination
	reloading Reloading
	reloader  *reloader
	// drain is in seconds, by destination. connection are the options of a client.
	drain      *prometheus.GaugeVec
	connection []kgo.Opt
	console    *console.Console // nil without http.console
	consoleURL string
	// holds are those of operators, on record.
	holds   *holds.Book
	contact time.Duration // how long the first contact with Kafka may take
	traces  traces.Source // nil: nowhere
}

type runningPipeline struct {
	wiring.Pipeline
	*processor.Processor
	priorities atomic.Pointer[string] // what makes events more or less urgent, for status
}

// Parts are what a service is made of.
type Parts struct {
	Options Options
	// Found describes the topics, which were verified.
	Found cluster.Topology
	Codec *codec.Codec
	// Connection are the options of each client.
	Connection []kgo.Opt
	// Transport makes the exchanges with the help desks; nil: each destination has its own.
	Transport http.RoundTripper
	// Traces is where the traces of events go; nil: nowhere.
	Traces traces.Source
}

// New wires the destinations of the options to the cluster.
func New(parts Parts) (*Service, error) {
	o := parts.Options
	s := &Service{cfg: o.Config, options: o, log: o.Log, registry: endpoint.NewRegistry()}
	s.reloading, s.reloader = o.Reloading, newReloader(o.Config, s.registry)
	s.registry.MustRegister(parts.Codec.Questions)
	s.reloads = observeReloads(s.registry)
	s.drain, s.connection = observeDrain(s.registry), parts.Connection
	s.traces = parts.Traces
	observe, failed := observeCalls(s.registry), observeWrites(s.registry, o.Config.Responses.Topic, o.Config.DeadLetters.Topic)
	pipelines, err := wiring.Pipelines(o.Config, o.Destinations, wiring.Options{Observe: observe, RuleFault: observeFaults(s.registry), Sources: wiring.SourcePartitions(o.Config, parts.Found), Transport: parts.Transport}, o.Log)
	if err != nil {
		return nil, &config.UsageError{Err: err}
	}
	selves := wiring.NewSelves(o.Config, o.Log)
	for _, p := range pipelines {
		c := wiring.ProcessorConfig(o.Config, p.Config, parts.Found)
		c.Connection = parts.Connection
		c.Tracer = traces.New(parts.Traces, traces.Destination{Name: p.Config.Name, Group: c.Group, BaseURL: p.Config.BaseURL()})
		c.Reader, c.Calls.Reader, c.Inbound.Reader, c.Redeliver = p.Route.Reader, p.CallReader, p.InboundReader, o.Redeliver
		c.OwnUser = selves.Of
		c.Decoders, c.Writer.Encode = parts.Codec.Events, parts.Codec.Encode
		if p.Priorities != nil {
			c.Priorities = p.Priorities
		}
		c.Metrics, c.Writer.Failed = s.registry, failed(p.Config.Name)
		c.Divided = func(ours, all int) { p.Budget.Divide(p.Config.Name, ours, all) }
		observeDesk(s.registry, p.Config.Name, p.Destination, p.Budget)
		s.reloads.WithLabelValues(p.Config.Name)
		s.drain.WithLabelValues(p.Config.Name)
		instance, err := processor.New(c, p.Route, p.Destination, o.Log)
		if err != nil {
			return nil, err
		}
		running := &runningPipeline{Pipeline: p, Processor: instance}
		running.said(p.Config)
		s.pipelines = append(s.pipelines, running)
	}
	s.holds, s.contact = s.newHolds(), o.ConnectTimeout
	return s, nil
}

// Listen opens the endpoints, so that a port in use is found before any event is read.
func (s *Service) Listen(ctx context.Context) error {
	for _, e := range []struct {
		name, address string
		handler       func() http.Handler
		answerWithin  time.Duration
	}{{"http.listen", s.cfg.HTTP.Listen, s.publicHandler, endpoint.WriteTimeout}, {"http.admin", s.cfg.HTTP.Admin, s.adminHandler, profileTimeout}} {
		if e.address == "" {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", e.address)
		if err != nil {
			return fmt.Errorf("opening %s: %w", e.name, err)
		}
		s.log.Info("endpoint opened", "setting", e.name, "address", listener.Addr().String())
		s.endpoints = append(s.endpoints, endpoint.New(listener, endpoint.Config{Handler: e.handler(), AnswerWithin: e.answerWithin, Log: s.log}))
	}
	return s.openConsole(ctx)
}

// openConsole opens the pages at http.console.
func (s *Service) openConsole(ctx context.Context) error {
	if s.cfg.HTTP.Console == "" {
		return nil
	}
	c, err := console.New(console.Options{
		Config: s.config, Log: s.log, Address: s.cfg.HTTP.Console, Pipelines: s, By: s.options.By, ElseFree: s.options.AnyConsolePort, Traces: s.traces,
	})
	if err != nil {
		return err
	}
	e, err := c.Listen(ctx)
	if err != nil {
		return err
	}
	s.console, s.consoleURL = c, c.URL(e)
	s.log.Info("endpoint opened", "setting", "http.console", "address", e.Listener.Addr().String())
	s.endpoints = append(s.endpoints, e)
	return nil
}

// ConsoleURL is the address of the console, "" without one.
func (s *Service) ConsoleURL() string { return s.consoleURL }

// Address returns the address of the first endpoint.
func (s *Service) Address() net.Addr { return s.endpoints[0].Listener.Addr() }

// Run runs the pipelines until ctx ends or one of them cannot go on. The endpoints stay open
// while the pipelines drain.
func (s *Service) Run(ctx context.Context) error {
	var serving errgroup.Group
	for _, e := range s.endpoints {
		serving.Go(e.Serve)
	}
	group, running := errgroup.WithContext(ctx)
	if err := s.readHolds(running); err != nil {
		group.Go(func() error { return err })
		for _, p := range s.pipelines {
			p.Destination.Close()
		}
	} else {
		s.start(running, group)
	}
	err := group.Wait()
	for _, e := range s.endpoints {
		e.Close()
	}
	return errors.Join(err, serving.Wait())
}

// start starts the pipelines and what watches over them.
func (s *Service) start(ctx context.Context, group *errgroup.Group) {
	for _, watch := range []func(context.Context) error{s.holds.Run, s.sayReady, s.watchSecrets, s.watchReloads, s.watchDrain} {
		group.Go(func() error { return watch(ctx) })
	}
	if s.console != nil {
		group.Go(func() error { return s.console.Run(ctx) })
	}
	for _, p := range s.pipelines {
		group.Go(func() error {
			defer p.Destination.Close()
			if err := p.Run(ctx); err != nil {
				return fmt.Errorf("destination %s: %w", p.Config.Name, err)
			}
			return nil
		})
	}
}
