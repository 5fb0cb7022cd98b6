package main

import (
	"context"
	"time"
)

// rereadEvery is the time between two looks at the files of credentials. Content is
// compared, so it does not matter how a file is replaced.
const rereadEvery = 2 * time.Second

// watchSecrets reads the credentials of the destinations again until ctx ends.
func (s *service) watchSecrets(ctx context.Context) error {
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

// reread reads a destination's credential again. A fault is logged when it is another
// than the one that was said last.
func (s *service) reread(p *runningPipeline, said string) string {
	changed, err := p.config.Credential().Reread()
	log := s.log.With("destination", p.config.Name)
	switch {
	case err != nil && err.Error() != said:
		log.Error("credential not read again, the one before stays", "err", err)
		return err.Error()
	case err != nil:
		return said
	case changed:
		log.Info("credential read again, it is another one")
		p.dest.Renewed()
	}
	return ""
}
