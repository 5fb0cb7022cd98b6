package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/codec"
	"github.com/deskstream/deskstream/sink/topics"
)

// ClockSlack is how much the clocks of producers and of this program may differ.
const ClockSlack = time.Hour

// ReadOutcomes calls fn with each outcome that was written since a time. It skips records
// that are not outcomes. Without a responses topic there are none.
func (j *Journal) ReadOutcomes(ctx context.Context, since time.Time, fn func(*topics.LedgerEntry, *kgo.Record) error) error {
	return j.ReadEntries(ctx, since, func(e *topics.LedgerEntry, r *kgo.Record) error {
		if e.Outcome == topics.InProgress {
			return nil
		}
		return fn(e, r)
	})
}

// ReadEntries is ReadOutcomes that also calls fn with each progress, which has no value. Records for
// which fn returns a *topics.UnreadableError are noted and left out.
func (j *Journal) ReadEntries(ctx context.Context, since time.Time, fn func(*topics.LedgerEntry, *kgo.Record) error) error {
	topic := j.Config.Responses.Topic
	extent, err := Find(ctx, j.Client, topic)
	if errors.Is(err, ErrMissing) {
		j.Note("topic %s does not exist on this cluster: what was sent and answered is not known", topic)
		return nil
	}
	if err != nil {
		return err
	}
	if !since.IsZero() {
		from, err := After(ctx, j.Client, topic, since.Add(-ClockSlack))
		if err != nil {
			return err
		}
		extent = extent.From(from)
	}
	var (
		entries topics.EntryReader
		broken  Unreadable
	)
	defer broken.Note(j)
	return Read(ctx, j.Connect, func(r *kgo.Record) error {
		entry, ok := entries.Read(r)
		if !ok || entry.Outcome == topics.Claimed {
			return nil
		}
		if r.Value != nil {
			if err := j.ToJSON(ctx, r); err != nil {
				return err
			}
		}
		return broken.Pass(fn(&entry, r))
	}, extent)
}

// ToJSON decodes the value of an outcome in Avro to JSON.
func (j *Journal) ToJSON(ctx context.Context, r *kgo.Record) (err error) {
	if r.Value, err = codec.JSON(ctx, j.Codec.Outcomes, r); err != nil {
		return fmt.Errorf("reading an outcome in Avro: %w", err)
	}
	return nil
}

// Origins returns the ids of the topics that are read and exist now.
func (j *Journal) Origins(ctx context.Context) (map[string]topics.Origin, error) {
	found, err := cluster.Find(ctx, j.Client, j.Config.Inputs())
	if err != nil {
		return nil, err
	}
	origins := make(map[string]topics.Origin)
	for name, info := range found.Topics {
		origins[name] = topics.Origin{Cluster: found.ID, TopicID: topics.TopicID(info.ID)}
	}
	return origins, nil
}
