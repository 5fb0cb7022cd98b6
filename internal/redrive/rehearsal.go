package redrive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/keys"
)

// rehearsal finds out what sending letters would do, without sending them.
type rehearsal struct {
	ways map[string]way
	keys *wiring.Keys
}

// way is one destination, with the route of deliveries.
type way struct {
	wiring.Pipeline
	// bare is a route that remembers no ids, so that its result depends only on the event,
	// the settings and the help desk, not on earlier letters.
	bare sink.Route
	// offline is the same for plans without lookups: it knows no names that lookups of others found.
	offline sink.Route
}

// newRehearsal makes the named destinations, which spend the reserve of their rate budgets.
func newRehearsal(ctx context.Context, cfg *config.Config, names []string, opts wiring.Options, log *slog.Logger) (*rehearsal, error) {
	r := &rehearsal{ways: map[string]way{}}
	if len(names) == 0 {
		return r, nil
	}
	opts.Alone = true
	pipelines, err := wiring.Pipelines(cfg, names, opts, log)
	if err != nil {
		return nil, &config.UsageError{Err: err}
	}
	for _, p := range pipelines {
		if p.Config.Delivery.RateLimit.Reserve <= 0 {
			return nil, &config.UsageError{Err: fmt.Errorf(
				"destination %s: delivery.rate_limit.reserve is 0, so no part of the rate budget is kept for dead letters: set it, for example to 0.1", p.Config.Name)}
		}
		w := way{Pipeline: p}
		for _, route := range []*sink.Route{&w.bare, &w.offline} {
			*route, err = wiring.NewRoute(cfg, p.Config, sink.NewIDs(1, 0), slog.New(slog.DiscardHandler)) // the pipeline's route says it
			if err != nil {
				return nil, &config.UsageError{Err: err}
			}
			route.Reader = p.Route.Reader
		}
		r.ways[p.Config.Name] = w
	}
	chosen, err := wiring.Choose(cfg, names)
	if err == nil {
		r.keys, err = wiring.OpenKeys(ctx, cfg, chosen, log)
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *rehearsal) close() {
	r.keys.Close()
	for _, w := range r.ways {
		w.Destination.Close()
	}
}

// session returns a session that plans a letter.
func (r *rehearsal) session(ctx context.Context, c *candidate) *sink.Session {
	s := r.bareSession(ctx, c, sink.PlanWithLookup)
	s.Inherited = c.inherited()
	if c.named = r.named(c); c.named != nil {
		s.Keys = c.named
	}
	return s
}

func (r *rehearsal) bareSession(ctx context.Context, c *candidate, mode sink.Plan) *sink.Session {
	w := r.ways[c.destination]
	s := w.Destination.PlanSession(ctx, mode, w.Answers)
	s.Lane, s.Timestamp, s.Round, s.Reader, s.Decoder = c.lane, c.original.Timestamp, c.round, c.reader, c.decoder
	s.Identity, s.Call = c.identity, c.call
	return s
}

// playOffline plans a letter from its event and the settings only, and returns the lookups that
// asking the help desk takes.
func (r *rehearsal) playOffline(ctx context.Context, c *candidate) (o sink.Outcome, lookups []string, err error) {
	s := r.bareSession(ctx, c, sink.PlanOffline)
	o, err = r.ways[c.destination].offline.Deliver(ctx, s, c.rec.Value)
	return o, s.Asked(), err
}

// named are the keys of a letter's event, nil where its destination has none.
func (r *rehearsal) named(c *candidate) *keys.OfEvent {
	at := c.source().Place
	return r.keys.Of(c.destination, keys.OfEvent{
		Topic: c.original.Topic, Lane: c.lane, Redriven: true, Unwritten: c.unwritten,
		By: keys.Event{TopicID: keys.ID(at.TopicID), Partition: at.Partition, Offset: at.Offset, Epoch: at.Epoch, At: c.original.Timestamp},
	})
}

// play plans a letter from its event and the help desk only.
func (r *rehearsal) play(ctx context.Context, c *candidate, s *sink.Session) (sink.Outcome, error) {
	return r.ways[c.destination].bare.Deliver(ctx, s, c.rec.Value)
}

// How often a lookup is tried, and the pause between attempts.
const (
	askTimes = 3
	askPause = time.Second
)

// patiently calls play again while the help desk does not answer, at most askTimes, and calls
// again before each.
func patiently(ctx context.Context, again func(*sink.Outcome), play func() (sink.Outcome, error)) (sink.Outcome, error) {
	for n := 1; ; n++ {
		now, err := play()
		if err != nil || !unanswered(&now) || n == askTimes {
			return now, err
		}
		again(&now)
		select {
		case <-time.After(askPause):
		case <-ctx.Done():
			return now, context.Cause(ctx)
		}
	}
}

// unanswered reports whether a plan's lookup failed for a temporary reason, which says nothing
// about the event.
func unanswered(o *sink.Outcome) bool {
	return o.Outcome == sink.Dead && o.Error.Class == sink.Exhausted
}

// ReasonOf returns why an outcome is dead or skipped.
func ReasonOf(o *sink.Outcome) string {
	switch {
	case o.Error != nil:
		return output.Line(fmt.Sprintf("%s %s: %s", o.Error.Class, o.Error.Code, o.Error.Message))
	case o.Reason != nil:
		return string(*o.Reason)
	}
	return ""
}

// Writes returns the calls of an outcome that change something.
func Writes(o *sink.Outcome) []sink.CallRecord {
	var list []sink.CallRecord
	for _, call := range o.Calls {
		if !call.Lookup {
			list = append(list, call)
		}
	}
	return list
}

// digestOf identifies what an outcome would do: its writes and its result. Lookups do not
// count, because remembered ids make some unnecessary.
func digestOf(o *sink.Outcome) string {
	type write struct {
		Method, URL string
		Request     sink.RawJSON `json:",omitzero"`
	}
	what := struct {
		Outcome            sink.Disposition
		Reason             *mapping.Skip
		Stage, Class, Code string
		Writes             []write
	}{Outcome: o.Outcome, Reason: o.Reason}
	if o.Error != nil {
		what.Stage, what.Class, what.Code = string(o.Error.Stage), string(o.Error.Class), string(o.Error.Code)
	}
	for _, call := range Writes(o) {
		what.Writes = append(what.Writes, write{call.Method, call.URL, call.Request})
	}
	text, err := json.Marshal(what)
	if err != nil { // a body is JSON, or it would be in no outcome
		text = fmt.Append(nil, what)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
