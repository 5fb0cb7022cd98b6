package service

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/internal/wiring"
)

// Reloading is how a process reads its configuration again while it runs.
type Reloading struct {
	// Load reads the configuration, nil where it can be read only once.
	Load func() (*config.Config, error)
	// Asked has an entry for each reload that a signal asks for, nil for none.
	Asked <-chan os.Signal
	// Level is that of the service's logger, nil where a reload must not change it.
	Level *slog.LevelVar
}

// ReloadAnswer is the admin listener's response to a reload.
type ReloadAnswer struct {
	// Changed are the settings that changed, by their paths.
	Changed []string `json:"changed"`
	// Refused are those that need a restart. Where there is one, nothing is changed.
	Refused []string `json:"refused,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// RefusedError is the error of a reload that needs a restart.
type RefusedError struct{ Paths []string }

// Error implements error.
func (e *RefusedError) Error() string {
	return "a reload cannot change " + strings.Join(e.Paths, ", ") + ": restart, or change it back"
}

// reloader is what a service knows of reloads.
type reloader struct {
	mu sync.Mutex // one at a time
	// cfg is the configuration that is in effect.
	cfg        *config.Config
	succeeded  prometheus.Gauge
	successful prometheus.Gauge
}

func newReloader(cfg *config.Config, registry *prometheus.Registry) *reloader {
	r := &reloader{
		cfg: cfg,
		successful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "deskstream_config_last_reload_successful", Help: "1 if the last reload of the configuration, or the start, succeeded, else 0.",
		}),
		succeeded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "deskstream_config_last_reload_success_timestamp_seconds", Help: "When the configuration was last read and taken, as Unix time.",
		}),
	}
	registry.MustRegister(r.successful, r.succeeded)
	r.successful.Set(1)
	r.succeeded.SetToCurrentTime()
	return r
}

// config is the configuration that is in effect.
func (s *Service) config() *config.Config {
	s.reloader.mu.Lock()
	defer s.reloader.mu.Unlock()
	return s.reloader.cfg
}

// watchReloads reloads whenever a signal asks for it, until ctx ends.
func (s *Service) watchReloads(ctx context.Context) error {
	for {
		select {
		case _, open := <-s.reloading.Asked:
			if !open {
				return nil
			}
			_, _ = s.reload() // it is logged
		case <-ctx.Done():
			return nil
		}
	}
}

// serveReload reads the configuration again.
func (s *Service) serveReload(w http.ResponseWriter, _ *http.Request) {
	changed, err := s.reload()
	answer := ReloadAnswer{Changed: changed}
	status := http.StatusOK
	if err != nil {
		answer.Error, status = err.Error(), http.StatusUnprocessableEntity
		if refused, ok := errors.AsType[*RefusedError](err); ok {
			answer.Refused, status = refused.Paths, http.StatusConflict
		}
	}
	endpoint.Answer(w, status, answer)
}

// reload reads the configuration again and returns the settings that changed. After an error nothing
// has changed; a *RefusedError names what needs a restart.
func (s *Service) reload() (changed []string, err error) {
	r := s.reloader
	r.mu.Lock()
	defer r.mu.Unlock()
	changed, err = s.tryReload()
	if err != nil {
		r.successful.Set(0)
		s.log.Error("reload failed, the running configuration stays", "err", err)
		return []string{}, err
	}
	r.successful.Set(1)
	r.succeeded.SetToCurrentTime()
	s.log.Info("configuration reloaded", "changed", changed)
	return changed, nil
}

func (s *Service) tryReload() ([]string, error) {
	if s.reloading.Load == nil {
		return nil, errors.New("the configuration came from standard input, which cannot be read again: restart")
	}
	next, err := s.reloading.Load()
	if err != nil {
		return nil, err
	}
	r := s.reloader
	for _, secret := range credentials(r.cfg) {
		_, _ = secret.Reread() // what changed in files since is no news: the old text shows a difference
	}
	changes := config.Diff(r.cfg, next)
	if refused := refusals(wiring.Diff(r.cfg, next)); len(refused) > 0 {
		return nil, &RefusedError{Paths: refused}
	}
	routes, err := s.rewire(next, changes)
	if err != nil {
		return nil, err
	}
	s.apply(next, routes)
	r.cfg = next
	changed := make([]string, len(changes))
	for i, c := range changes {
		changed[i] = c.Path
	}
	return changed, nil
}

// refusals are the paths of what a reload cannot change.
func refusals(changes []config.Change) []string {
	var refused []string
	for _, c := range changes {
		if !c.Reload {
			refused = append(refused, c.Path)
		}
	}
	return refused
}

// rewire makes the routes of the destinations that have changed, nil for the others.
func (s *Service) rewire(next *config.Config, changes []config.Change) ([]*wiring.Pipeline, error) {
	routes := make([]*wiring.Pipeline, len(s.pipelines))
	var refused []string
	for i, p := range s.pipelines {
		at := "destinations[" + p.Config.Name + "]."
		if !slices.ContainsFunc(changes, func(c config.Change) bool { return strings.HasPrefix(c.Path, at) }) {
			continue
		}
		another, err := p.Rewired(next)
		if err != nil {
			return nil, err
		}
		if err := p.CheckReload(another.Route); err != nil {
			refused = append(refused, at+"rules (the first one that opens tickets)")
		}
		routes[i] = &another
	}
	if len(refused) > 0 {
		return nil, &RefusedError{Paths: refused}
	}
	return routes, nil
}

// apply makes a configuration the one in effect. It cannot fail.
func (s *Service) apply(next *config.Config, routes []*wiring.Pipeline) {
	was, is := &s.cfg.Kafka.SASL, &next.Kafka.SASL // the clients hold those of the start
	was.Password.Become(is.Password)
	was.OAuth.Token.Become(is.OAuth.Token)
	was.OAuth.ClientSecret.Become(is.OAuth.ClientSecret)
	was.AWS.AccessKeyID.Become(is.AWS.AccessKeyID)
	was.AWS.SecretAccessKey.Become(is.AWS.SecretAccessKey)
	was.AWS.SessionToken.Become(is.AWS.SessionToken)
	for i, p := range s.pipelines {
		d, _ := next.Destination(p.Config.Name)
		p.Budget.SetRate(wiring.RateOf(next, d))
		if takeCredential(p.Config.Credential(), d.Credential()) {
			p.Destination.Renewed()
		}
		if another := routes[i]; another != nil {
			names := make([]string, len(d.Rules))
			for j, rule := range d.Rules {
				names[j] = rule.Name
			}
			_ = p.Reload(another.Route, names) // it was checked
			if another.Priorities != nil {
				p.Prioritise(another.Priorities)
			}
			p.said(d)
		}
	}
	if s.reloading.Level != nil {
		s.reloading.Level.Set(next.Log.Slog())
	}
}

// takeCredential gives the secrets of a credential the texts of another one with the same headers,
// and reports whether one has changed.
func takeCredential(was, is desk.Credential) bool {
	changed := was.Secret.Become(is.Secret)
	for name, header := range was.Headers {
		changed = header.Become(is.Headers[name]) || changed
	}
	return changed
}

// credentials are the secrets that a reload changes.
func credentials(c *config.Config) []config.Secret {
	s := c.Kafka.SASL
	list := []config.Secret{s.Password, s.OAuth.Token, s.OAuth.ClientSecret, s.AWS.AccessKeyID, s.AWS.SecretAccessKey, s.AWS.SessionToken}
	for _, d := range c.Destinations {
		list = append(list, d.Credential().Secrets()...)
	}
	return list
}
