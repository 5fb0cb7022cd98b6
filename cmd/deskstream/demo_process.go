package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink/topics"
)

// process runs the pipelines of the demo's configuration until ctx ends.
func (d *demo) process(ctx context.Context) error {
	found, err := d.verify(ctx)
	if err != nil {
		return err
	}
	pipelines, err := wire(d.cfg, nil, wireOptions{}, d.app.log)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range pipelines {
		instance, err := processor.New(processorConfig(d.cfg, p.config, found), p.route, p.dest, d.app.log, d.kgo...)
		if err != nil {
			return err
		}
		group.Go(func() error {
			defer p.dest.Close()
			return instance.Run(ctx)
		})
	}
	return group.Wait()
}

// verify asks the broker what the processor needs to know of the topics.
func (d *demo) verify(ctx context.Context) (topology, error) {
	client, err := kgo.NewClient(d.kgo...)
	if err != nil {
		return topology{}, fmt.Errorf("setting up the client of the demo: %w", err)
	}
	defer client.Close()
	return verifyTopics(ctx, client, d.topics(), d.app.log)
}

func (d *demo) topics() topicSet {
	return topicSet{sources: d.cfg.Source.Topics, responses: d.cfg.Responses.Topic, deadLetters: d.cfg.DeadLetters.Topic}
}

// processorConfig is what the file says of one destination's pipeline.
func processorConfig(c *config.Config, d config.Destination, found topology) processor.Config {
	dialects := make([]topics.Dialect, len(c.DeadLetters.Dialects))
	for i, name := range c.DeadLetters.Dialects {
		dialects[i] = topics.Dialect(name)
	}
	return processor.Config{
		Topics: c.Source.Topics, Group: c.Group(d), SessionTimeout: c.Source.SessionTimeout,
		CommitInterval: c.Source.CommitInterval, DrainTimeout: c.Source.DrainTimeout, Lane: c.Lane,
		Limits: processor.Limits{
			Records: c.Limits.Records, Bytes: int64(c.Limits.Bytes), Lanes: c.Limits.Lanes, Span: c.Limits.Span,
		},
		ResponsesMaxBytes:   found.topics[c.Responses.Topic].maxMessageBytes,
		DeadLettersMaxBytes: found.topics[c.DeadLetters.Topic].maxMessageBytes,
		Writer: topics.Config{
			Responses: c.Responses.Topic, Bodies: c.Responses.Bodies, DeadLetters: c.DeadLetters.Topic, Dialects: dialects,
			Group: c.Group(d), Destination: d.Name, DestinationType: d.Type, AppVersion: version(), Cluster: found.cluster,
		},
	}
}
