package cluster

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/config"
)

// rights are the operations that the cluster allows on one resource, one bit each.
type rights int32

// unknownRights is the answer of a cluster that does not report rights.
const unknownRights rights = math.MinInt32

func (r rights) lack(op kmsg.ACLOperation) bool {
	return r != unknownRights && r&(1<<op) == 0
}

// MissingRight returns the error for a right that is missing.
func MissingRight(op kmsg.ACLOperation, resource, name string) error {
	return fmt.Errorf("no right to %s %s %s: give it to the user of kafka.sasl or kafka.tls.cert_file, see Rights in docs/operations.md", operationNames[op], resource, name)
}

// operationNames are the names that kafka-acls uses.
var operationNames = map[kmsg.ACLOperation]string{
	kmsg.ACLOperationRead: "Read", kmsg.ACLOperationWrite: "Write", kmsg.ACLOperationCreate: "Create",
	kmsg.ACLOperationDescribe: "Describe", kmsg.ACLOperationDescribeConfigs: "DescribeConfigs",
}

// ExplainTopic adds to the error of a refused request for a topic which right is missing.
func ExplainTopic(err error, op kmsg.ACLOperation, topic string) error {
	return ExplainTopics(err, op, []string{topic})
}

// ExplainTopics is ExplainTopic for a request for several topics whose answer does not say
// which one it is about.
func ExplainTopics(err error, op kmsg.ACLOperation, topics []string) error {
	// A user without the right to write to any topic is refused a producer id before the
	// topic is asked for.
	noProducer := op == kmsg.ACLOperationWrite && errors.Is(err, kerr.ClusterAuthorizationFailed)
	if noProducer || errors.Is(err, kerr.TopicAuthorizationFailed) {
		return fmt.Errorf("%w: %w", MissingRight(op, "topic", strings.Join(topics, " or ")), err)
	}
	return err
}

// neededOf returns the operations that a pipeline does on a topic. The right to each includes
// Describe.
func (s Topics) neededOf(name string) []kmsg.ACLOperation {
	switch s.Role(name) {
	case "source", "calls":
		return []kmsg.ACLOperation{kmsg.ACLOperationRead}
	case "responses", "keys":
		return []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationWrite}
	}
	return []kmsg.ACLOperation{kmsg.ACLOperationWrite}
}

// MissingRights returns an error for each right on a topic that a pipeline lacks.
func (s Topics) MissingRights(name string, info Topic) []error {
	var problems []error
	for _, op := range s.neededOf(name) {
		if info.rights.lack(op) {
			problems = append(problems, MissingRight(op, "topic", name))
		}
	}
	return problems
}

// Need returns an error for each of the operations on a topic that is not allowed. For a
// topic that does not exist it returns nil.
func (t Topology) Need(name string, ops ...kmsg.ACLOperation) error {
	var problems []error
	for _, op := range ops {
		if info, there := t.Topics[name]; there && info.rights.lack(op) {
			problems = append(problems, MissingRight(op, "topic", name))
		}
	}
	return errors.Join(problems...)
}

// CheckGroup returns an error when a pipeline may not join its group, or the cluster does not
// support the group's protocol. A group that does not exist yet is no error.
func CheckGroup(ctx context.Context, cl *kgo.Client, protocol, group string) error {
	ask := describeClassicGroup
	if protocol == config.ProtocolConsumer {
		ask = describeConsumerGroup
	}
	ours, err := ask(ctx, cl, group)
	// The first group of a new cluster has to wait for the offsets topic.
	for err != nil && kerr.IsRetriable(err) && ctx.Err() == nil {
		select {
		case <-time.After(topicPoll):
		case <-ctx.Done():
		}
		ours, err = ask(ctx, cl, group)
	}
	switch {
	case errors.Is(err, kerr.GroupAuthorizationFailed), err == nil && ours.lack(kmsg.ACLOperationRead):
		return MissingRight(kmsg.ACLOperationRead, "group", group)
	case errors.Is(err, kerr.UnsupportedVersion):
		return fmt.Errorf("the cluster has the consumer protocol (KIP-848) switched off: set source.group_protocol to classic, or see to the broker's group.version and group.coordinator.rebalance.protocols: %w", err)
	case err == nil, errors.Is(err, kerr.GroupIDNotFound):
		return nil
	}
	return fmt.Errorf("asking Kafka for group %s: %w", group, err)
}

func describeClassicGroup(ctx context.Context, cl *kgo.Client, group string) (rights, error) {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups, req.IncludeAuthorizedOperations = []string{group}, true
	resp, err := req.RequestWith(ctx, cl)
	if err != nil || len(resp.Groups) != 1 {
		return unknownRights, err
	}
	return rights(resp.Groups[0].AuthorizedOperations), kerr.ErrorForCode(resp.Groups[0].ErrorCode)
}

func describeConsumerGroup(ctx context.Context, cl *kgo.Client, group string) (rights, error) {
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups, req.IncludeAuthorizedOperations = []string{group}, true
	resp, err := req.RequestWith(ctx, cl)
	if err != nil || len(resp.Groups) != 1 {
		return unknownRights, err
	}
	return rights(resp.Groups[0].AuthorizedOperations), kerr.ErrorForCode(resp.Groups[0].ErrorCode)
}
