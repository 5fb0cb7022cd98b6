package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// CountRecords returns how many records topics hold that have lost none.
func CountRecords(ctx context.Context, client *kgo.Client, topics ...string) (int, error) {
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topics...)
	if err = errors.Join(err, ends.Error()); err != nil {
		return 0, fmt.Errorf("finding the ends of the topics: %w", err)
	}
	n := 0
	ends.Each(func(end kadm.ListedOffset) { n += int(end.Offset) })
	return n, nil
}
