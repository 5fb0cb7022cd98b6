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
	return processor.Config{
		Topics: c.Source.Topics, Cluster: found.ID, Group: c.Group(d), InstanceID: c.Source.GroupInstanceID,
		Protocol: processor.Protocol(c.Source.GroupProtocol), SessionTimeout: c.Source.SessionTimeout,
		ReadUncommitted: c.Source.Isolation == config.ReadUncommitted, Start: startOf(c, d), Destinations: c.DestinationNames(),
		Dedup: c.Source.Dedup, CommitInterval: c.Source.CommitInterval, DrainTimeout: c.Source.DrainTimeout,
		Limits: processor.Limits{
			Records: c.Limits.Records, Bytes: int64(c.Limits.Bytes), Lanes: c.Limits.Lanes, Span: c.Limits.Span,
		},
		SourcePartitions:    SourcePartitions(c, found),
		ResponsesMaxBytes:   found.Topics[c.Responses.Topic].MaxMessageBytes,
		DeadLettersMaxBytes: found.Topics[c.DeadLetters.Topic].MaxMessageBytes,
		Writer: topics.Config{
			Responses: c.Responses.Topic, Bodies: c.Responses.Bodies,
			DeadLetters: c.DeadLetters.Topic, Dialects: dialects,
			Group: c.Group(d), Destination: d.Name, DestinationType: d.Type,
			ConfigHash: c.Hash(d), AppVersion: version.Release(),
		},
	}
}

// SourcePartitions returns how many partitions each source topic has.
func SourcePartitions(c *config.Config, found cluster.Topology) map[string]int32 {
	partitions := make(map[string]int32)
	for _, topic := range c.Source.Topics {
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
