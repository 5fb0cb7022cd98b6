package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
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
	// newSourcePartitions limits the number of instances that can share the work.
	newSourcePartitions = 12
	// ledgerRetention is how long outcomes are kept at least. While commits stall, outcomes
	// at and above the committed offset have to stay.
	ledgerRetention = 14 * 24 * time.Hour
	// letterRetention leaves a quarter of a year to deal with a dead letter.
	letterRetention = 90 * 24 * time.Hour
	// stateSegment keeps the small compacted topics of letter states and keys small, in bytes.
	stateSegment = 16 << 20
	// topicPoll is the time between two checks whether new topics are ready.
	topicPoll = 100 * time.Millisecond
)

// NewTopic is a topic to create, with the cluster's replication.
type NewTopic struct {
	Name       string
	Partitions int32
	Settings   map[string]string
}

// Create creates the missing topics and waits until all are ready. Sources get 12 partitions,
// the others as many as the largest source, and those that are written settings for what they
// hold. Existing topics, and those that another instance creates at the same time, are not changed.
func Create(ctx context.Context, cl *kgo.Client, set Topics, log *slog.Logger) error {
	var sources []NewTopic
	for _, name := range set.Sources {
		topic := NewTopic{Name: name, Partitions: newSourcePartitions}
		if name == set.Inbound {
			topic.Settings = inboundSettings()
		}
		sources = append(sources, topic)
	}
	found, err := CreateMissing(ctx, cl, sources, log)
	if err != nil {
		return err
	}
	inputs := describeAll(ctx, cl, found, log)
	partitions := mostOf(inputs)
	if len(set.Calls) > 0 {
		var calls []NewTopic
		for _, name := range set.Calls {
			calls = append(calls, NewTopic{Name: name, Partitions: partitions})
		}
		if found, err = CreateMissing(ctx, cl, calls, log); err != nil {
			return err
		}
		maps.Copy(inputs, describeAll(ctx, cl, found, log))
	}
	_, err = CreateMissing(ctx, cl, companions(set, partitions, inputs), log)
	return err
}

func describeAll(ctx context.Context, cl *kgo.Client, found Topology, log *slog.Logger) map[string]Topic {
	for name, info := range found.Topics {
		found.Topics[name] = Describe(ctx, cl, name, info, log)
	}
	return found.Topics
}

// mostOf is how many partitions the largest of some topics has, 1 at least.
func mostOf(topics map[string]Topic) int32 {
	partitions := int32(1)
	for _, info := range topics {
		partitions = max(partitions, info.Partitions)
	}
	return partitions
}

// companions returns the topics that what is read needs beside it.
func companions(set Topics, partitions int32, inputs map[string]Topic) []NewTopic {
	size, retention := int32(0), ledgerRetention
	for _, info := range inputs {
		size = max(size, info.MaxMessageBytes)
		retention = max(retention, info.retention)
	}
	// Outcomes get the size of letters: their key, a lane's value, can be a whole event.
	maxBytes := strconv.Itoa(int(letterBytes(size)))
	topics := []NewTopic{
		{set.Responses, partitions, keptFor(retention, maxBytes)},
		{set.DeadLetters, partitions, keptFor(letterRetention, maxBytes)},
		{set.States(), partitions, StateSettings()},
	}
	if set.Keys != "" {
		topics = append(topics, NewTopic{set.Keys, partitions, StateSettings()})
	}
	return topics
}

// StateSettings returns the settings of the topics of the letters' states and of keys.
func StateSettings() map[string]string {
	return map[string]string{"cleanup.policy": "compact", "segment.bytes": strconv.Itoa(stateSegment)}
}

// keptFor returns the settings of a topic that keeps records for a time, without a limit in
// bytes.
func keptFor(retention time.Duration, maxBytes string) map[string]string {
	return map[string]string{
		"cleanup.policy":    "delete",
		"retention.ms":      strconv.FormatInt(retention.Milliseconds(), 10),
		"retention.bytes":   "-1",
		"max.message.bytes": maxBytes,
	}
}

// CreateMissing creates those topics that do not exist and waits until all are ready.
func CreateMissing(ctx context.Context, cl *kgo.Client, topics []NewTopic, log *slog.Logger) (Topology, error) {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.Name
	}
	found, err := findVisible(ctx, cl, names)
	if err != nil {
		return Topology{}, err
	}
	var problems []error
	for _, t := range topics {
		if _, ok := found.Topics[t.Name]; !ok {
			problems = append(problems, createTopic(ctx, cl, t, log))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return Topology{}, err
	}
	return awaitTopics(ctx, cl, names)
}

func createTopic(ctx context.Context, cl *kgo.Client, t NewTopic, log *slog.Logger) error {
	configs := make(map[string]*string, len(t.Settings))
	for key, value := range t.Settings {
		configs[key] = &value
	}
	_, err := kadm.NewClient(cl).CreateTopic(ctx, t.Partitions, -1, configs, t.Name)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("creating topic %s: %w", t.Name, ExplainTopic(err, kmsg.ACLOperationCreate, t.Name))
	}
	log.Info("topic created", "topic", t.Name, "partitions", t.Partitions)
	return nil
}

// awaitTopics returns when every partition of the topics has a leader and all brokers know of
// it: the next request may go to a different broker than the one that created them.
func awaitTopics(ctx context.Context, cl *kgo.Client, names []string) (Topology, error) {
	for {
		found, err := findVisible(ctx, cl, names)
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
		return Topology{}, fmt.Errorf("waiting for topics %s: %w", strings.Join(names, ", "), err)
	}
}

// knownByAll reports whether all brokers that answer know the topics.
func knownByAll(ctx context.Context, cl *kgo.Client, names []string) bool {
	return !slices.ContainsFunc(cl.DiscoveredBrokers(), func(broker *kgo.Broker) bool {
		found, err := findVisible(ctx, broker, names)
		return err == nil && !found.ready(names)
	})
}
