package processor

import (
	"errors"

	"github.com/deskstream/deskstream/sink"
)

// ErrNeedsRestart is the error of Reload for a route that puts steps on record, where those of
// before did not: which events have progress is known only from the claims on.
var ErrNeedsRestart = errors.New("what is put on record can begin with a restart only")

// CheckReload returns why Reload would refuse a route, ErrNeedsRestart or nil.
func (p *Processor) CheckReload(route sink.Route) error {
	if route.OnRecord != nil && p.onRecord == nil {
		return ErrNeedsRestart
	}
	return nil
}

// Reload has events that start from now on go by another route of the same destination, whose rules
// have the names. Events in flight end by the route that they began with. The error is CheckReload's.
func (p *Processor) Reload(route sink.Route, rules []string) error {
	if err := p.CheckReload(route); err != nil {
		return err
	}
	if route.OnRecord == nil && p.onRecord != nil { // what is in progress is still looked for
		was := p.route.Load()
		route.OnRecord, route.Find = was.OnRecord, was.Find
	}
	p.metrics.reasons.rules.begin(rules)
	p.route.Store(&route)
	return nil
}
