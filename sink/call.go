package sink

import (
	"context"
	"net/http"
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
	// Plan is what a plan shows as the body, where that depends on the time of the call; else nil.
	Plan *mapping.Value
	// Lookup marks a call that changes nothing and may be made by plan.
	Lookup bool
	// Unrepeatable marks a write that could take effect twice when it is sent again
	// after an answer was lost: a ticket, an event, a create that nothing deduplicates.
	Unrepeatable bool
	// Patient marks a lookup that does not end the event, however often it fails: something that
	// may have taken effect is looked for.
	Patient bool
	// Optional marks a lookup that the event can do without: an answer that is none, other than
	// a server's fault, is returned as it is.
	Optional bool
	// Shared marks a lookup that many events need: it may be made from the reserve of the rate
	// budget.
	Shared bool
	// Own marks a call that is the event itself: its response is kept, whatever it is, and a 2xx
	// that is no JSON, or a write that got no answer and is Unrepeatable, ends the event at once.
	Own bool
	// Large marks a lookup whose answer may have MaxLarge bytes: a page of a list.
	Large bool
	// recorded marks a write that is announced on record: whoever goes on with the event looks
	// for it.
	recorded bool
	// blind marks a write of which nobody can find out whether it took effect.
	blind bool
	// Answers are the statuses outside 2xx that are an answer to this call and
	// neither a failure nor the event's fault, as 404 is for a lookup by id. They count
	// when the answer is the API's own; from a gateway they are a passing failure.
	Answers []int
	// Accept, when set, returns what is malformed about the body of a 2xx answer;
	// such an answer is a passing failure. When nil, a body must be empty or JSON. Its
	// error quotes nothing of the answer, which may hold the credential.
	Accept func(Reply) error
}

// Lookup is the call that looks up what is at a path. op is as Call.Op.
func Lookup(op, path string) Call {
	return Call{Op: op, Method: http.MethodGet, Path: path, Lookup: true}
}

// Doer makes the calls of one event. Waiting and repeating are its business, so the caller
// goes on with the next call or returns the Doer's error as it is: a *Failure when the event
// is dead of it, ErrInterrupted, or a hold.Error.
type Doer interface {
	// Do makes a call and returns its response: a 2xx that the call accepts, or one of
	// Call.Answers. Anything else is an error.
	Do(ctx context.Context, call Call) (Reply, error)
	// Once makes a write that may not be repeated, as one step of the event: what took effect
	// before, in this process or another, is not done again. The errors are Do's.
	Once(ctx context.Context, e Effect) (Effected, error)
	// Change makes a write that may be repeated, as one step of the event: what took effect before
	// is not done again. The errors are Do's.
	Change(ctx context.Context, c Change) (Effected, error)
	// Begun reports whether a step took effect, or may have, or was skipped with what was found,
	// in this process or another.
	Begun(step string) bool
	// Skip lists a step as skipped. With found, the ids of what makes it needless, not nil, these
	// are kept as the step's, which Once returns.
	Skip(step string, found map[string]string)
	// Fail lists a step as failed whose refusal was looked into. Once and Change list their own.
	Fail(step string)
	// Adopt notes that a step took effect, as something else than its own answer shows, and what it
	// made: Once returns that.
	Adopt(step string, made map[string]string)
	// FindKey returns the ticket that a key of the event's lane names. Error: ErrInterrupted.
	FindKey(ctx context.Context, key Key) (KeyedTicket, error)
	// RecordKey returns when it is on record that a key of the event's lane names a ticket, or that
	// this is closed. Error: ErrInterrupted.
	RecordKey(ctx context.Context, key Key, ticket KeyedTicket) error
	// Ref is 32 hexadecimal digits for a step of the event: the same whoever takes the step, in
	// each process and round, and no other event's. Without a record on Kafka it is this Doer's
	// own.
	Ref(step string) string
	// Await waits until done is closed, by another event that does what this one needs. The
	// event gives its place in flight back meanwhile: else those who wait could hold all
	// places and the one they wait for none.
	Await(ctx context.Context, done <-chan struct{}) error
	// CountFailure makes of a response among Call.Answers, or of a success that lacks what the
	// event needs (BadAnswer), a passing failure of the event: it counts as an attempt, and the
	// event waits its back-off.
	CountFailure(ctx context.Context, call Call, reply Reply) error
	// Reject is the *Failure, class Rejected, of a response among Call.Answers that turned out
	// to be a refusal.
	Reject(call Call, reply Reply) error
}

// maxBody is how many bytes of the answer are read.
func (c Call) maxBody() int {
	if c.Large {
		return MaxLarge
	}
	return MaxBody
}

func (c Call) answers(status int) bool { return slices.Contains(c.Answers, status) }

// stage is where an event dies of the call.
func (c Call) stage() Stage {
	if c.Lookup {
		return StageLookup
	}
	return StageRequest
}

// Receipt is what a help desk's package knows of a delivered event besides its calls.
type Receipt struct {
	// IDs are the vendor's ids that were found or made, "contact_id" and the like.
	IDs map[string]string
	// Warnings say, for people, what was coerced or left out. They quote no answer.
	Warnings []string
}
