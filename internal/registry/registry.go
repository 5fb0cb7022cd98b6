package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/avro"
	"github.com/deskstream/deskstream/sink"
)

const (
	// maxKept bounds the schemas that are kept. A topic has a few.
	maxKept = 1000
	// unknownFor is how long the registry is believed that it does not have a schema.
	unknownFor = 30 * time.Second
)

// again says when a registry that gave no answer about a schema is asked again, and
// lagging when one is that does not know it yet.
var (
	again   = sink.Policy{Initial: 500 * time.Millisecond, Max: 10 * time.Second}
	lagging = sink.Policy{Initial: 500 * time.Millisecond, Max: 2 * time.Second}
)

// errNotYet is an id that the registry does not know, and may know in a moment.
var errNotYet = errors.New("the schema registry does not know the schema yet")

// Registry knows schemas by their ids. It may be used by many goroutines.
type Registry struct {
	client *client
	grace  time.Duration
	log    *slog.Logger
	life   context.Context
	end    context.CancelFunc
	flight singleflight.Group
	kept   *lru.Cache[Ref, memory]

	mu       sync.Mutex
	down     bool      // no answer at the last question
	failedAt time.Time // the last question without an answer
}

// memory is what is known of an id.
type memory struct {
	decoder mapping.Decoder // nil while it is not known what to believe
	until   time.Time       // zero: for ever
	tries   int             // questions in a row that said nothing to believe
	// seen is when the id was seen first.
	seen time.Time
	// suspect refuses values of an id that the registry does not know, and may know soon.
	suspect mapping.Decoder
	told    bool // the log has that the id is not known
}

// New makes a Registry, which asks nothing until it is asked. Close ends it.
func New(c Config, log *slog.Logger) (*Registry, error) {
	client, err := newClient(c)
	if err != nil {
		return nil, err
	}
	kept, err := lru.New[Ref, memory](maxKept)
	if err != nil {
		return nil, fmt.Errorf("setting up the cache of schemas: %w", err)
	}
	r := &Registry{client: client, grace: c.UnknownGrace, log: log, kept: kept}
	r.life, r.end = context.WithCancel(context.Background())
	return r, nil
}

// Close ends what is under way.
func (r *Registry) Close() {
	r.end()
	r.client.caller.CloseIdleConnections()
}

// Known is the decoder of values with a schema's id, if it is known without asking: one
// that refuses them when there is no such schema or it cannot be read.
func (r *Registry) Known(ref Ref) (mapping.Decoder, bool) {
	if ref.kind == byID && ref.number > math.MaxInt32 || ref.number > math.MaxInt64 {
		return r.unknown(ref, nil), true // no registry gives such an id
	}
	m, ok := r.kept.Get(ref)
	if !ok {
		// A registry that lags has had this long when its answer is first heard: many ids
		// that no registry has hold a partition once and not one after the other.
		r.kept.ContainsOrAdd(ref, memory{seen: time.Now()})
	}
	if m.decoder == nil || !m.until.IsZero() && time.Now().After(m.until) {
		return nil, false
	}
	return m.decoder, true
}

