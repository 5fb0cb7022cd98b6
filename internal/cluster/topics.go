package cluster

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

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
)

const (
	// letterRoom is how much larger than its event a dead letter can be, in bytes.
	letterRoom = 64 << 10
	// DefaultMaxMessageBytes is Kafka's own default of max.message.bytes.
	DefaultMaxMessageBytes = 1048588
	// unlimited is the retention of a topic that keeps everything.
	unlimited time.Duration = -1
)

// Topics names the topics that pipelines use.
type Topics struct {
	Sources                []string
	Inbound                string   // the one of Sources with what help desks send, "" for none
	Calls                  []string // of API requests
	Responses, DeadLetters string
	// Keys is that of the keys of rules, "" where no rule has one.
	Keys string
}

// TopicsOf returns the names of the topics that pipelines of destinations use, and those of the
// calls of all destinations: how a rate budget is shared depends on their partitions.
func TopicsOf(c *config.Config, destinations ...config.Destination) Topics {
	set := Topics{
		Sources: c.Source.Topics, Calls: c.CallsTopics(), Responses: c.Responses.Topic, DeadLetters: c.DeadLetters.Topic, Keys: c.KeysTopic(destinations...),
	}
	if c.ReadsInbound() {
		set.Inbound = c.Inbound.Topic
	}
	return set
}

// inputs are the topics that are read to be delivered.
func (s Topics) inputs() []string { return slices.Concat(s.Sources, s.Calls) }

// States returns the name of the topic of the letters' states.
func (s Topics) States() string { return s.DeadLetters + ".state" }

// Names returns the names of the topics that have to exist.
func (s Topics) Names() []string {
	names := append(s.inputs(), s.Responses, s.DeadLetters)
	if s.Keys != "" {
		names = append(names, s.Keys)
	}
	return names
}

// Topology describes a cluster and the topics that were asked for.
type Topology struct {
	// ID is the cluster's id, "" if it has none.
	ID     string
	Topics map[string]Topic
}

// ready reports whether all of the named topics can be used.
func (t Topology) ready(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return !t.Topics[name].Ready })
}

// Topic describes one topic.
type Topic struct {
	ID         kadm.TopicID
	Partitions int32
	// Ready reports whether every partition has a leader.
	Ready bool
	// rights are this program's on the topic.
	rights rights
	// Denied reports whether the cluster hides the topic, even whether it exists.
	Denied bool
	// described reports whether the settings below were read; without the right to do
	// so they are Kafka's defaults.
	described       bool
	MaxMessageBytes int32
	Cleanup         []string      // "delete", "compact" or both
	retention       time.Duration // unlimited, or how long records are kept
}

// Verify returns what the processor needs to know of the topics, or an error with all that is
// wrong with them. Where settings may not be read, it assumes Kafka's defaults and logs a
// warning.
func Verify(ctx context.Context, cl *kgo.Client, set Topics, log *slog.Logger) (Topology, error) {
	found, err := Find(ctx, cl, set.Names())
	if err != nil {
		return Topology{}, err
	}
	var problems []error
	for _, name := range set.Names() {
		info, ok := found.Topics[name]
		if !ok {
			problems = append(problems, fmt.Errorf("topic %s does not exist: create it or run with --create-topics", name))
			continue
		}
		problems = append(problems, set.MissingRights(name, info)...)
		if info.Denied {
			continue
		}
		found.Topics[name] = Describe(ctx, cl, name, info, log)
	}
	if len(problems) == 0 {
		problems = CheckSettings(set, found.Topics)
		warnOfShortLedger(set, found.Topics, log)
	}
	return found, errors.Join(problems...)
}

// findVisible is Find with an error when a topic is hidden.
func findVisible(ctx context.Context, cl kmsg.Requestor, names []string) (Topology, error) {
	found, err := Find(ctx, cl, names)
	problems := []error{err}
	for _, name := range names {
		if found.Topics[name].Denied {
			problems = append(problems, MissingRight(kmsg.ACLOperationDescribe, "topic", name))
		}
	}
	return found, errors.Join(problems...)
}

