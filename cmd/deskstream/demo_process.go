package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// process runs the pipelines of the demo's configuration until ctx ends.
func (d *demo) process(ctx context.Context) error {
	found, err := d.verify(ctx)
	if err != nil {
		return err
	}
	service, err := newService(d.cfg, nil, found, d.app.log, d.kgo)
	if err != nil {
		return err
	}
	return service.run(ctx)
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
