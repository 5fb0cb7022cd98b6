package wiring

import (
	"fmt"
	"log/slog"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/sink"
)

// Sender is one destination whose webhooks are received.
type Sender struct {
	Config config.Destination
	desk.Inbound
	// Destination makes calls from the reserve of its rate budget; nil without webhooks.enrich.
	Destination *sink.Destination
}

// Senders returns the named destinations, or all without names, that can be received from.
func Senders(cfg *config.Config, names []string, log *slog.Logger) ([]Sender, error) {
	chosen, err := Choose(cfg, names)
	if err != nil {
		return nil, err
	}
	accounts := accountsOf(cfg, Options{Alone: true})
	var senders []Sender
	for _, d := range chosen {
		kind, ok := all.Kind(d.Type)
		if !ok {
			return nil, fmt.Errorf("type %q is not known", d.Type)
		}
		if kind.Inbound == nil || !d.Webhooks.Receives() {
			continue
		}
		s := Sender{Config: d, Inbound: kind.Inbound(d.Name, d.Desk())}
		if d.Webhooks.Enrich {
			c := callConfig(cfg, d, Options{Alone: true})
			s.Destination = sink.NewDestination(c, accounts.Budget(c), log.With("destination", d.Name))
		}
		senders = append(senders, s)
	}
	return senders, nil
}
