package desktest

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// Desk is a help desk under test.
type Desk struct {
	// Kind describes it.
	Kind desk.Kind
	// Settings returns valid settings for an API at a base URL. The credential is Token.
	Settings func(baseURL string) desk.Settings
	// Events are JSON events that each cause at least one write at an empty desk.
	Events map[string]string
	// Rules are those of the destination, none for a destination without rules.
	Rules []rules.Rule
	// Write is the path below the base URL of an endpoint that takes JSON by POST.
	Write string
	// Paging, if set, shows that what is on a later page of a list is found.
	Paging func(t *testing.T)
	// Skips are the laws that do not hold for this desk, each with the reason.
	Skips map[string]string
}

// Token is the credential of the desks under test.
const Token = "token-of-the-suite-7f3a"

// stub is a new stub of the desk, whose paths begin at the base URL.
func (d Desk) stub(c stub.Config) http.Handler { return stub.New(c, d.Kind.Stub()).Desk(d.Kind.Name) }

type law struct {
	name string
	test func(*testing.T, Desk)
}

// Run tests the desk by all laws, and prints those that it skips.
func Run(t *testing.T, d Desk) {
	known := make(map[string]bool)
	for _, l := range slices.Concat(mappingLaws(), senderLaws(), stubLaws()) {
		known[l.name] = true
		t.Run(l.name, func(t *testing.T) {
			if why, ok := d.Skips[l.name]; ok {
				t.Skip(why)
			}
			l.test(t, d)
		})
	}
	for _, name := range slices.Sorted(maps.Keys(d.Skips)) {
		if !known[name] {
			t.Errorf("there is no law %q to skip", name)
		}
		t.Logf("%s skips %q: %s", d.Kind.Name, name, d.Skips[name])
	}
}

// Deliver delivers one event to the desk.
func Deliver(t *testing.T, d Desk, event string) sink.Outcome {
	t.Helper()
	o, err := newWorld(t, d, nil).deliver(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return o
}
