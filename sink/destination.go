package sink

import (
	"crypto/tls"
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
	// CredentialSetting is the path of the setting that has it, for people: trengo.api_token.
	CredentialSetting string
	// Headers are sent with each call, by name, besides those of the program.
	Headers map[string]Secret
	// MaxInFlight is how many events are in flight at once, at least 1.
	MaxInFlight int
	// Priorities says that events have priorities: then calls go to the most urgent of all
	// destinations of the account first.
	Priorities bool
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
	// TLS is how calls are encrypted and what authorities are trusted; nil is as the system has it.
	TLS *tls.Config
	// Transport makes the HTTP exchanges; nil is a transport of the destination's own.
	Transport http.RoundTripper
	// Echo returns what a write comes back as from the help desk. reply has no body where the effect
	// was found, and of a write that has no answer yet. It is nil where nobody reads that.
	Echo func(call Call, reply *Reply) []Echo
	// OnCall, if set, is told of each attempt.
	OnCall func(Attempt)
	// TraceCalls has the API told of the trace that a call belongs to: see Session.Trace and Parent.
	TraceCalls bool
}

// Attempt is one attempt at a call.
type Attempt struct {
	// Op is the call's, see Call.Op.
	Op string
	// Status is that of the answer, 0 without one.
	Status int
	// Took is how long the answer took, or the attempt without one.
	Took time.Duration
	// TraceID is the id of the event's trace, "" for an event that has none.
	TraceID string
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
	retries  atomic.Int64 // attempts at calls after the first
	waited   atomic.Int64 // for the rate budget, in nanoseconds
	latest   atomic.Pointer[failure]
	holds    holdLog
	log      *slog.Logger
}

// NewDestination makes a Destination that spends from the budget, which other
// destinations with the same credential share.
func NewDestination(c Config, spend *budget.Budget, log *slog.Logger) *Destination {
	d := &Destination{Config: c, client: newClient(c), budget: spend, log: log}
	d.redact.Store(newRedaction(c.secrets()...))
	d.holds.d = d
	gate := hold.Config{Limit: c.MaxInFlight, Initial: c.Retry.Initial, GiveUp: c.longestWait(), Budget: spend, OnChange: d.holds.changed}
	if !c.Alone {
		gate.Breaker, gate.OnInvalid = c.Breaker, d.sayInvalid
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

// Retries is how many attempts at calls were repeats of one that had failed.
func (d *Destination) Retries() int64 { return d.retries.Load() }

// BudgetWait is how long events have waited for the rate budget, in all.
func (d *Destination) BudgetWait() time.Duration { return time.Duration(d.waited.Load()) }

// Close closes idle connections, and logs no hold any more.
func (d *Destination) Close() {
	d.holds.end()
	d.client.close()
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
	if c.Priorities {
		b.Prioritise()
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

// SharesAccount reports whether another destination has the same account, and so the same rate
// budget and ids.
func (c Config) SharesAccount(other Config) bool { return c.account() == other.account() }

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
