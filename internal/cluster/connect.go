package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/config"
)

// ContactTimeout limits the first contact with a cluster.
const ContactTimeout = 15 * time.Second

// Connect makes a client of the cluster and checks that the cluster answers. A fault in the
// settings is a config.UsageError.
func Connect(ctx context.Context, c *config.Config, log *slog.Logger, opts ...kgo.Opt) (*kgo.Client, error) {
	base, err := Options(c)
	if err != nil {
		return nil, &config.UsageError{Err: err}
	}
	// Below a warning, kgo tells of each connection, which is no news to a person at a command.
	base = append(base, kgo.WithLogger(warnings{NewLogger(log)}))
	cl, err := kgo.NewClient(append(base, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("making a Kafka client: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, ContactTimeout)
	defer cancel()
	if err := ping(ctx, cl); err != nil {
		cl.Close()
		return nil, fmt.Errorf("connecting to Kafka at %s: %w", strings.Join(c.Kafka.Brokers, ", "), Explain(ctx, c.Kafka, err))
	}
	return cl, nil
}

// ping asks all configured brokers at once and returns when one answers. It ends with ctx,
// because a request to a broker that accepts the connection and is silent waits until the
// client is closed.
func ping(ctx context.Context, cl *kgo.Client) error {
	brokers := cl.SeedBrokers()
	answered := make(chan error, len(brokers))
	for _, broker := range brokers {
		go func() {
			req := kmsg.NewPtrMetadataRequest()
			req.Topics = []kmsg.MetadataRequestTopic{}
			_, err := broker.Request(ctx, req)
			answered <- err
		}()
	}
	var failed []error
	for range brokers {
		select {
		case err := <-answered:
			if err == nil {
				return nil
			}
			failed = append(failed, err)
		case <-ctx.Done():
			return errors.Join(append(failed, ctx.Err())...)
		}
	}
	return errors.Join(failed...)
}

// warnings is a logger of kgo that leaves out info messages, unless the level is debug.
type warnings struct{ kgo.Logger }

// Level is the level of the logger, or warn if that is info.
func (w warnings) Level() kgo.LogLevel {
	if level := w.Logger.Level(); level != kgo.LogLevelInfo {
		return level
	}
	return kgo.LogLevelWarn
}
