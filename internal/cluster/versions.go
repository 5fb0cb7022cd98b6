package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/config"
)

// need is a request that a pipeline makes, with the lowest version that it can use.
type need struct {
	key     kmsg.Key
	version int16
	since   string // the release of Apache Kafka that brought it
}

// needs are requests that some clusters do not support. Topic ids are in the checkpoint, and
// without idempotent writes outcomes could be written out of order.
var needs = []need{
	{kmsg.Metadata, 10, "2.8"},
	{kmsg.InitProducerID, 0, "0.11"},
	{kmsg.OffsetForLeaderEpoch, 2, "2.1"},
}

// consumerNeeds are the requests of the consumer protocol (KIP-848).
var consumerNeeds = []need{
	{kmsg.ConsumerGroupHeartbeat, 0, "4.0"},
	{kmsg.ConsumerGroupDescribe, 0, "4.0"},
}

// CheckVersions returns an error for each request that a broker does not support. It skips
// brokers that do not answer.
func CheckVersions(ctx context.Context, cl *kgo.Client, protocol string) error {
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
