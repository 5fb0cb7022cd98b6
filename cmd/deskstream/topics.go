package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
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
	// letterRoom is how much larger than the event a dead letter may be, in bytes.
	letterRoom = 64 << 10
	// defaultMaxMessageBytes is Kafka's own default of max.message.bytes.
	defaultMaxMessageBytes = 1048588
	// unlimited is the retention of a topic that keeps everything.
	unlimited time.Duration = -1
)

// topicSet names the topics that pipelines use.
type topicSet struct {
	sources                []string
	responses, deadLetters string
}

// letterStates is the topic on which it is kept what became of each letter.
func (s topicSet) letterStates() string { return s.deadLetters + ".state" }

func (s topicSet) names() []string {
	return append(slices.Clone(s.sources), s.responses, s.deadLetters)
}

// topology is what a cluster says of itself and of the topics that were asked for.
type topology struct {
	// cluster is the cluster's id, "" if it has none.
	cluster string
	topics  map[string]topicInfo
}

// ready reports whether all of the named topics can be used.
func (t topology) ready(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !t.topics[name].ready })
}

// topicInfo is what a cluster says of one topic.
type topicInfo struct {
	id         kadm.TopicID
	partitions int32
	// ready reports whether every partition has a leader.
	ready bool
	// rights are ours on the topic.
	rights rights
	// denied tells that the cluster does not even say whether the topic exists.
	denied bool
	// described reports whether the settings below were read; without the right to do
	// so they are Kafka's defaults.
	described       bool
	maxMessageBytes int32
	cleanup         []string      // "delete", "compact" or both
	retention       time.Duration // unlimited, or how long records are kept
}

// verifyTopics tells what the processor needs to know of the topics, or everything
// that is wrong with them. Settings that may not be read are taken for Kafka's
// defaults, with a warning.
func verifyTopics(ctx context.Context, cl *kgo.Client, set topicSet, log *slog.Logger) (topology, error) {
	found, err := askForTopics(ctx, cl, set.names())
	if err != nil {
		return topology{}, err
	}
	var problems []error
	for _, name := range set.names() {
		info, ok := found.topics[name]
		if !ok {
			problems = append(problems, fmt.Errorf("topic %s does not exist: create it or run with --create-topics", name))
			continue
		}
		problems = append(problems, set.missingRights(name, info)...)
		if info.denied {
			continue
		}
		found.topics[name] = describeTopic(ctx, cl, name, info, log)
	}
	if len(problems) == 0 {
		problems = checkSettings(set, found.topics)
		warnOfShortLedger(set, found.topics, log)
	}
	return found, errors.Join(problems...)
}

// findTopics is askForTopics where all of the topics have to be visible.
func findTopics(ctx context.Context, cl kmsg.Requestor, names []string) (topology, error) {
	found, err := askForTopics(ctx, cl, names)
	problems := []error{err}
	for _, name := range names {
		if found.topics[name].denied {
			problems = append(problems, rightError(kmsg.ACLOperationDescribe, "topic", name))
		}
	}
	return found, errors.Join(problems...)
}

// askForTopics asks for topics and leaves out those that do not exist. It does not use
// what the client remembers, since topics may have been made a moment ago.
func askForTopics(ctx context.Context, cl kmsg.Requestor, names []string) (topology, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.IncludeTopicAuthorizedOperations = true
	for _, name := range names {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = &name
		req.Topics = append(req.Topics, topic)
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return topology{}, fmt.Errorf("asking Kafka for its topics: %w", err)
	}
	found := topology{topics: make(map[string]topicInfo, len(names))}
	if resp.ClusterID != nil {
		found.cluster = *resp.ClusterID
	}
	var problems []error
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		switch {
		case t.Topic == nil || errors.Is(err, kerr.UnknownTopicOrPartition):
		case errors.Is(err, kerr.TopicAuthorizationFailed):
			found.topics[*t.Topic] = topicInfo{denied: true}
		case err != nil && !kerr.IsRetriable(err):
			problems = append(problems, fmt.Errorf("asking Kafka for topic %s: %w", *t.Topic, err))
		default:
			found.topics[*t.Topic] = topicInfo{
				id: t.TopicID, partitions: int32(len(t.Partitions)), ready: err == nil && allLed(t.Partitions),
				rights:          rights(t.AuthorizedOperations),
				maxMessageBytes: defaultMaxMessageBytes, cleanup: []string{"delete"}, retention: unlimited,
			}
		}
	}
	return found, errors.Join(problems...)
}

