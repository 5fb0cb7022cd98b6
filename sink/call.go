package sink

import (
	"bytes"
	"context"
	"slices"

	"github.com/deskstream/deskstream/mapping"
)

// Call is one HTTP request that an event needs.
type Call struct {
	// Op is the method and the path's template, "PUT /contacts/{id}": what calls of
	// different events have in common. It may hold nothing of the event.
	Op string
	// Method is the HTTP method.
	Method string
	// Path is below the destination's base URL, begins with a slash and is escaped.
	Path string
	// Query is the encoded query, "" for none.
	Query string
	// Body is the JSON body of a write; absent for none.
	Body mapping.Value
	// Lookup marks a call that changes nothing and may be made by plan.
	Lookup bool
	// Unrepeatable marks a write that could take effect twice when it is sent again
	// after an answer was lost: a ticket, an event, a create that nothing deduplicates.
	Unrepeatable bool
	// Answers are the statuses outside 2xx that are an answer to this call and
	// neither a failure nor the event's fault, as 404 is for a lookup by id. They count
	// when the answer is the API's own; from a gateway they are a passing failure.
	Answers []int
	// Accept, when set, tells what is malformed about the body of a 2xx answer;
	// such an answer is a passing failure. When nil, a body must be empty or JSON. Its
	// error quotes nothing of the answer, which may hold the credential.
	Accept func(Reply) error
}

// Reply is a help desk's answer to a call.
type Reply struct {
	Status int
	// Header is nil for none.
	Header Header
	// Body is at most MaxBody bytes of the answer's body.
	Body []byte
	// Cut marks a Body of which that was only the beginning.
	Cut bool
	// Planned marks the stand-in for the answer to a write that plan does not send:
	// status 0 and no body.
	Planned bool

	parsed *mapping.Value // what JSON gives, once it is known
}

// OK reports whether the status is 2xx.
func (r Reply) OK() bool { return r.Status >= 200 && r.Status < 300 }

// header is the first value of a field, "" for none.
func (r Reply) header(name string) string {
	if r.Header == nil {
		return ""
	}
	return r.Header.Get(name)
}

// JSON is the body as a JSON value, absent if it is empty or no JSON.
func (r Reply) JSON() mapping.Value {
	if r.parsed != nil {
		return *r.parsed
	}
	// A byte-order mark may be ignored: RFC 8259, section 8.1.
	v, err := mapping.ParseJSON(bytes.TrimPrefix(r.Body, []byte("\uFEFF")))
	if err != nil {
		return mapping.Value{}
	}
	return v
}

// parse does once what JSON would do each time.
func (r *Reply) parse() {
	parsed := r.JSON()
	r.parsed = &parsed
}

// Doer makes a call and gives its answer: a 2xx that the call accepts, or one of
// Call.Answers. Anything else is an error: a *Failure when the event is dead of it,
// or ErrInterrupted. Waiting and repeating are the Doer's business, so the caller
// goes on with the next call or returns the error as it is.
type Doer interface {
	Do(ctx context.Context, call Call) (Reply, error)
}

// DoerFunc makes a function a Doer.
type DoerFunc func(ctx context.Context, call Call) (Reply, error)

// Do calls f.
func (f DoerFunc) Do(ctx context.Context, call Call) (Reply, error) { return f(ctx, call) }

func (c Call) answers(status int) bool { return slices.Contains(c.Answers, status) }

// Receipt is what a help desk's package knows of a delivered event besides its calls.
type Receipt struct {
	// IDs are the vendor's ids that were found or made, "contact_id" and the like.
	IDs map[string]string
	// Warnings say, for people, what was coerced or left out. They quote no answer.
	Warnings []string
}
