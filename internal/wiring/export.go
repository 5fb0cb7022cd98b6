package wiring

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

// Library is one destination whose objects are exported.
type Library struct {
	Config  config.Destination
	Inbound desk.Inbound
	// Lists are those that the file asks for. Inside are the entities that it asks for which stand
	// inside others.
	Lists  []desk.List
	Inside map[unified.Entity]bool
	// Budget is what its calls spend: the reserve of the destination's rate limit.
	Budget *budget.Budget

	calls sink.Config
	log   *slog.Logger
}

// Open returns what makes the calls of one walk. A hold that lasted too long for one walk is none for
// the next. The caller closes it.
func (l Library) Open() *sink.Destination { return sink.NewDestination(l.calls, l.Budget, l.log) }

// Libraries returns the named destinations, or all without names, that have something to export.
func Libraries(cfg *config.Config, names []string, observe func(destination string) func(sink.Attempt), log *slog.Logger) ([]Library, error) {
	chosen, err := Choose(cfg, names)
	if err != nil {
		return nil, err
	}
	opts := Options{Alone: true, Observe: observe}
	accounts := accountsOf(cfg, opts)
	var libraries []Library
	for _, d := range chosen {
		kind, ok := all.Kind(d.Type)
		if !ok {
			return nil, fmt.Errorf("type %q is not known", d.Type)
		}
		if kind.Lists == nil || len(d.Export.Entities) == 0 {
			continue
		}
		c := callConfig(cfg, d, opts)
		l := Library{
			Config: d, Inbound: kind.Inbound(d.Name, d.Desk()), Inside: make(map[unified.Entity]bool), Budget: accounts.Budget(c),
			calls: c, log: log.With("destination", d.Name),
		}
		for _, list := range kind.Lists() {
			if slices.Contains(d.Export.Entities, string(list.Entity)) {
				l.Lists = append(l.Lists, list)
			}
			for _, inside := range list.Inside {
				if slices.Contains(d.Export.Entities, string(inside.Entity)) {
					l.Inside[inside.Entity] = true
				}
			}
		}
		libraries = append(libraries, l)
	}
	return libraries, nil
}