func allLed(partitions []kmsg.MetadataResponseTopicPartition) bool {
	return len(partitions) > 0 && !slices.ContainsFunc(partitions,
		func(p kmsg.MetadataResponseTopicPartition) bool { return p.Leader < 0 })
}

// describeTopic fills in a topic's settings. Each topic is asked for on its own,
// because one that may not be described fails a request for several.
func describeTopic(ctx context.Context, cl *kgo.Client, name string, info topicInfo, log *slog.Logger) topicInfo {
	configs, err := kadm.NewClient(cl).DescribeTopicConfigs(ctx, name)
	if err == nil {
		var config kadm.ResourceConfig
		if config, err = configs.On(name, nil); err == nil {
			err = config.Err
		}
		info.described = err == nil
		for _, c := range config.Configs {
			info.apply(c.Key, c.MaybeValue())
		}
	}
	if err != nil {
		log.Warn("topic settings not readable, defaults assumed", "topic", name, "err", explainTopic(err, kmsg.ACLOperationDescribeConfigs, name))
	}
	return info
}

// apply takes over one setting. What is not a number keeps its default.
func (t *topicInfo) apply(key, value string) {
	switch key {
	case "max.message.bytes":
		if n, err := strconv.ParseInt(value, 10, 32); err == nil {
			t.maxMessageBytes = int32(n)
		}
	case "cleanup.policy":
		t.cleanup = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	case "retention.ms":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
			t.retention = time.Duration(min(n, int64(maxRetention/time.Millisecond))) * time.Millisecond
		}
	}
}

// maxRetention is the longest finite retention that a Duration tells apart.
const maxRetention = time.Duration(math.MaxInt64)

// checkSettings are the reasons not to start. Compaction would take the outcomes of
// all but a lane's last event from the ledger, and letters of one key from each other.
func checkSettings(set topicSet, topics map[string]topicInfo) []error {
	var problems []error
	responses, letters := topics[set.responses], topics[set.deadLetters]
	if slices.Contains(responses.cleanup, "compact") {
		problems = append(problems, fmt.Errorf("topic %s is compacted and cannot be the ledger: set cleanup.policy=delete", set.responses))
	}
	if !slices.Equal(letters.cleanup, []string{"delete"}) {
		problems = append(problems, fmt.Errorf("topic %s has cleanup.policy %s: set cleanup.policy=delete",
			set.deadLetters, strings.Join(letters.cleanup, ",")))
	}
	for _, source := range set.sources {
		need := letterBytes(topics[source].maxMessageBytes)
		known := topics[source].described && letters.described
		if known && letters.maxMessageBytes < need {
			problems = append(problems, fmt.Errorf(
				"topic %s takes messages of %d bytes, too few for the letters of %s: set max.message.bytes=%d or more",
				set.deadLetters, letters.maxMessageBytes, source, need))
		}
	}
	return problems
}

// letterBytes is the max.message.bytes that the letters of a source need.
func letterBytes(source int32) int32 {
	return int32(min(int64(source)+letterRoom, math.MaxInt32))
}

// warnOfShortLedger says when outcomes go sooner than the events they are of, so that
// a long stall could have events delivered again.
func warnOfShortLedger(set topicSet, topics map[string]topicInfo, log *slog.Logger) {
	responses := topics[set.responses]
	if !responses.described || responses.retention == unlimited {
		return
	}
	for _, source := range set.sources {
		if info := topics[source]; info.described && info.retention > responses.retention {
			log.Warn("outcomes are kept for less time than events", "topic", set.responses,
				"retention", responses.retention, "source", source, "source_retention", info.retention)
		}
	}
}
