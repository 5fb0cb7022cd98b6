package wiring

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// Selves know by which user of a desk this program writes, for each destination of the file.
type Selves struct {
	of  map[string]*self // not changed
	log *slog.Logger
}

// self is the user of one destination's credential.
type self struct {
	calls  sink.Config
	budget *budget.Budget
	ask    func(ctx context.Context, do sink.Doer) (string, error) // nil where the desk cannot be asked

	mu    sync.Mutex
	user  string
	asked time.Time
}

// How long a desk is asked for the user, and how long after a failure it is asked again.
const (
	askSelf      = 2 * time.Second
	askSelfAgain = time.Minute
)

// NewSelves makes the Selves of a file. They make a call when they are asked first.
func NewSelves(cfg *config.Config, log *slog.Logger) *Selves {
	s := &Selves{of: make(map[string]*self), log: log}
	opts := Options{Alone: true}
	accounts := accountsOf(cfg, opts)
	for _, d := range cfg.Destinations {
		var kind desk.Kind
		kind, _ = all.Kind(d.Type)
		c := callConfig(cfg, d, opts)
		s.of[d.Name] = &self{calls: c, budget: accounts.Budget(c), ask: kind.Self, user: d.Webhooks.User}
	}
	return s
}

// Of returns the id or e-mail address of a destination's user, "" for an unknown one.
func (s *Selves) Of(ctx context.Context, destination string) string {
	u := s.of[destination]
	if u == nil {
		return ""
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.user != "" || u.ask == nil || !u.asked.IsZero() && time.Since(u.asked) < askSelfAgain {
		return u.user
	}
	ctx, cancel := context.WithTimeout(ctx, askSelf)
	defer cancel()
	d := sink.NewDestination(u.calls, u.budget, s.log)
	defer d.Close()
	err := d.Look(ctx, func(ctx context.Context, do sink.Doer) (err error) {
		u.user, err = u.ask(ctx, do)
		return err
	})
	if u.asked = time.Now(); err != nil {
		s.log.Warn("asking a desk for its own user failed, its events are compared with the outcomes on record", "destination", destination, "err", err)
	}
	return u.user
}
