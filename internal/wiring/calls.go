package wiring

import (
	"errors"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/call"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// callsOf is how a destination takes calls over Kafka, nil for one that takes none.
func callsOf(cfg *config.Config, d config.Destination, kind desk.Kind) (*sink.Calls, error) {
	if d.Calls == nil {
		return nil, nil //nolint:nilnil // nil is a destination without calls, as in sink.Route
	}
	to, err := call.NewDesk(d.Name, d.Calls.Allow, cfg.Lane)
	if err != nil {
		return nil, err
	}
	return &sink.Calls{
		Read:     func(ev mapping.Event) (sink.Asked, error) { return asked(cfg, to, ev) },
		NextPage: kind.NextPage,
	}, nil
}

// asked is what a record asks for. Its correlation id is known whatever is wrong with the rest.
func asked(cfg *config.Config, to call.Desk, ev mapping.Event) (sink.Asked, error) {
	id, _ := call.CorrelationID(ev) // Read says what is wrong with it
	r, err := to.Read(ev)
	if errors.Is(err, mapping.OtherDestination) {
		other := sink.Asked{CorrelationID: id, To: ev.Body.Get("destination").Str()}
		if _, known := cfg.Destination(other.To); !known {
			other.Warnings = []string{"the configuration has no destination of the name that the call gives"}
		}
		return other, err
	}
	return sink.Asked{
		CorrelationID: id, Query: r.Parameters, Warnings: r.Warnings,
		Call: sink.Call{Op: r.Entry, Method: r.Method, Path: r.Path, Query: r.Query, Body: r.Body, Unrepeatable: !r.Repeatable},
	}, err
}

// IsCall reports whether a line of events is a call that the pipeline takes as such.
func (p *Pipeline) IsCall(line []byte) bool { return p.Route.Calls != nil && call.Is(line) }

// ReaderOf is what reads a record of a topic, or a line of a file, whose topic is "".
func (p *Pipeline) ReaderOf(topic string, value []byte) *mapping.Reader {
	switch {
	case topic == "" && p.IsCall(value):
		return p.CallReader
	case topic == "" && unified.Is(value), topic != "" && topic == p.inbound:
		return p.InboundReader
	}
	return p.Route.Reader
}
