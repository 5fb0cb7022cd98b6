package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
)

// mostPast is how many records of the topic are read at most to find the latest events.
const mostPast = 1_000_000

// spans are how far back is looked for the latest events, one after the other; then everything is read.
var spans = []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}

// Past is what the topic of unified events held at a moment.
type Past struct {
	// At is that moment.
	At time.Time

	client *kgo.Client
	extent journal.Extent
}

// LookBack returns what the topic holds now. Nothing of it is read yet.
func LookBack(ctx context.Context, client *kgo.Client, topic string) (*Past, error) {
	ctx, cancel := context.WithTimeout(ctx, cluster.ContactTimeout)
	defer cancel()
	at := time.Now()
	extent, err := journal.Find(ctx, client, topic)
	if err != nil {
		return nil, err
	}
	return &Past{At: at, client: client, extent: extent}, nil
}

// Last returns when the latest event of each destination was written that its desk sent by webhook. A
// destination without one is left out, and one whose latest event is further back than a million
// records.
func (p *Past) Last(ctx context.Context, cfg *config.Config, log *slog.Logger, destinations []string) (map[string]time.Time, error) {
	last := make(map[string]time.Time)
	connect := func(ctx context.Context, opts ...kgo.Opt) (*kgo.Client, error) {
		return cluster.Connect(ctx, cfg, log, opts...)
	}
	take := func(r *kgo.Record) error {
		name, _, _ := bytes.Cut(r.Key, []byte("/"))
		if at := last[string(name)]; r.Timestamp.After(at) && slices.Contains(destinations, string(name)) && sent(r.Value) {
			last[string(name)] = r.Timestamp
		}
		return nil
	}
	rest, read := p.extent, int64(0)
	for i := 0; len(last) < len(destinations) && rest.Len() > 0; i++ {
		part := rest
		if i < len(spans) {
			offsets, err := journal.After(ctx, p.client, p.extent.Topic, p.At.Add(-spans[i]))
			if err != nil {
				return nil, err
			}
			part = rest.From(offsets)
		}
		if read += part.Len(); read > mostPast {
			break
		}
		if err := journal.Read(ctx, connect, take, part); err != nil {
			return nil, err
		}
		rest = rest.Before(part)
	}
	return last, nil
}

// sent reports whether an event was sent by its desk, and is not of an export.
func sent(value []byte) bool {
	var e struct {
		DeskEvent string `json:"desk_event"`
	}
	return json.Unmarshal(value, &e) == nil && e.DeskEvent != "export"
}
