package topics

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
)

// repeat says how long a record waits before it is produced again.
var repeat = sink.Policy{Initial: 100 * time.Millisecond, Max: 10 * time.Second}

// parcel is one record on its way to its topic. One goroutine at a time has it:
// the caller of Write, then the client's promise or the timer in turns.
type parcel struct {
	// ctx is stored because neither the promise nor the timer has another way to it.
	ctx    context.Context
	outage *outage
	// source is the record that this one is about.
	source *kgo.Record
	// build makes the record in one of its forms: 0 is the whole of it, smallest
	// the last resort for a topic that takes no more.
	build    func(form int) *kgo.Record
	smallest int
	done     func(offset int64, err error)

	record   *kgo.Record
	form     int
	failures int
	// tooLarge is set once it was logged that the smallest form does not fit.
	tooLarge bool
}

func (w *Writer) ship(p *parcel) {
	p.record = p.build(p.form)
	w.produce(p)
}

// produce hands a copy to the client, so that each repetition has a timestamp of its
// own. A full client refuses instead of blocking: a promise that blocks would stop
// the very promises that make room.
func (w *Writer) produce(p *parcel) {
	record := *p.record
	w.cl.TryProduce(p.ctx, &record, func(r *kgo.Record, err error) { w.settle(p, r.Offset, err) })
}

func (w *Writer) settle(p *parcel, offset int64, err error) {
	switch {
	case err == nil:
		p.outage.left(p, true)
		p.done(offset, nil)
	case p.ctx.Err() != nil:
		w.giveUp(p)
	case errors.Is(err, kgo.ErrMaxBuffered):
		w.again(p, repeat.Initial)
	case tooLarge(err) && p.form < p.smallest:
		p.form++
		w.log.Debug("record shrunk to fit its topic", "topic", p.record.Topic, "form", p.form,
			sourceAttrs(p.source))
		go w.ship(p) // a promise may not produce itself, kgo says
	default:
		p.outage.failed(p, err)
		p.failures++
		w.again(p, repeat.Delay(p.failures, rand.Float64()))
	}
}

// again produces the parcel after a while or gives it up when its context ends,
// whichever is first: stop tells whether the latter has begun.
func (w *Writer) again(p *parcel, after time.Duration) {
	stop := context.AfterFunc(p.ctx, func() { w.giveUp(p) })
	time.AfterFunc(after, func() {
		if stop() {
			w.produce(p)
		}
	})
}

func (w *Writer) giveUp(p *parcel) {
	p.outage.left(p, false)
	p.done(-1, context.Cause(p.ctx))
}

func tooLarge(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge)
}

// reason names an error from a closed set, for metrics.
func reason(err error) string {
	if known, ok := errors.AsType[*kerr.Error](err); ok {
		return known.Message
	}
	if errors.Is(err, kgo.ErrClientClosed) {
		return "client_closed"
	}
	return "other"
}

func sourceAttrs(r *kgo.Record) slog.Attr {
	return slog.Group("source", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset)
}
