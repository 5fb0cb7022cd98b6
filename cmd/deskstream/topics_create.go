package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// newSourcePartitions bounds the number of instances that share the work.
	newSourcePartitions = 12
	// ledgerRetention is how long outcomes are kept at least. Outcomes at and above a
	// commit that stalls have to outlast the stall; nobody leaves one for two weeks.
	ledgerRetention = 14 * 24 * time.Hour
	// letterRetention leaves a quarter of a year to look after a dead letter.
	letterRetention = 90 * 24 * time.Hour
	// stateSegment keeps the small compacted topic of letter states small, in bytes.
	stateSegment = 16 << 20
	// topicPoll is the time between two looks at whether new topics are there.
	topicPoll = 100 * time.Millisecond
)

// newTopic is a topic to create, with the cluster's replication.
type newTopic struct {
	name       string
	partitions int32
	configs    map[string]string
}

// createTopics creates the topics that are missing and waits until all can be used:
// sources with 12 partitions, the others with the largest source's number and with
// settings for what they hold. Topics that are there already, or that another
// instance creates at the same time, stay as they are.
func createTopics(ctx context.Context, cl *kgo.Client, set topicSet, log *slog.Logger) error {
	var sources []newTopic
	for _, name := range set.sources {
		sources = append(sources, newTopic{name: name, partitions: newSourcePartitions})
	}
	found, err := createMissing(ctx, cl, sources, log)
	if err != nil {
		return err
	}
	_, err = createMissing(ctx, cl, companions(set, describeAll(ctx, cl, found, log)), log)
	return err
}

func describeAll(ctx context.Context, cl *kgo.Client, found topology, log *slog.Logger) map[string]topicInfo {
	for name, info := range found.topics {
		found.topics[name] = describeTopic(ctx, cl, name, info, log)
	}
	return found.topics
}

// companions are the topics that go with the sources.
func companions(set topicSet, sources map[string]topicInfo) []newTopic {
	partitions, size, retention := int32(1), int32(0), ledgerRetention
	for _, info := range sources {
		partitions = max(partitions, info.partitions)
		size = max(size, info.maxMessageBytes)
		retention = max(retention, info.retention)
	}
	// Outcomes get the room of letters: a lane's value, their key, may be a whole event.
	maxBytes := strconv.Itoa(int(letterBytes(size)))
	return []newTopic{
		{set.responses, partitions, keptFor(retention, maxBytes)},
		{set.deadLetters, partitions, keptFor(letterRetention, maxBytes)},
		{set.letterStates(), partitions, stateConfigs()},
	}
}

// stateConfigs are the settings of the topic that keeps what became of each letter.
func stateConfigs() map[string]string {
	return map[string]string{"cleanup.policy": "compact", "segment.bytes": strconv.Itoa(stateSegment)}
}

// keptFor are the settings of a topic that keeps records for a time, however many.
func keptFor(retention time.Duration, maxBytes string) map[string]string {
	return map[string]string{
		"cleanup.policy":    "delete",
		"retention.ms":      strconv.FormatInt(retention.Milliseconds(), 10),
		"retention.bytes":   "-1",
		"max.message.bytes": maxBytes,
	}
}

// createMissing creates those of the topics that are not there and waits for all.
func createMissing(ctx context.Context, cl *kgo.Client, topics []newTopic, log *slog.Logger) (topology, error) {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.name
	}
	found, err := findTopics(ctx, cl, names)
	if err != nil {
		return topology{}, err
	}
	var problems []error
	for _, t := range topics {
		if _, ok := found.topics[t.name]; !ok {
			problems = append(problems, createTopic(ctx, cl, t, log))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return topology{}, err
	}
	return awaitTopics(ctx, cl, names)
}

func createTopic(ctx context.Context, cl *kgo.Client, t newTopic, log *slog.Logger) error {
	configs := make(map[string]*string, len(t.configs))
	for key, value := range t.configs {
		configs[key] = &value
	}
	_, err := kadm.NewClient(cl).CreateTopic(ctx, t.partitions, -1, configs, t.name)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("creating topic %s: %w", t.name, explainTopic(err, kmsg.ACLOperationCreate, t.name))
	}
	log.Info("topic created", "topic", t.name, "partitions", t.partitions)
	return nil
}

// awaitTopics returns once every partition of the topics has a leader, and all brokers
// know: the next question may go to another one than that which made them.
func awaitTopics(ctx context.Context, cl *kgo.Client, names []string) (topology, error) {
	for {
		found, err := findTopics(ctx, cl, names)
		if err == nil && found.ready(names) && knownByAll(ctx, cl, names) {
			return found, nil
		}
		if err == nil {
			select {
			case <-time.After(topicPoll):
				continue
			case <-ctx.Done():
				err = context.Cause(ctx)
			}
		}
		return topology{}, fmt.Errorf("waiting for topics %s: %w", strings.Join(names, ", "), err)
	}
}

// knownByAll reports whether all brokers that answer know the topics.
func knownByAll(ctx context.Context, cl *kgo.Client, names []string) bool {
	return !slices.ContainsFunc(cl.DiscoveredBrokers(), func(broker *kgo.Broker) bool {
		found, err := findTopics(ctx, broker, names)
		return err == nil && !found.ready(names)
	})
}
