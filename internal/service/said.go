package service

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/version"
)

// sayStart logs what runs, with which settings: the hash of each destination is that of its dead
// letters.
func sayStart(o Options, chosen []config.Destination) {
	destinations := make([]string, len(chosen))
	for i, d := range chosen {
		host := "?"
		if u, err := url.Parse(d.BaseURL()); err == nil {
			host = u.Host
		}
		destinations[i] = fmt.Sprintf("%s (%s at %s, config hash %s)", d.Name, d.Type, host, o.Config.Hash(d))
	}
	o.Log.Info("deskstream starts", "version", version.Release(), "revision", version.Revision(), "file", o.File,
		"brokers", o.Config.Kafka.Brokers, "sources", o.Config.Source.Topics, "destinations", destinations)
}

// readyEvery is the time between two looks whether the pipelines have joined their groups.
const readyEvery = 200 * time.Millisecond

// sayReady logs once that all pipelines have joined their groups: what /readyz answers 200 for.
func (s *Service) sayReady(ctx context.Context) error {
	began := time.Now()
	tick := time.NewTicker(readyEvery)
	defer tick.Stop()
	for !s.joined() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
	partitions := make([]string, len(s.pipelines))
	for i, p := range s.pipelines {
		partitions[i] = fmt.Sprintf("%s: %d", p.Config.Name, p.Figures().Partitions)
	}
	s.log.Info("deskstream is ready", "after", time.Since(began).Round(time.Millisecond), "partitions", partitions)
	return nil
}

// joined reports whether all pipelines have joined their groups.
func (s *Service) joined() bool {
	for _, p := range s.pipelines {
		if !p.Figures().Joined {
			return false
		}
	}
	return true
}
