package hooks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping/unified"
)

// State is how a registration compares with the configuration.
type State string

// The states.
const (
	Registered State = "registered" // as the configuration wants it
	Missing    State = "missing"    // wanted, and not there
	Off        State = "off"        // wanted, and switched off at the desk
	Differs    State = "differs"    // wanted with other events
	Extra      State = "extra"      // at an address of the configuration, and not wanted
	Foreign    State = "foreign"    // at another address
)

// Row is one registration, at the desk or wanted.
type Row struct {
	Destination string
	State       State
	desk.Registration
	// wanted is what it is to be, where apply has something to do.
	wanted desk.Registration
}

// Changes reports whether apply has something to do.
func (r Row) Changes() bool { return r.State == Missing || r.State == Off || r.State == Differs }

// Options say which registrations to look at.
type Options struct {
	Config *config.Config
	// Senders are the destinations with webhooks.
	Senders []wiring.Sender
}

// Compare reads the registrations of each destination, and compares them. Without inbound.public_url
// nothing is wanted, and all are Foreign.
func Compare(ctx context.Context, o Options) ([]Row, error) {
	var rows []Row
	for _, s := range o.Senders {
		there, err := s.Hooks.List(ctx, wiring.Caller(s.Config))
		if err != nil {
			return nil, fmt.Errorf("destination %s: %w", s.Config.Name, err)
		}
		rows = append(rows, compare(s, wanted(o.Config, s), there, baseOf(o.Config, s))...)
	}
	return rows, nil
}

// baseOf is how the addresses of a destination's webhooks begin, "" without a public address.
func baseOf(cfg *config.Config, s wiring.Sender) string {
	if cfg.Inbound.PublicURL == "" {
		return ""
	}
	return strings.TrimRight(cfg.Inbound.PublicURL, "/") + "/webhooks/" + s.Config.Name
}

// wanted are the registrations that a destination's webhooks.events need.
func wanted(cfg *config.Config, s wiring.Sender) (list []desk.Registration) {
	base := baseOf(cfg, s)
	if base == "" {
		return nil
	}
	events := make(map[string]bool)
	for _, event := range s.Config.Webhooks.Events {
		for _, name := range s.Subscriptions[unified.Type(event)] {
			events[name] = true
		}
	}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(events)), s.Hooks.Events) {
		r := desk.Registration{Name: "deskstream " + s.Config.Name, URL: base, Events: part}
		if s.InPath != nil {
			r.Name, r.URL = r.Name+" "+part[0], base+"/"+part[0]
		}
		list = append(list, r)
	}
	return list
}

// compare compares the registrations of one desk.
func compare(s wiring.Sender, want, there []desk.Registration, base string) (rows []Row) {
	taken := make(map[string]bool)
	row := func(state State, r, wanted desk.Registration) {
		rows = append(rows, Row{Destination: s.Config.Name, State: state, Registration: r, wanted: wanted})
	}
	for _, w := range want {
		i := slices.IndexFunc(there, func(r desk.Registration) bool { return r.URL == w.URL && !taken[r.ID] })
		if i < 0 {
			row(Missing, w, w)
			continue
		}
		r := there[i]
		taken[r.ID] = true
		w.ID, w.Name, w.Headers = r.ID, r.Name, r.Headers
		slices.Sort(r.Events)
		switch {
		case r.Off:
			row(Off, r, w)
		case !slices.Equal(r.Events, w.Events):
			row(Differs, r, w)
		default:
			row(Registered, r, w)
		}
	}
	for _, r := range there {
		switch {
		case taken[r.ID]:
		case base != "" && (r.URL == base || strings.HasPrefix(r.URL, base+"/")):
			row(Extra, r, desk.Registration{})
		default:
			row(Foreign, r, desk.Registration{})
		}
	}
	return rows
}

// Check returns what keeps Apply from its work: settings that are missing, and a desk that takes no
// more registrations.
func Check(o Options, rows []Row) error {
	var problems []error
	if o.Config.Inbound.PublicURL == "" {
		problems = append(problems, errors.New("inbound.public_url is missing: it is the address that the desks send to"))
	}
	for _, s := range o.Senders {
		name := s.Config.Name
		if len(s.Config.Webhooks.Events) == 0 {
			problems = append(problems, fmt.Errorf("destination %s: webhooks.events is missing: it says what the desk is to send", name))
		}
		if s.Config.Webhooks.SecretsFile == "" {
			problems = append(problems, fmt.Errorf("destination %s: webhooks.secrets_file is missing: the secrets of registrations are written there", name))
		}
		there, missing := 0, 0
		for _, r := range rows {
			switch {
			case r.Destination != name:
			case r.State == Missing:
				missing++
			default:
				there++
			}
		}
		if s.Hooks.Most > 0 && missing > 0 && there+missing > s.Hooks.Most {
			problems = append(problems, fmt.Errorf("destination %s: the desk takes %d registrations, and has %d: remove one there", name, s.Hooks.Most, there))
		}
	}
	return errors.Join(problems...)
}

// Apply makes and changes registrations until they are as the configuration wants them, and writes
// their secrets. done is told of each row that it has changed. Check has to have returned nil.
func Apply(ctx context.Context, o Options, rows []Row, done func(Row)) error {
	for _, s := range o.Senders {
		if err := apply(ctx, s, rows, done); err != nil {
			return fmt.Errorf("destination %s: %w", s.Config.Name, err)
		}
	}
	return nil
}

// apply is Apply for one destination. The secret of a new registration is written at once: from then
// on the desk signs with it.
func apply(ctx context.Context, s wiring.Sender, rows []Row, done func(Row)) error {
	path := s.Config.Webhooks.SecretsFile
	secrets, err := ReadFile(ctx, path)
	if errors.Is(err, ErrNoFile) {
		secrets, err = new(File), nil
	}
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.Destination != s.Config.Name || r.State == Extra || r.State == Foreign {
			continue
		}
		if r.Changes() {
			saved, err := s.Hooks.Save(ctx, wiring.Caller(s.Config), r.wanted)
			if err != nil {
				return err
			}
			r.Registration = saved
		}
		event := ""
		if s.InPath != nil {
			event = r.Events[0]
		}
		secrets.with(event, r.Secret.Reveal())
		if err := secrets.write(path); err != nil {
			return err
		}
		if r.Changes() {
			done(r)
		}
	}
	return nil
}
