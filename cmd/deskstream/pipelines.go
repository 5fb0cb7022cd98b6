package main

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

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink/topics"
)

// service is the pipelines of one process and its own endpoints.
type service struct {
	cfg       *config.Config
	log       *slog.Logger
	pipelines []*runningPipeline
	registry  *prometheus.Registry
	endpoints []endpoint
}

type runningPipeline struct {
	pipeline
	*processor.Processor
}

// newService wires the named destinations to the cluster, whose topics were verified.
func newService(cfg *config.Config, names []string, found topology, log *slog.Logger, book *schemaBook, opts []kgo.Opt) (*service, error) {
	s := &service{cfg: cfg, log: log, registry: newRegistry()}
	s.registry.MustRegister(book.questions)
	observe, failed := observeCalls(s.registry), observeWrites(s.registry, cfg.Responses.Topic, cfg.DeadLetters.Topic)
	pipelines, err := wire(cfg, names, wireOptions{observe: observe, sources: sourcePartitions(cfg, found)}, log)
	if err != nil {
		return nil, &exitError{Code: exitUsage, Err: err}
	}
	for _, p := range pipelines {
		c := processorConfig(cfg, p.config, found)
		c.Reader = p.route.Reader
		c.Decoders, c.Writer.Encode = book.events, book.encode
		c.Metrics, c.Writer.Failed = s.registry, failed(p.config.Name)
		c.Divided = func(ours, all int) { p.budget.Divide(p.config.Name, ours, all) }
		observeShare(s.registry, p.config.Name, p.budget)
		instance, err := processor.New(c, p.route, p.dest, log, opts...)
		if err != nil {
			return nil, err
		}
		s.pipelines = append(s.pipelines, &runningPipeline{p, instance})
	}
	return s, nil
}

// listen opens the service's endpoints, so that a port in use is found before any
// event is taken.
func (s *service) listen(ctx context.Context) error {
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

// run runs until ctx ends or a pipeline cannot go on. The endpoints stay open while
// the pipelines drain.
func (s *service) run(ctx context.Context) error {
	var serving errgroup.Group
	for _, e := range s.endpoints {
		serving.Go(e.serve)
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return s.watchSecrets(running) })
	for _, p := range s.pipelines {
		group.Go(func() error {
			defer p.dest.Close()
			if err := p.Run(running); err != nil {
				return fmt.Errorf("destination %s: %w", p.config.Name, err)
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

// processorConfig is what the file says of one destination's pipeline.
func processorConfig(c *config.Config, d config.Destination, found topology) processor.Config {
	dialects := make([]topics.Dialect, len(c.DeadLetters.Dialects))
	for i, name := range c.DeadLetters.Dialects {
		dialects[i] = topics.Dialect(name)
	}
	return processor.Config{
		Topics: c.Source.Topics, Cluster: found.cluster, Group: c.Group(d), InstanceID: c.Source.GroupInstanceID,
		Protocol: processor.Protocol(c.Source.GroupProtocol), SessionTimeout: c.Source.SessionTimeout,
		ReadUncommitted: c.Source.Isolation == config.ReadUncommitted, Start: startOf(c, d),
		CommitInterval: c.Source.CommitInterval, DrainTimeout: c.Source.DrainTimeout,
		Limits: processor.Limits{
			Records: c.Limits.Records, Bytes: int64(c.Limits.Bytes), Lanes: c.Limits.Lanes, Span: c.Limits.Span,
		},
		SourcePartitions:    sourcePartitions(c, found),
		ResponsesMaxBytes:   found.topics[c.Responses.Topic].maxMessageBytes,
		DeadLettersMaxBytes: found.topics[c.DeadLetters.Topic].maxMessageBytes,
		Writer: topics.Config{
			Responses: c.Responses.Topic, Bodies: c.Responses.Bodies,
			DeadLetters: c.DeadLetters.Topic, Dialects: dialects,
			Group: c.Group(d), Destination: d.Name, DestinationType: d.Type,
			ConfigHash: c.Hash(d), AppVersion: version(),
		},
	}
}

// sourcePartitions is how many partitions each source topic has.
func sourcePartitions(c *config.Config, found topology) map[string]int32 {
	partitions := make(map[string]int32)
	for _, topic := range c.Source.Topics {
		partitions[topic] = found.topics[topic].partitions
	}
	return partitions
}

// startOf is where the destination's group begins without offsets.
func startOf(c *config.Config, d config.Destination) processor.Start {
	start := d.Start
	if start.IsZero() {
		start = c.Source.Start
	}
	return processor.Start{Latest: start.String() == config.Latest, At: start.At}
}

// connectBackoff bounds the pause between two first contacts.
const connectBackoff = 5 * time.Second

// contact tries to reach the cluster until it answers, ctx ends, or it is plain that
// trying again will not help.
func (a *app) contact(ctx context.Context, cfg *config.Config) (*kgo.Client, error) {
	wait, told := 200*time.Millisecond, ""
	for {
		client, err := connect(ctx, cfg, a.log)
		if err == nil {
			return client, nil
		}
		if _, own := errors.AsType[*exitError](err); own || isLasting(err) {
			return nil, err
		}
		if errors.Is(context.Cause(ctx), context.Canceled) {
			return nil, context.Cause(ctx)
		}
		if told != err.Error() {
			a.log.Warn("brokers not reached yet", "brokers", cfg.Kafka.Brokers, "err", err)
			told = err.Error()
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		if errors.Is(context.Cause(ctx), context.Canceled) {
			return nil, context.Cause(ctx)
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		wait = min(2*wait, connectBackoff)
	}
}
