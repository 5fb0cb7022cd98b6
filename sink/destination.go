package sink

import (
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/hold"
)

// Config is what one destination needs to be called, whatever it is.
type Config struct {
	// Name is the destination's name in outcomes, metrics and logs.
	Name string
	// BaseURL is the API's address; a trailing slash is tolerated.
	BaseURL string
	// Credential is the bearer token; the zero Secret is none.
	Credential Secret
	// Headers are sent with each call, by name, besides those of the program.
	Headers map[string]Secret
	// MaxInFlight is how many events are in flight at once, at least 1.
	MaxInFlight int
	// Rate is the vendor's limit until its answers say otherwise.
	Rate budget.Rate
	// Timeout bounds one attempt at one call.
	Timeout time.Duration
	// MaxAge is how old a record may be when it is first sent; 0 is no limit.
	MaxAge time.Duration
	// Retry is how passing failures are repeated.
	Retry Policy
	// Breaker stops a destination that rejects too much; it has no effect with Alone.
	Breaker hold.Breaker
	// Unknown is what becomes of a write that is not safe to repeat and got no usable answer.
	Unknown Unknowns
	// Alone is for a delivery without other events to judge by: an event's budget alone
	// decides when it is exhausted, and a hold longer than Retry.MaxElapsed, or another wait
	// that is as long, ends in a hold.Error.
	// It is a command's, and so spends the reserve.
	Alone bool
	// Version is the program's version, for the User-Agent.
	Version string
	// Transport makes the HTTP exchanges; nil is a transport of the destination's own.
	Transport http.RoundTripper
	// OnCall, if set, is told of each attempt. status is 0 without an answer.
	OnCall func(op string, status int, took time.Duration)
}

// Unknowns is what becomes of a write that is not safe to repeat and got no usable answer.
type Unknowns uint8

// What can become of it.
const (
	UnknownProbed  Unknowns = iota // it is looked for, and sent again if it took no effect
	UnknownRetried                 // it is sent again
	UnknownDies                    // its event dies
)

// longestWait is how long an event waits for what is no failure of its own; 0 is no limit.
func (c Config) longestWait() time.Duration {
	if c.Alone {
		return c.Retry.MaxElapsed
	}
	return 0
}

func (c Config) baseURL() string { return strings.TrimRight(c.BaseURL, "/") }

// Destination is one help desk account that events are delivered to: the parts that
// all of its events share.
type Destination struct {
	Config
	client   *client
	gate     *hold.Gate
	budget   *budget.Budget
	evidence evidence
	redact   atomic.Pointer[redaction]
	log      *slog.Logger
}

// NewDestination makes a Destination that spends from the budget, which other
// destinations with the same credential share.
func NewDestination(c Config, spend *budget.Budget, log *slog.Logger) *Destination {
	d := &Destination{Config: c, client: newClient(c), budget: spend, log: log}
	d.redact.Store(newRedaction(c.secrets()...))
	gate := hold.Config{Limit: c.MaxInFlight, Initial: c.Retry.Initial, GiveUp: c.longestWait(), OnChange: d.holdChanged}
	if !c.Alone {
		gate.Breaker = c.Breaker
	}
	d.gate = hold.New(gate)
	return d
}

func (d *Destination) redaction() *redaction { return d.redact.Load() }

// Renewed is called when Config.Credential or a header has another text. A hold of 401 or 403 is tried
// at once with it.
func (d *Destination) Renewed() {
	d.redact.Store(d.redaction().with(d.secrets()...))
	d.gate.Renewed()
}

// Gate is the destination's gate, through which the caller lets events in.
func (d *Destination) Gate() *hold.Gate { return d.gate }

// Close closes idle connections.
func (d *Destination) Close() { d.client.close() }

// holdChanged logs a hold once when it begins and once when it ends, not per event.
func (d *Destination) holdChanged(was, now hold.State) {
	switch {
	case now.Reason == hold.Operator:
		d.log.Warn("destination put on hold", "reason", now.Reason, "ends_by", "resume")
	case now.Reason == hold.TooManyRejected:
		d.log.Error("destination put on hold", "reason", now.Reason, "ends_by", "an accepted probe or resume",
			"rejected", now.Rejected, "of_the_last", d.Breaker.Of)
	case now.Active():
		d.log.Error("destination put on hold", "reason", now.Reason, "ends_by", "a probe that is accepted or judged")
	default:
		d.log.Info("destination resumed", "reason", was.Reason, "held_for", time.Since(was.Since).Round(time.Millisecond))
	}
}

// Accounts keeps what destinations with the same account have in common.
type Accounts struct {
	mu      sync.Mutex
	budgets map[string]*budget.Budget
	ids     map[string]*IDs
	answers map[string]*Answers
}

// What is remembered of the vendor's ids, per account.
const (
	idsKept     = 100_000
	idsLifetime = 10 * time.Minute
)

// Budget is the one Budget of the account, made with c.Rate when it is first asked for.
func (a *Accounts) Budget(c Config) *budget.Budget {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.budgets == nil {
		a.budgets = make(map[string]*budget.Budget)
	}
	b, ok := a.budgets[c.account()]
	if !ok {
		if b = budget.New(c.Rate); c.Alone {
			b = budget.NewReserve(c.Rate)
		}
		a.budgets[c.account()] = b
	}
	return b
}

// IDs is the one memory of the account's ids.
func (a *Accounts) IDs(c Config) *IDs {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ids == nil {
		a.ids = make(map[string]*IDs)
	}
	ids, ok := a.ids[c.account()]
	if !ok {
		ids = NewIDs(idsKept, idsLifetime)
		a.ids[c.account()] = ids
	}
	return ids
}

// Answers are the one memory of what the account's lookups were answered, each for as
// long as the first caller says.
func (a *Accounts) Answers(c Config, lifetime time.Duration) *Answers {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.answers == nil {
		a.answers = make(map[string]*Answers)
	}
	answers, ok := a.answers[c.account()]
	if !ok {
		answers = NewAnswers(lifetime)
		a.answers[c.account()] = answers
	}
	return answers
}

// secrets are all secrets of calls, in a fixed order.
func (c Config) secrets() []Secret {
	all := []Secret{c.Credential}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		all = append(all, c.Headers[name])
	}
	return all
}

// account is the key of (host of the base URL, credential).
func (c Config) account() string {
	host := c.baseURL()
	if u, err := url.Parse(host); err == nil {
		host = strings.ToLower(u.Host)
	}
	for _, secret := range c.secrets() {
		host += "\x00" + secret.Reveal()
	}
	return host
}
