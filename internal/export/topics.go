package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/wiring"
)

const (
	// objectPartitions is enough for what one rate limit lets in.
	objectPartitions = 3
	// objectBytes takes an e-mail of a megabyte, which stands in an object up to three times.
	objectBytes = 4 << 20
)

// topicsOf are the topics of some destinations: compacted ones, and the one of unified events.
func topicsOf(cfg *config.Config, libraries []wiring.Library) (compacted []string, events string) {
	compacted = []string{StateTopic(cfg.Inbound.Topic)}
	for _, l := range libraries {
		for _, e := range l.Config.Export.Entities {
			compacted = append(compacted, cfg.Inbound.Topic+"."+l.Config.Name+"."+e)
		}
	}
	return compacted, cfg.Inbound.Topic
}

// createTopics creates the topics that are missing.
func createTopics(ctx context.Context, cl *kgo.Client, compacted []string, events string, log *slog.Logger) error {
	if err := cluster.CreateInbound(ctx, cl, events, log); err != nil {
		return err
	}
	var topics []cluster.NewTopic
	for i, name := range compacted {
		t := cluster.NewTopic{Name: name, Partitions: objectPartitions, Settings: map[string]string{"cleanup.policy": "compact", "max.message.bytes": strconv.Itoa(objectBytes)}}
		if i == 0 {
			t.Partitions, t.Settings = 1, cluster.StateSettings()
		}
		topics = append(topics, t)
	}
	_, err := cluster.CreateMissing(ctx, cl, topics, log)
	return err
}

// verifyTopics returns all that is wrong with the topics. One that is not compacted would forget
// objects that have not changed for its retention.
func verifyTopics(ctx context.Context, cl *kgo.Client, compacted []string, events string, log *slog.Logger) error {
	found, err := cluster.Find(ctx, cl, compacted)
	if err != nil {
		return err
	}
	_, err = cluster.VerifyInbound(ctx, cl, events, log)
	problems := []error{err}
	for _, name := range compacted {
		info, there := found.Topics[name]
		switch {
		case !there:
			problems = append(problems, fmt.Errorf("topic %s does not exist: create it or run export with --create-topics", name))
			continue
		case info.Denied:
			problems = append(problems, cluster.MissingRight(kmsg.ACLOperationDescribe, "topic", name))
			continue
		}
		problems = append(problems, found.Need(name, kmsg.ACLOperationRead, kmsg.ACLOperationWrite))
		if info = cluster.Describe(ctx, cl, name, info, log); !slices.Equal(info.Cleanup, []string{"compact"}) {
			problems = append(problems, fmt.Errorf("topic %s has cleanup.policy %s and would forget what does not change: set cleanup.policy=compact",
				name, strings.Join(info.Cleanup, ",")))
		}
	}
	return errors.Join(problems...)
}
