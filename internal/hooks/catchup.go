package hooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/export"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/wiring"
)

// Look compares what is registered at the named destinations, or at all without names, with what is
// wanted. The error is a *config.FlagError for a name that there is not, and a *config.UsageError where
// no destination has webhooks.
func Look(ctx context.Context, cfg *config.Config, names []string, log *slog.Logger) (Options, []Row, error) {
	senders, err := wiring.Senders(cfg, names, log)
	if err != nil {
		return Options{}, nil, &config.FlagError{Err: err}
	}
	for _, s := range senders {
		if s.Destination != nil {
			s.Destination.Close() // registrations are not asked for from the rate budget
		}
	}
	if len(senders) == 0 {
		return Options{}, nil, &config.UsageError{Err: errors.New("no destination has webhooks: give one webhooks.events and webhooks.secrets_file")}
	}
	o := Options{Config: cfg, Senders: senders}
	rows, err := Compare(ctx, o)
	return o, rows, err
}

// CatchUp exports what the desks of destinations did not send while they were switched off, from
// their latest event on. Of those without export.entities, of all if not wanted, it notes what is
// missing and what to do.
func CatchUp(ctx context.Context, o export.Options, off []string, wanted bool) error {
	var readable []string
	for _, name := range off {
		if d, _ := o.Config.Destination(name); wanted && len(d.Export.Entities) > 0 {
			readable = append(readable, name)
			continue
		}
		output.Printf(o.Notes, "What %s did not send while it was off is missing: give it export.entities and run deskstream export --once.\n", name)
	}
	if len(readable) == 0 {
		return nil
	}
	last, err := lastEvents(ctx, o, readable)
	if err != nil {
		return fmt.Errorf("the registrations are changed, and what the desk did not send is missing: %w", err)
	}
	var failed []error
	for _, name := range readable {
		switch err := export.CatchUp(ctx, o, name, export.Gap{From: last[name], To: time.Now()}); {
		case err == nil:
		case errors.Is(err, export.ErrNotAlone):
			output.Printf(o.Notes, "%s is being exported by another process: its next walk reads what the desk did not send.\n", name)
		default:
			failed = append(failed, fmt.Errorf("the registrations are changed, and what the desk did not send is missing: run deskstream export --once: %w", err))
		}
	}
	return errors.Join(failed...)
}

// lastEvents is when the latest event of each destination was written.
func lastEvents(ctx context.Context, o export.Options, destinations []string) (map[string]time.Time, error) {
	client, err := cluster.Connect(ctx, o.Config, o.Log)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	past, err := LookBack(ctx, client, o.Config.Inbound.Topic)
	if err != nil {
		return nil, fmt.Errorf("reading topic %s: %w", o.Config.Inbound.Topic, err)
	}
	return past.Last(ctx, o.Config, o.Log, destinations)
}
