package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/config"
)

// InboundBytes is the max.message.bytes that takes any webhook of 1 MiB, with what is read from it
// beside it. Only one of control characters can need more.
const InboundBytes = 4 << 20

// enoughForInbound takes the webhooks of 1 MiB, if not always with what is read from them.
const enoughForInbound = 3 << 19

// CreateInbound creates the topic of unified events if it is missing.
func CreateInbound(ctx context.Context, cl *kgo.Client, topic string, log *slog.Logger) error {
	_, err := CreateMissing(ctx, cl, []NewTopic{{Name: topic, Partitions: newSourcePartitions, Settings: inboundSettings()}}, log)
	return err
}

func inboundSettings() map[string]string {
	return map[string]string{"cleanup.policy": "delete", "max.message.bytes": strconv.Itoa(InboundBytes)}
}

// VerifyInbound returns what receive needs to know of the topic of unified events, or an error
// with all that is wrong with it.
func VerifyInbound(ctx context.Context, cl *kgo.Client, topic string, log *slog.Logger) (Topic, error) {
	found, err := Find(ctx, cl, []string{topic})
	if err != nil {
		return Topic{}, err
	}
	info, there := found.Topics[topic]
	if !there {
		return Topic{}, fmt.Errorf("topic %s does not exist: create it or run receive or export with --create-topics", topic)
	}
	if err := found.Need(topic, kmsg.ACLOperationWrite); err != nil || info.Denied {
		return Topic{}, errors.Join(err, deniedError(topic, info))
	}
	info = Describe(ctx, cl, topic, info, log)
	if slices.Contains(info.Cleanup, "compact") {
		return Topic{}, fmt.Errorf("topic %s is compacted, and would keep the last event of each ticket only: set cleanup.policy=delete", topic)
	}
	if text := tooSmallForInbound(info); text != "" {
		log.Warn("the largest webhooks do not fit into the topic", "topic", topic, "advice", text)
	}
	return info, nil
}

func deniedError(topic string, info Topic) error {
	if !info.Denied {
		return nil
	}
	return MissingRight(kmsg.ACLOperationDescribe, "topic", topic)
}

// tooSmallForInbound says what to do about a topic that does not take every webhook; "" for
// nothing.
func tooSmallForInbound(info Topic) string {
	if !info.described || info.MaxMessageBytes >= enoughForInbound {
		return ""
	}
	return fmt.Sprintf("it takes messages of %d bytes, and webhooks of more are answered with 413: set max.message.bytes=%d", info.MaxMessageBytes, InboundBytes)
}

// checkInbound checks the topic of unified events of a configuration that receives webhooks.
func checkInbound(ctx context.Context, cl *kgo.Client, cfg *config.Config, log *slog.Logger) []Finding {
	if !slices.ContainsFunc(cfg.Destinations, func(d config.Destination) bool { return d.Webhooks.Receives() }) {
		return nil
	}
	f := Finding{What: "inbound", Name: cfg.Inbound.Topic}
	info, err := VerifyInbound(ctx, cl, cfg.Inbound.Topic, log)
	switch {
	case err != nil:
		f.Failed, f.Text = true, err.Error()
	default:
		f.Text = info.String()
		if advice := tooSmallForInbound(info); advice != "" {
			f.Warning, f.Text = true, advice
		}
	}
	return []Finding{f}
}
