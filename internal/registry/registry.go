package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

const (
	// maxKept bounds the schemas that are kept. A topic has a few.
	maxKept = 1000
	// unknownFor is how long the registry is believed that it does not have a schema.
	unknownFor = 30 * time.Second
)

// again says when a registry that gave no answer about a schema is asked again.
var again = sink.Policy{Initial: 500 * time.Millisecond, Max: 10 * time.Second}

// Registry knows schemas by their ids. It may be used by many goroutines.
type Registry struct {
	client *client
	log    *slog.Logger
	life   context.Context
	end    context.CancelFunc
	flight singleflight.Group
	kept   *lru.Cache[uint32, memory]

	mu   sync.Mutex
	down bool // no answer at the last question
}

// memory is what is known of an id.
type memory struct {
	decoder  mapping.Decoder // nil while the registry gave no answer
	until    time.Time       // zero: for ever
	failures int
}

// New makes a Registry, which asks nothing until it is asked. Close ends it.
func New(c Config, log *slog.Logger) (*Registry, error) {
	client, err := newClient(c)
	if err != nil {
		return nil, err
	}
	kept, err := lru.New[uint32, memory](maxKept)
	if err != nil {
		return nil, fmt.Errorf("setting up the memory of schemas: %w", err)
	}
	r := &Registry{client: client, log: log, kept: kept}
	r.life, r.end = context.WithCancel(context.Background())
	return r, nil
}

// Close ends what is under way.
func (r *Registry) Close() {
	r.end()
	r.client.caller.CloseIdleConnections()
}

// Known is the decoder of values with a schema id, if it is known without asking: one
// that refuses them when there is no such schema or it cannot be read.
func (r *Registry) Known(id uint32) (mapping.Decoder, bool) {
	if id > math.MaxInt32 {
		return unknown(id), true // no registry gives such an id
	}
	m, ok := r.kept.Get(id)
	if !ok || m.decoder == nil || !m.until.IsZero() && time.Now().After(m.until) {
		return nil, false
	}
	return m.decoder, true
}

// Find is Known, or asks the registry for as long as it gives no answer. The error is
// the cause of ctx's end.
func (r *Registry) Find(ctx context.Context, id uint32) (mapping.Decoder, error) {
	for {
		if decoder, ok := r.Known(id); ok {
			return decoder, nil
		}
		if err := r.await(ctx, id); err != nil && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
}

// Try is Find that asks once.
func (r *Registry) Try(ctx context.Context, id uint32) (mapping.Decoder, error) {
	if decoder, ok := r.Known(id); ok {
		return decoder, nil
	}
	if err := r.await(ctx, id); err != nil {
		return nil, err
	}
	decoder, ok := r.Known(id)
	if !ok {
		return nil, errors.New("the schema was forgotten again")
	}
	return decoder, nil
}

// await asks once, in one request for all who wait for the same schema.
func (r *Registry) await(ctx context.Context, id uint32) error {
	done := r.flight.DoChan(strconv.FormatUint(uint64(id), 10), func() (any, error) { return nil, r.fetch(id) })
	select {
	case result := <-done:
		return result.Err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// fetch asks the registry, not before it is time again after failures.
func (r *Registry) fetch(id uint32) error {
	m, _ := r.kept.Get(id)
	if m.decoder == nil && m.failures > 0 {
		select {
		case <-time.After(time.Until(m.until)):
		case <-r.life.Done():
			return context.Cause(r.life)
		}
	}
	schema, err := r.schema(r.life, id)
	switch {
	case r.life.Err() != nil:
		return context.Cause(r.life)
	case err == nil:
		m = memory{decoder: schema.Numbered(id)}
	case isUnknown(err):
		m = memory{decoder: unknown(id), until: time.Now().Add(unknownFor)}
	default:
		fault, bad := errors.AsType[*schemaError](err)
		if !bad {
			m.failures++
			m.until = time.Now().Add(again.Delay(m.failures, rand.Float64()))
			r.kept.Add(id, m)
			r.answered(false, id, err)
			return err
		}
		m = memory{decoder: mapping.Refuse(&mapping.Error{Code: mapping.BadAvro, Message: fmt.Sprintf("schema %d: %v", id, fault)})}
	}
	r.kept.Add(id, m)
	r.answered(true, id, nil)
	return nil
}

// answered says once that the registry is down, and once that it is back.
func (r *Registry) answered(ok bool, id uint32, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !ok && !r.down:
		r.log.Error("schema registry gave no answer, events of its schemas wait", "schema_id", id, "err", err)
	case ok && r.down:
		r.log.Info("schema registry answered again")
	}
	r.down = !ok
}

func unknown(id uint32) mapping.Decoder {
	return mapping.Refuse(&mapping.Error{
		Code:    mapping.UnknownSchema,
		Message: fmt.Sprintf("the schema registry does not have schema %d, or not all that it refers to", id),
	})
}