// Find describes those of the topics that exist. It asks the cluster, not the client's cache,
// because topics may be new.
func Find(ctx context.Context, cl kmsg.Requestor, names []string) (Topology, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.IncludeTopicAuthorizedOperations = true
	for _, name := range names {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = &name
		req.Topics = append(req.Topics, topic)
	}
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return Topology{}, fmt.Errorf("asking Kafka for its topics: %w", err)
	}
	found := Topology{Topics: make(map[string]Topic, len(names))}
	if resp.ClusterID != nil {
		found.ID = *resp.ClusterID
	}
	var problems []error
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		switch {
		case t.Topic == nil || errors.Is(err, kerr.UnknownTopicOrPartition):
		case errors.Is(err, kerr.TopicAuthorizationFailed):
			found.Topics[*t.Topic] = Topic{Denied: true}
		case err != nil && !kerr.IsRetriable(err):
			problems = append(problems, fmt.Errorf("asking Kafka for topic %s: %w", *t.Topic, err))
		default:
			found.Topics[*t.Topic] = Topic{
				ID: t.TopicID, Partitions: int32(len(t.Partitions)), Ready: err == nil && allLed(t.Partitions),
				rights:          rights(t.AuthorizedOperations),
				MaxMessageBytes: DefaultMaxMessageBytes, Cleanup: []string{"delete"}, retention: unlimited,
			}
		}
	}
	return found, errors.Join(problems...)
}

func allLed(partitions []kmsg.MetadataResponseTopicPartition) bool {
	return len(partitions) > 0 && !slices.ContainsFunc(partitions,
		func(p kmsg.MetadataResponseTopicPartition) bool { return p.Leader < 0 })
}

// Describe adds the settings of a topic. It asks for one topic only, because a request for
// several fails when one of them may not be described.
func Describe(ctx context.Context, cl *kgo.Client, name string, info Topic, log *slog.Logger) Topic {
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
		log.Warn("topic settings not readable, defaults assumed", "topic", name, "err", ExplainTopic(err, kmsg.ACLOperationDescribeConfigs, name))
	}
	return info
}

// apply sets one setting. Where the value is not a number, the default stays.
func (t *Topic) apply(key, value string) {
	switch key {
	case "max.message.bytes":
		if n, err := strconv.ParseInt(value, 10, 32); err == nil {
			t.MaxMessageBytes = int32(n)
		}
	case "cleanup.policy":
		t.Cleanup = strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' })
	case "retention.ms":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
			t.retention = time.Duration(min(n, int64(maxRetention/time.Millisecond))) * time.Millisecond
		}
	}
}

// maxRetention is the longest finite retention that a Duration can hold.
const maxRetention = time.Duration(math.MaxInt64)

// CheckSettings returns the settings that keep a pipeline from starting. Compaction would
// delete all outcomes of a lane but the last, and all letters of a key but the last.
func CheckSettings(set Topics, topics map[string]Topic) []error {
	var problems []error
	responses, letters := topics[set.Responses], topics[set.DeadLetters]
	if slices.Contains(responses.Cleanup, "compact") {
		problems = append(problems, fmt.Errorf("topic %s is compacted and cannot be the ledger: set cleanup.policy=delete", set.Responses))
	}
	if !slices.Equal(letters.Cleanup, []string{"delete"}) {
		problems = append(problems, fmt.Errorf("topic %s has cleanup.policy %s: set cleanup.policy=delete",
			set.DeadLetters, strings.Join(letters.Cleanup, ",")))
	}
	if keys := topics[set.Keys]; set.Keys != "" && keys.described && !slices.Equal(keys.Cleanup, []string{"compact"}) {
		problems = append(problems, fmt.Errorf("topic %s has cleanup.policy %s and would lose the keys of open tickets: set cleanup.policy=compact",
			set.Keys, strings.Join(keys.Cleanup, ",")))
	}
	for _, source := range set.inputs() {
		need := letterBytes(topics[source].MaxMessageBytes)
		known := topics[source].described && letters.described
		if known && letters.MaxMessageBytes < need {
			problems = append(problems, fmt.Errorf(
				"topic %s takes messages of %d bytes, too few for the letters of %s: set max.message.bytes=%d or more",
				set.DeadLetters, letters.MaxMessageBytes, source, need))
		}
	}
	return problems
}

