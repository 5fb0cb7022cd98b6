package main

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

	"github.com/deskstream/deskstream/cmd/deskstream/config"
)

// rights are the operations that a cluster says are ours on one resource, a bit for each.
type rights int32

// unknownRights is what a cluster answers that does not tell.
const unknownRights rights = math.MinInt32

func (r rights) lack(op kmsg.ACLOperation) bool {
	return r != unknownRights && r&(1<<op) == 0
}

// rightError is a right that is missing.
func rightError(op kmsg.ACLOperation, resource, name string) error {
	return fmt.Errorf("no right to %s %s %s: give it to the user of kafka.sasl or kafka.tls.cert_file, see Rights in docs/operations.md", operationNames[op], resource, name)
}

// operationNames are the names that kafka-acls takes.
var operationNames = map[kmsg.ACLOperation]string{
	kmsg.ACLOperationRead: "Read", kmsg.ACLOperationWrite: "Write", kmsg.ACLOperationCreate: "Create",
	kmsg.ACLOperationDescribe: "Describe", kmsg.ACLOperationDescribeConfigs: "DescribeConfigs",
}

// explainTopic names the right that a refused request for a topic lacks.
func explainTopic(err error, op kmsg.ACLOperation, topic string) error {
	return explainTopics(err, op, []string{topic})
}

// explainTopics is explainTopic for a request for several topics, of which the answer
// names none.
func explainTopics(err error, op kmsg.ACLOperation, topics []string) error {
	// Who may write to no topic at all is refused a producer id before the topic is asked for.
	noProducer := op == kmsg.ACLOperationWrite && errors.Is(err, kerr.ClusterAuthorizationFailed)
	if noProducer || errors.Is(err, kerr.TopicAuthorizationFailed) {
		return fmt.Errorf("%w: %w", rightError(op, "topic", strings.Join(topics, " or ")), err)
	}
	return err
}

// neededOf are the operations that a pipeline does on a topic. Each of them brings
// Describe with it.
func (s topicSet) neededOf(name string) []kmsg.ACLOperation {
	switch s.roleOf(name) {
	case "source":
		return []kmsg.ACLOperation{kmsg.ACLOperationRead}
	case "responses":
		return []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationWrite}
	}
	return []kmsg.ACLOperation{kmsg.ACLOperationWrite}
}

// missingRights are the rights on one topic that a pipeline lacks.
func (s topicSet) missingRights(name string, info topicInfo) []error {
	var problems []error
	for _, op := range s.neededOf(name) {
		if info.rights.lack(op) {
			problems = append(problems, rightError(op, "topic", name))
		}
	}
	return problems
}

// need gives an error for each of the operations on a topic that is not ours to do. What
// does not exist lacks nothing.
func (t topology) need(name string, ops ...kmsg.ACLOperation) error {
	var problems []error
	for _, op := range ops {
		if info, there := t.topics[name]; there && info.rights.lack(op) {
			problems = append(problems, rightError(op, "topic", name))
		}
	}
	return errors.Join(problems...)
}

// checkGroup reports whether a pipeline may be a member of its group, and whether the
// cluster speaks the group's protocol. A group that does not exist yet is no problem.
func checkGroup(ctx context.Context, cl *kgo.Client, protocol, group string) error {
	ask := describeClassicGroup
	if protocol == config.ProtocolConsumer {
		ask = describeConsumerGroup
	}
	ours, err := ask(ctx, cl, group)
	// The first group of a new cluster waits for the topic of the offsets.
	for err != nil && kerr.IsRetriable(err) && ctx.Err() == nil {
		select {
		case <-time.After(topicPoll):
		case <-ctx.Done():
		}
		ours, err = ask(ctx, cl, group)
	}
	switch {
	case errors.Is(err, kerr.GroupAuthorizationFailed), err == nil && ours.lack(kmsg.ACLOperationRead):
		return rightError(kmsg.ACLOperationRead, "group", group)
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
