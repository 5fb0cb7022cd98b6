package stub

import (
	"net/http"
	"net/url"
	"time"
)

// API is what differs between help desks.
type API interface {
	// Name is the name of the desk, which its destinations have as their type.
	Name() string
	// Path is the path at which a Server serves the API: how a destination's base_url ends.
	Path() string
	// Routes are its endpoints.
	Routes() []Route
	// MaxBody is the length of the largest body that it takes, in bytes.
	MaxBody() int
	// Refuse is its answer with a status that is no matter of one endpoint.
	Refuse(status int) Answer
	// Unrouted is its answer to a call of no endpoint.
	Unrouted(Request) Answer
	// BudgetOf names the budget in which the calls of a token are counted.
	BudgetOf(token string) string
	// Headers sets the rate headers of an answer.
	Headers(h http.Header, b Budget, now time.Time)
	// User is the identifier of the person whom a request is about, "" if it shows none.
	User(Request) string
	// Stats counts what it holds.
	Stats() map[string]int
	// Reset forgets what it holds.
	Reset()
}

// Request is one call as an API sees it.
type Request struct {
	// Op is that of the route, "" for a call of no endpoint.
	Op     string
	Method string
	// OtherMethod is set for a path that has endpoints, but none for the method.
	OtherMethod bool
	// Params are the values of the braces in the route's template, unescaped.
	Params []string
	Query  url.Values
	// Object is the body as a JSON object, nil with NotObject if it is none.
	Object    map[string]any
	NotObject error
	// Array is the body as a JSON array, nil if it is none.
	Array []any
	// Seq and Mark are those of the Call.
	Seq  int64
	Mark string
	// Now is what the desk's clock shows as the call takes effect, in UTC.
	Now time.Time
	// Quirks are those that the desk had as the call arrived.
	Quirks Quirks
	// UserID is the user that the token belongs to, of Config.Users, 0 for one that is not
	// named there.
	UserID int64

	body     []byte
	tooLarge bool
	seed     uint64
}

// Spread returns a part of a time, a hash of the configuration's seed and of some texts.
func (r Request) Spread(most time.Duration, parts ...string) time.Duration {
	return time.Duration(unit(Mix(Hash(parts...)^r.seed)) * float64(most))
}

// Answer is what an API answers to a request.
type Answer struct {
	Status int
	Body   []byte
	HTML   bool // the body is HTML and not JSON

	location string // of a redirect
	cut      bool   // the connection is reset instead
	pending  bool   // the call takes effect after its latency, if the client is still there
}

// Budget is what is left of a budget after a call.
type Budget struct {
	Limit, Remaining int
	// Reset is when the next fixed window begins, or when the oldest call leaves the
	// sliding one.
	Reset time.Time
	// Exceeded is set for a call over the limit.
	Exceeded bool
}
