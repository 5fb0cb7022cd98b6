package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/processor"
)

// Service is the pipelines of one process and their endpoints.
type Service struct {
	cfg       *config.Config
	log       *slog.Logger
	pipelines []*runningPipeline
	registry  *prometheus.Registry
	endpoints []endpoint
}

type runningPipeline struct {
	wiring.Pipeline
	*processor.Processor
}

// Parts are what a service is made of.
type Parts struct {
	Options Options
	// Found describes the topics, which were verified.
	Found cluster.Topology
	Codec *codec.Codec
	// Connection are the options of each client.
	Connection []kgo.Opt
}

// New wires the destinations of the options to the cluster.
func New(parts Parts) (*Service, error) {
	o := parts.Options
	s := &Service{cfg: o.Config, log: o.Log, registry: newRegistry()}
	s.registry.MustRegister(parts.Codec.Questions)
	observe, failed := observeCalls(s.registry), observeWrites(s.registry, o.Config.Responses.Topic, o.Config.DeadLetters.Topic)
	pipelines, err := wiring.Pipelines(o.Config, o.Destinations, wiring.Options{Observe: observe, Sources: wiring.SourcePartitions(o.Config, parts.Found)}, o.Log)
	if err != nil {
		return nil, &config.UsageError{Err: err}
	}
	for _, p := range pipelines {
		c := wiring.ProcessorConfig(o.Config, p.Config, parts.Found)
		c.Connection = parts.Connection
		c.Reader, c.Redeliver = p.Route.Reader, o.Redeliver
		c.Decoders, c.Writer.Encode = parts.Codec.Events, parts.Codec.Encode
		c.Metrics, c.Writer.Failed = s.registry, failed(p.Config.Name)
		c.Divided = func(ours, all int) { p.Budget.Divide(p.Config.Name, ours, all) }
		observeShare(s.registry, p.Config.Name, p.Budget)
		instance, err := processor.New(c, p.Route, p.Destination, o.Log)
		if err != nil {
			return nil, err
		}
		s.pipelines = append(s.pipelines, &runningPipeline{p, instance})
	}
	return s, nil
}

// Listen opens the endpoints, so that a port in use is found before any event is read.
func (s *Service) Listen(ctx context.Context) error {
	for _, e := range []struct {
		name, address string
		handler       func() http.Handler
		answerWithin  time.Duration
	}{{"http.listen", s.cfg.HTTP.Listen, s.publicHandler, writeTimeout}, {"http.admin", s.cfg.HTTP.Admin, s.adminHandler, profileTimeout}} {
		if e.address == "" {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", e.address)
		if err != nil {
			return fmt.Errorf("opening %s: %w", e.name, err)
		}
		s.log.Info("endpoint opened", "setting", e.name, "address", listener.Addr().String())
		s.endpoints = append(s.endpoints, newEndpoint(listener, e.handler(), e.answerWithin, s.log))
	}
	return nil
}

// Address returns the address of the first endpoint.
func (s *Service) Address() net.Addr { return s.endpoints[0].listener.Addr() }

// Run runs the pipelines until ctx ends or one of them cannot go on. The endpoints stay open
// while the pipelines drain.
func (s *Service) Run(ctx context.Context) error {
	var serving errgroup.Group
	for _, e := range s.endpoints {
		serving.Go(e.serve)
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return s.watchSecrets(running) })
	for _, p := range s.pipelines {
		group.Go(func() error {
			defer p.Destination.Close()
			if err := p.Run(running); err != nil {
				return fmt.Errorf("destination %s: %w", p.Config.Name, err)
			}
			return nil
		})
	}
	err := group.Wait()
	for _, e := range s.endpoints {
		e.close()
	}
	return errors.Join(err, serving.Wait())
}
