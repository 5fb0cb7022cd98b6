package wiring

import (
	"fmt"
	"log/slog"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// Rewired is a pipeline by the settings that its destination has in another configuration, for
// events. Budget, ids and calls stay those of p. Only what config.Diff says that a reload takes may
// differ.
func (p *Pipeline) Rewired(cfg *config.Config) (Pipeline, error) {
	d, ok := cfg.Destination(p.Config.Name)
	if !ok {
		return Pipeline{}, cfg.NoDestination(p.Config.Name)
	}
	another := *p
	if err := another.setRoute(cfg, d); err != nil {
		return Pipeline{}, fmt.Errorf("destination %s: %w", d.Name, err)
	}
	return another, nil
}

// RateOf is the configured rate of a destination's account: that of the first destination that has it.
func RateOf(cfg *config.Config, d config.Destination) budget.Rate {
	for _, first := range cfg.Destinations {
		if SameAccount(first, d) {
			d = first
			break
		}
	}
	limit := d.Delivery.RateLimit
	return budget.Rate{Requests: limit.Requests, Per: limit.Per, Reserve: limit.Reserve}
}

// SameAccount reports whether two destinations have the same account.
func SameAccount(a, b config.Destination) bool {
	return accountConfig(a).SharesAccount(accountConfig(b))
}

// Diff returns what differs between two configurations, and what no reload takes although each of its
// settings may change.
func Diff(was, is *config.Config) []config.Change {
	changes := config.Diff(was, is)
	if config.NeedsRestart(changes) {
		return changes // the destinations may not be the same
	}
	needs := func(format string, args ...any) {
		changes = append(changes, config.Change{Path: fmt.Sprintf(format, args...)})
	}
	for i, d := range is.Destinations {
		before := was.Destinations[i]
		if d.HasKeys() && !before.HasKeys() {
			needs("destinations[%s].rules (the first ticket.key)", d.Name)
		}
		if putsOnRecord(is, d) && !putsOnRecord(was, before) {
			needs("destinations[%s].rules (the first one that opens tickets)", d.Name)
		}
		if d.HasPriorities() != before.HasPriorities() {
			needs("whether destinations[%s] has priorities", d.Name)
		}
		for j, other := range is.Destinations[:i] {
			if SameAccount(d, other) != SameAccount(before, was.Destinations[j]) {
				needs("which credential destinations[%s] shares with destinations[%s]", d.Name, other.Name)
			}
		}
	}
	return changes
}

// putsOnRecord reports whether a destination's events may have steps on record.
func putsOnRecord(cfg *config.Config, d config.Destination) bool {
	route, err := NewRoute(cfg, d, sink.NewIDs(1, 0), slog.New(slog.DiscardHandler))
	return err == nil && route.OnRecord != nil
}
