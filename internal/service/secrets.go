package service

import (
	"context"
	"time"

	"github.com/deskstream/deskstream/internal/wiring"
)

// rereadEvery is the time between two looks at the files of credentials. Content is
// compared, so it does not matter how a file is replaced.
const rereadEvery = 2 * time.Second

// watchSecrets reads the credentials of the destinations again until ctx ends.
func (s *Service) watchSecrets(ctx context.Context) error {
	tick := time.NewTicker(rereadEvery)
	defer tick.Stop()
	said := make(map[*runningPipeline]string)
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		for _, p := range s.pipelines {
			if ctx.Err() != nil {
				return nil // a file that does not answer costs its time once
			}
			said[p] = s.reread(p, said[p])
		}
	}
}

// reread reads what is secret in a destination's credential again. An error is logged when it
// differs from the one that was logged last.
func (s *Service) reread(p *runningPipeline, logged string) string {
	changed, failures := wiring.RereadCredential(p.Config)
	log := s.log.With("destination", p.Config.Name)
	if changed {
		log.Info("credential changed")
		p.Destination.Renewed()
	}
	if failures == nil {
		return ""
	}
	s.reloads.WithLabelValues(p.Config.Name).Inc()
	switch {
	case failures.Error() != logged:
		log.Error("reading the credential again failed, the current one stays", "err", failures)
	}
	return failures.Error()
}
