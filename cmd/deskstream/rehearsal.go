package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// rehearsal plans letters: what they would do, without doing it.
type rehearsal struct {
	ways map[string]way
}

// way is one destination. Its route is that of deliveries.
type way struct {
	pipeline
	// bare remembers no ids: what it gives comes from the event, the settings and what
	// the help desk holds, whatever the letters before were.
	bare sink.Route
}

// newRehearsal wires the named destinations to spend the reserve of their rate budgets.
func newRehearsal(cfg *config.Config, names []string, opts wireOptions, log *slog.Logger) (*rehearsal, error) {
	r := &rehearsal{ways: map[string]way{}}
	if len(names) == 0 {
		return r, nil
	}
	opts.alone = true
	pipelines, err := wire(cfg, names, opts, log)
	if err != nil {
		return nil, &exitError{Code: exitUsage, Err: err}
	}
	for _, p := range pipelines {
		if p.config.Delivery.RateLimit.Reserve <= 0 {
			return nil, &exitError{Code: exitUsage, Err: fmt.Errorf(
				"destination %s: delivery.rate_limit.reserve is 0, which leaves nothing of the rate budget for dead letters: set it, 0.1 for example", p.config.Name)}
		}
		bare, err := routeOf(p.config, sink.NewIDs(1, 0))
		if err != nil {
			return nil, &exitError{Code: exitUsage, Err: err}
		}
		bare.Reader = p.route.Reader
		r.ways[p.config.Name] = way{pipeline: p, bare: bare}
	}
	return r, nil
}

func (r *rehearsal) close() {
	for _, w := range r.ways {
		w.dest.Close()
	}
}

// session is one that plans a letter.
func (r *rehearsal) session(ctx context.Context, c *candidate, mode sink.Plan) *sink.Session {
	w := r.ways[c.destination]
	s := w.dest.PlanSession(ctx, mode, w.answers)
	s.Lane, s.Timestamp, s.Round, s.Decoder = c.lane, c.original.Timestamp, c.round, c.decoder
	return s
}

// play plans a letter by its event and what the help desk holds alone.
func (r *rehearsal) play(ctx context.Context, c *candidate, s *sink.Session) (sink.Outcome, error) {
	return r.ways[c.destination].bare.Deliver(ctx, s, c.rec.Value)
}

// What a help desk that does not answer a lookup costs.
const (
	askTimes = 3
	askPause = time.Second
)

// patiently plays again what found no answer, a few times, and says so to again each time.
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

// unanswered reports whether a plan's lookup failed for now, which says nothing of the event.
func unanswered(o *sink.Outcome) bool {
	return o.Outcome == sink.Dead && o.Error.Class == sink.Exhausted
}

// reasonOf is why an outcome is dead or skipped.
func reasonOf(o *sink.Outcome) string {
	switch {
	case o.Error != nil:
		return fmt.Sprintf("%s %s: %s", o.Error.Class, o.Error.Code, oneLine(o.Error.Message))
	case o.Reason != nil:
		return string(*o.Reason)
	}
	return ""
}

// writes are the calls of an outcome that change something.
func writes(o *sink.Outcome) []sink.CallRecord {
	var list []sink.CallRecord
	for _, call := range o.Calls {
		if !call.Lookup {
			list = append(list, call)
		}
	}
	return list
}

// digestOf names what an outcome would do: the same digest, the same writes and the
// same end. Lookups do not count: what is remembered of ids makes some unnecessary.
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
	for _, call := range writes(o) {
		what.Writes = append(what.Writes, write{call.Method, call.URL, call.Request})
	}
	text, err := json.Marshal(what)
	if err != nil { // a body is JSON, or it would be in no outcome
		text = fmt.Append(nil, what)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
