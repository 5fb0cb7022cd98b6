package kafkatest

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AddPartitions raises the number of a topic's partitions to n, and waits until every broker
// has them.
func (c *Cluster) AddPartitions(t testing.TB, topic string, n int) {
	t.Helper()
	cl := c.connect(t)
	defer cl.Close()
	updated, err := kadm.NewClient(cl).UpdatePartitions(t.Context(), n, topic)
	if err = errors.Join(err, updated.Error()); err != nil {
		t.Fatalf("adding partitions to topic %s: %v", topic, err)
	}
	awaitLed(t, cl, topic, n)
}

// awaitLed waits until every broker says that a topic has n partitions, each with a leader. Brokers
// hear of a change one after another: whoever asks one that has not sees fewer partitions, or none.
func awaitLed(t testing.TB, cl *kgo.Client, topic string, n int) {
	t.Helper()
	brokers, err := kadm.NewClient(cl).ListBrokers(t.Context())
	if err != nil {
		t.Fatalf("listing brokers: %v", err)
	}
	for _, id := range brokers.NodeIDs() {
		for ledBy(t, cl.Broker(int(id)), topic) != n {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// ledBy is how many partitions of a topic have a leader, as a broker knows it.
func ledBy(t testing.TB, broker *kgo.Broker, topic string) int {
	t.Helper()
	req := kmsg.NewPtrMetadataRequest()
	asked := kmsg.NewMetadataRequestTopic()
	asked.Topic = &topic
	req.Topics = append(req.Topics, asked)
	resp, err := broker.RetriableRequest(t.Context(), req)
	if err != nil {
		t.Fatalf("asking a broker for topic %s: %v", topic, err)
	}
	found, led := resp.(*kmsg.MetadataResponse).Topics[0], 0
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil && !kerr.IsRetriable(err) {
		t.Fatalf("asking a broker for topic %s: %v", topic, err)
	}
	for _, p := range found.Partitions {
		if p.Leader >= 0 && p.ErrorCode == 0 {
			led++
		}
	}
	return led
}
