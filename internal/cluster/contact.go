package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
)

// connectBackoff limits the pause between two attempts to connect.
const connectBackoff = 5 * time.Second

// Contact connects to the cluster and tries again until the cluster answers, ctx ends, or
// trying again cannot help.
func Contact(ctx context.Context, cfg *config.Config, log *slog.Logger) (*kgo.Client, error) {
	wait, told := 200*time.Millisecond, ""
	for {
		client, err := Connect(ctx, cfg, log)
		if err == nil {
			return client, nil
		}
		if _, own := errors.AsType[*config.UsageError](err); own || isLasting(err) {
			return nil, err
		}
		if errors.Is(context.Cause(ctx), context.Canceled) {
			return nil, context.Cause(ctx)
		}
		if told != err.Error() {
			log.Warn("brokers not reached yet", "brokers", cfg.Kafka.Brokers, "err", err)
			told = err.Error()
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		if errors.Is(context.Cause(ctx), context.Canceled) {
			return nil, context.Cause(ctx)
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		wait = min(2*wait, connectBackoff)
	}
}
