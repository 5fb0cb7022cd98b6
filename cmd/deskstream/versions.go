package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
)

// need is a request that a pipeline makes, in the lowest version that will do.
type need struct {
	key     kmsg.Key
	version int16
	since   string // the release of Apache Kafka that brought it
}

// needs are what not every cluster has that lets us connect. Topic ids are in the checkpoint,
// and without idempotent writes outcomes could change places.
var needs = []need{
	{kmsg.Metadata, 10, "2.8"},
	{kmsg.InitProducerID, 0, "0.11"},
	{kmsg.OffsetForLeaderEpoch, 2, "2.1"},
}

// consumerNeeds come with the consumer protocol.
var consumerNeeds = []need{
	{kmsg.ConsumerGroupHeartbeat, 0, "4.0"},
	{kmsg.ConsumerGroupDescribe, 0, "4.0"},
}

// checkVersions names what brokers of the cluster do not offer. Brokers that do not
// answer are left out.
func checkVersions(ctx context.Context, cl *kgo.Client, protocol string) error {
	wanted, advice := needs, "upgrade the brokers, or name others in kafka.brokers"
	if protocol == config.ProtocolConsumer {
		wanted = append(wanted[:len(wanted):len(wanted)], consumerNeeds...)
	}
	brokers, err := kadm.NewClient(cl).ApiVersions(ctx)
	if err != nil {
		return fmt.Errorf("asking Kafka for its versions: %w", err)
	}
	var problems []error
	for _, broker := range brokers.Sorted() {
		if broker.Err != nil {
			continue
		}
		for _, n := range wanted {
			offered, ok := broker.KeyMaxVersion(n.key.Int16())
			if ok && offered >= n.version {
				continue
			}
			if n.key == kmsg.ConsumerGroupHeartbeat || n.key == kmsg.ConsumerGroupDescribe {
				advice = "set source.group_protocol to classic, or upgrade the brokers"
			}
			problems = append(problems, fmt.Errorf("broker %d does not offer %s in version %d, which Apache Kafka has since %s: %s",
				broker.NodeID, n.key.Name(), n.version, n.since, advice))
		}
	}
	return errors.Join(problems...)
}
