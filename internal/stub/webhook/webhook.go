// Package webhook is a stub of an endpoint that takes events by POST. Since no vendor says how
// such an endpoint answers, it does what one of its owner's would: 204 for a JSON object, and
// a status without a body for all else.
package webhook

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/deskstream/deskstream/internal/stub"
)

// Name and Path are those of the desk; see stub.API. An endpoint is any name below Path.
const (
	Name = "webhook"
	Path = "/webhook"
)

type endpoint struct{ events atomic.Int64 }

// New returns an endpoint that has received nothing.
func New() stub.API { return &endpoint{} }

func (*endpoint) Name() string { return Name }
func (*endpoint) Path() string { return Path }

func (e *endpoint) Routes() []stub.Route {
	return []stub.Route{stub.NewRoute("POST /{endpoint}", e.take)}
}

func (e *endpoint) take(r stub.Request) stub.Answer {
	if r.NotObject != nil {
		return stub.Answer{Status: http.StatusBadRequest}
	}
	e.events.Add(1)
	return stub.Answer{Status: http.StatusNoContent}
}

func (*endpoint) MaxBody() int { return stub.MaxBody }

func (*endpoint) Refuse(status int) stub.Answer { return stub.Answer{Status: status} }

func (*endpoint) Unrouted(r stub.Request) stub.Answer {
	if r.OtherMethod {
		return stub.Answer{Status: http.StatusMethodNotAllowed}
	}
	return stub.Answer{Status: http.StatusNotFound}
}

// BudgetOf: all who send share one budget.
func (*endpoint) BudgetOf(string) string { return "" }

func (*endpoint) Headers(h http.Header, b stub.Budget, now time.Time) {
	if b.Exceeded {
		h.Set("Retry-After", strconv.Itoa(int((b.Reset.Sub(now)+time.Second-1)/time.Second)))
	}
}

// User is the event's user.
func (*endpoint) User(r stub.Request) string {
	for _, name := range []string{"userId", "anonymousId"} {
		if id, ok := r.Object[name].(string); ok && id != "" {
			return id
		}
	}
	return ""
}

func (e *endpoint) Stats() map[string]int { return map[string]int{"events": int(e.events.Load())} }

func (e *endpoint) Reset() { e.events.Store(0) }