// Find is Known, or asks the registry for as long as it gives no answer, and for the
// grace if it does not know the id. The error is the cause of ctx's end.
func (r *Registry) Find(ctx context.Context, ref Ref) (mapping.Decoder, error) {
	for {
		if decoder, ok := r.Known(ref); ok {
			return decoder, nil
		}
		if err := r.await(ctx, ref); err != nil && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
}

// Try is Find that asks once, and believes what it hears.
func (r *Registry) Try(ctx context.Context, ref Ref) (mapping.Decoder, error) {
	if decoder, ok := r.Known(ref); ok {
		return decoder, nil
	}
	if decoder, ok := r.suspect(ref); ok {
		return decoder, nil
	}
	if err := r.await(ctx, ref); err != nil && !errors.Is(err, errNotYet) {
		return nil, err
	}
	if decoder, ok := r.Known(ref); ok {
		return decoder, nil
	}
	if decoder, ok := r.suspect(ref); ok {
		return decoder, nil
	}
	return nil, errors.New("the schema was evicted from the cache before it was used")
}

func (r *Registry) suspect(ref Ref) (mapping.Decoder, bool) {
	m, _ := r.kept.Peek(ref)
	return m.suspect, m.suspect != nil
}

// await asks once, in one request for all who wait for the same schema.
func (r *Registry) await(ctx context.Context, ref Ref) error {
	done := r.flight.DoChan(ref.key(), func() (any, error) { return nil, r.fetch(ref) })
	select {
	case result := <-done:
		return result.Err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// fetch asks the registry, not before it is time again after a question in vain.
func (r *Registry) fetch(ref Ref) error {
	m, _ := r.kept.Get(ref)
	if m.decoder == nil && m.tries > 0 {
		select {
		case <-time.After(time.Until(m.until)):
		case <-r.life.Done():
			return context.Cause(r.life)
		}
	}
	schema, err := r.schema(r.life, ref)
	if r.life.Err() != nil {
		return context.Cause(r.life)
	}
	fault, bad := errors.AsType[*schemaError](err)
	switch {
	case err == nil:
		r.keep(ref, memory{decoder: schema.Behind(ref.header, ref.name())})
	case isUnknown(err):
		return r.doubt(ref, m, err)
	case bad:
		r.keep(ref, memory{decoder: mapping.Refuse(&mapping.Error{Code: mapping.BadAvro, Message: avro.Unusable + ref.name() + ": " + fault.Error()})})
	default:
		// What was believed of the id is not, as long as nobody can be asked.
		m.decoder, m.suspect, m.tries = nil, nil, m.tries+1
		m.until = time.Now().Add(again.Delay(m.tries, rand.Float64()))
		r.kept.Add(ref, m)
		r.answered(ref, err)
		return err
	}
	return nil
}

// keep remembers what an answer said.
func (r *Registry) keep(ref Ref, m memory) {
	r.kept.Add(ref, m)
	r.answered(ref, nil)
}

// doubt takes the answer that no address knows an id. It is not believed until the grace
// is over: a schema is registered at one address, and others hear of it later.
func (r *Registry) doubt(ref Ref, m memory, err error) error {
	now := time.Now()
	if m.seen.IsZero() {
		m.seen = now
	}
	refusing := r.unknown(ref, err)
	ends := r.graceEnds(m.seen)
	if !now.Before(ends) {
		r.keep(ref, memory{decoder: refusing, until: now.Add(unknownFor), seen: m.seen, told: m.told})
		return nil
	}
	if !m.told {
		r.log.Warn("schema registry does not know a schema id, the partition waits for it", "schema_id", ref.id(), "wait", ends.Sub(now))
	}
	m.decoder, m.suspect, m.told, m.tries = nil, refusing, true, m.tries+1
	m.until = now.Add(lagging.Delay(m.tries, rand.Float64()))
	if m.until.After(ends) {
		m.until = ends
	}
	r.keep(ref, m)
	return errNotYet
}

// graceEnds is when the registry is believed about an id that was first seen at a time.
// A registry that was down counts from then on: it may be reading its own store still.
func (r *Registry) graceEnds(seen time.Time) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failedAt.After(seen) {
		seen = r.failedAt
	}
	return seen.Add(r.grace)
}

// answered says once that the registry is down, and once that it is back. err is nil for
// an answer.
func (r *Registry) answered(ref Ref, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil && !r.down:
		r.log.Error("schema registry gave no answer, events of its schemas wait", "schema_id", ref.id(), "err", err)
	case err == nil && r.down:
		r.log.Info("schema registry answered again")
	}
	r.down = err != nil
	if r.down {
		r.failedAt = time.Now()
	}
}

// unknown refuses the values of a schema that the registry does not have, as err says.
func (r *Registry) unknown(ref Ref, err error) mapping.Decoder {
	text := "the schema registry does not have " + ref.name() + ", or not all that it refers to"
	switch {
	case errors.Is(err, errNoGUIDs):
		text = errNoGUIDs.Error() + ", as for " + ref.name() + ": set source.schema_file, or let the serializer write the id before the value, as it does without schema.id.serializer"
	case ref.kind == byGlobalID && ref.header > 0:
		text += ": an id of eight bytes is read as Apicurio's globalId; " + fourBytes
	case ref.kind == byID && ref.header > 0 && r.client.hasNative():
		text += ": Apicurio's serializers of version 2 write globalIds, which its API for Confluent's clients does not know, unless apicurio.registry.use-id=contentId is set"
	}
	return mapping.Refuse(&mapping.Error{Code: mapping.UnknownSchema, Message: text})
}
