package wiring

import (
	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/version"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink/topics"
)

// ProcessorConfig returns the processor's settings for one destination.
func ProcessorConfig(c *config.Config, d config.Destination, found cluster.Topology) processor.Config {
	dialects := make([]topics.Dialect, len(c.DeadLetters.Dialects))
	for i, name := range c.DeadLetters.Dialects {
		dialects[i] = topics.Dialect(name)
	}
	rules := make([]string, len(d.Rules))
	for i, r := range d.Rules {
		rules[i] = r.Name
	}
	return processor.Config{
		Rules:  rules,
		Topics: c.TopicsOf(d), Calls: processor.OwnTopic{Topic: d.CallsTopic()}, Inbound: processor.OwnTopic{Topic: inboundOf(c)}, Cluster: found.ID, Group: c.Group(d), InstanceID: c.Source.GroupInstanceID,
		Protocol: processor.Protocol(c.Source.GroupProtocol), SessionTimeout: c.Source.SessionTimeout,
		ReadUncommitted: c.Source.Isolation == config.ReadUncommitted, Start: startOf(c, d), Destinations: c.DestinationNames(),
		Coalesce: d.Delivery.Coalesce, Dedup: c.Source.Dedup, CommitInterval: c.Source.CommitInterval, DrainTimeout: c.Source.DrainTimeout,
		Limits: processor.Limits{
			Records: c.Limits.Records, Bytes: int64(c.Limits.Bytes), Lanes: c.Limits.Lanes, Span: c.Limits.Span,
		},
		SourcePartitions:    partitionsOf(c.TopicsOf(d), found),
		ResponsesMaxBytes:   found.Topics[c.Responses.Topic].MaxMessageBytes,
		DeadLettersMaxBytes: found.Topics[c.DeadLetters.Topic].MaxMessageBytes,
		Writer: topics.Config{
			Responses: c.Responses.Topic, Bodies: c.Responses.Bodies,
			DeadLetters: c.DeadLetters.Topic, Dialects: dialects,
			Keys: c.KeysTopic(d), KeyPartitions: found.Topics[c.KeysTopic(d)].Partitions,
			Group: c.Group(d), Destination: d.Name, DestinationType: d.Type,
			AppVersion: version.Release(),
		},
	}
}

// inboundOf is the topic of unified events, "" where pipelines do not read it.
func inboundOf(c *config.Config) string {
	if !c.ReadsInbound() {
		return ""
	}
	return c.Inbound.Topic
}

// SourcePartitions returns how many partitions each source topic has.
func SourcePartitions(c *config.Config, found cluster.Topology) map[string]int32 {
	return partitionsOf(c.Inputs(), found)
}

func partitionsOf(topics []string, found cluster.Topology) map[string]int32 {
	partitions := make(map[string]int32)
	for _, topic := range topics {
		partitions[topic] = found.Topics[topic].Partitions
	}
	return partitions
}

// startOf returns where the destination's group begins when it has no offsets.
func startOf(c *config.Config, d config.Destination) processor.Start {
	start := d.Start
	if start.IsZero() {
		start = c.Source.Start
	}
	return processor.Start{Latest: start.String() == config.Latest, At: start.At}
}