// letterBytes returns the max.message.bytes that the letters of a source need.
func letterBytes(source int32) int32 {
	return int32(min(int64(source)+letterRoom, math.MaxInt32))
}

// warnOfShortLedger logs when outcomes expire before their events: after a long stall, events
// could then be delivered again.
func warnOfShortLedger(set Topics, topics map[string]Topic, log *slog.Logger) {
	responses := topics[set.Responses]
	if !responses.described || responses.retention == unlimited {
		return
	}
	for _, source := range set.inputs() {
		if info := topics[source]; info.described && info.retention > responses.retention {
			log.Warn("outcomes are kept for less time than events", "topic", set.Responses,
				"retention", responses.retention, "source", source, "source_retention", info.retention)
		}
	}
}

// tooShortFor says what to do when the topic of outcomes keeps them for less time than repeats are
// to be known; "" for nothing.
func (t Topic) tooShortFor(dedup time.Duration) string {
	if !t.described || t.retention == unlimited || t.retention >= dedup {
		return ""
	}
	return fmt.Sprintf("outcomes are kept for %s, so repeats are not known for source.dedup of %s after a takeover: raise retention.ms or lower source.dedup",
		t.retention, dedup)
}

// MissesStates reports whether the topic of the letters' states does not exist. A hidden
// topic counts as existing.
func MissesStates(ctx context.Context, cl *kgo.Client, set Topics) (bool, error) {
	found, err := Find(ctx, cl, []string{set.States()})
	_, there := found.Topics[set.States()]
	return err == nil && !there, err
}

// CreateStates says what to do when the topic of the letters' states does not exist.
const CreateStates = "until it is there, dlq apply and dlq discard refuse to work, every letter counts as open, and holds of operators end with their process: " +
	"create it with cleanup.policy=compact, or run once with --create-topics"

// WarnOfMissingStates logs a warning when the topic of the letters' states does not exist.
func WarnOfMissingStates(ctx context.Context, cl *kgo.Client, set Topics, log *slog.Logger) {
	missing, err := MissesStates(ctx, cl, set)
	if err != nil {
		log.Warn("looking for the topic of the letters' states failed", "topic", set.States(), "err", err)
	} else if missing {
		log.Warn("topic of the letters' states does not exist", "topic", set.States(), "do", CreateStates)
	}
}

// Role returns what a topic is for: "source", "calls", "responses", "keys" or "dead letters".
func (s Topics) Role(name string) string {
	switch {
	case slices.Contains(s.Sources, name):
		return "source"
	case slices.Contains(s.Calls, name):
		return "calls"
	case name == s.Responses:
		return "responses"
	case name == s.Keys:
		return "keys"
	}
	return "dead letters"
}

// Retention returns for how long the topic keeps records, for people.
func (t Topic) Retention() string {
	switch {
	case !t.described:
		return "not readable"
	case slices.Equal(t.Cleanup, []string{"compact"}), t.retention == unlimited:
		return "unlimited"
	}
	return t.retention.String()
}

// String returns the topic's partitions and settings for people.
func (t Topic) String() string {
	shape := output.Count(int(t.Partitions), "partition")
	if !t.described {
		return shape + ", settings not readable"
	}
	kept := "unlimited"
	if t.retention != unlimited {
		kept = t.retention.String()
	}
	return fmt.Sprintf("%s, retention %s, max.message.bytes %d, cleanup %s", shape, kept, t.MaxMessageBytes, strings.Join(t.Cleanup, ","))
}
