package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
	"github.com/deskstream/deskstream/sink"
)

// Hooks is how a desk's registrations of webhooks are read and written.
type Hooks struct {
	// Events is how many events one registration has at most.
	Events int
	// Most is how many registrations an account has at most, 0 for no limit that is known.
	Most int
	// Repeats is for how long the desk sends a webhook again that got no 2xx, 0 for a desk of which
	// that is not known.
	Repeats time.Duration
	// List returns all registrations of the account.
	List func(ctx context.Context, call Caller) ([]Registration, error)
	// Save creates a registration without an ID, and changes one with it. It returns the
	// registration as the desk has it then.
	Save func(ctx context.Context, call Caller, r Registration) (Registration, error)
}

// Registration is one registration of webhooks at a desk.
type Registration struct {
	ID, Name, URL string
	// Events are the desk's names of the events that it sends.
	Events []string
	// Secret is what its webhooks are signed with.
	Secret sink.Secret
	// Off is set when the desk sends nothing, because it or somebody has switched it off.
	Off bool
	// Headers are sent with each webhook; they are kept as they are.
	Headers []Header
}

// Header is a header of a registration, whose value may be secret.
type Header struct {
	Name  string
	Value sink.Secret
}

// Caller makes a call at a desk's API, with a JSON body or none, and returns the body of a 2xx. Its
// errors show no answer of the desk, which may hold secrets.
type Caller func(ctx context.Context, method, path string, body []byte) ([]byte, error)

// HookPages is how a desk's list of registrations is read: pages that hold their entries in data.
type HookPages struct {
	// Desk is the desk's name for people.
	Desk string
	// Path is that of a page, counted from 1.
	Path func(page int) string
	// Entry reads one registration.
	Entry func(mapping.Value) (Registration, error)
	// IsLast reports whether no page follows an answer, which is not empty.
	IsLast func(answer mapping.Value, page int) bool
	// NoList is the error for an answer without what is documented.
	NoList error
}

// mostHookPages bounds a list of registrations that has no end.
const mostHookPages = 100

// Read reads the list page by page.
func (p HookPages) Read(ctx context.Context, call Caller) (list []Registration, err error) {
	for page := 1; page <= mostHookPages; page++ {
		answer, err := call(ctx, "GET", p.Path(page), nil)
		if err != nil {
			return nil, err
		}
		v, err := mapping.ParseJSON(answer)
		if err != nil || v.Get("data").Kind() != mapping.Array {
			return nil, p.NoList
		}
		for _, entry := range unified.Elements(v.Get("data")) {
			r, err := p.Entry(entry)
			if err != nil {
				return nil, err
			}
			list = append(list, r)
		}
		if v.Get("data").Len() == 0 || p.IsLast(v, page) {
			return list, nil
		}
	}
	return nil, fmt.Errorf("reading the webhooks of %s: there are more than %d pages", p.Desk, mostHookPages)
}
