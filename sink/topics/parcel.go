package topics

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
)

// repeat says how long a record waits before it is produced again.
var repeat = sink.Policy{Initial: 100 * time.Millisecond, Max: 10 * time.Second}

// ask says how long a record waits before a client that was full is asked again.
var ask = sink.Policy{Initial: repeat.Initial, Max: 2 * time.Second}

// parcel is one record on its way to its topic. One goroutine at a time has it:
// the caller of Write, then the client's promise or the timer in turns.
type parcel struct {
	// ctx is stored because neither the promise nor the timer has another way to it.
	ctx    context.Context
	target *target
	// source is the record that this one is about.
	source *kgo.Record
	// build makes the record in one of its forms: 0 is the whole of it, smallest
	// the last resort for a topic that takes no more.
	build    func(form int) *kgo.Record
	smallest int
	done     func(offset int64, err error)

	form     int
	failures int
	refusals int  // by a full client
	alone    bool // it did not fit together with others, or into a batch of the usual size

	// Guarded by target.mu.
	since         time.Time
	before, after *parcel
}

// record makes the record. The client would look at the clock for its timestamp once more.
func (p *parcel) record(now time.Time) *kgo.Record {
	r := p.build(p.form)
	r.Timestamp = now
	return r
}

func (w *Writer) begin(p *parcel, mayWait bool) {
	now := time.Now()
	p.target.entered(p, now)
	if mayWait {
		w.shipLater(p)
		return
	}
	w.shipHeld(now) // a request is made in any case
	w.ship(p, now)
}

// ship hands the record to the client. It is built again each time, with now as its timestamp
// and for the partitions that the topic has by then. A full client refuses
// instead of blocking: a promise that blocks would stop the very promises that make room.
func (w *Writer) ship(p *parcel, now time.Time) {
	if p.alone {
		w.shipAlone(p)
		return
	}
	w.cl.TryProduce(p.ctx, p.record(now), func(r *kgo.Record, err error) { w.settle(p, now, r.Offset, err) })
}

// shipAlone sends the record in a batch of its own. The usual client bounds a batch
// before it is compressed, and a broker after: so what is too large for the one may be
// right for the other, and a batch may be too large whose records are not.
func (w *Writer) shipAlone(p *parcel) {
	select {
	case p.target.alone <- struct{}{}:
	case <-p.ctx.Done():
		w.giveUp(p)
		return
	}
	sent := time.Now()
	w.cfg.Large.TryProduce(p.ctx, p.record(sent), func(r *kgo.Record, err error) {
		<-p.target.alone
		w.settle(p, sent, r.Offset, err)
	})
}

func (w *Writer) settle(p *parcel, sent time.Time, offset int64, err error) {
	switch {
	case err == nil:
		p.target.left(p, true)
		p.done(offset, nil)
	case p.ctx.Err() != nil:
		w.giveUp(p)
	case errors.Is(err, kgo.ErrMaxBuffered):
		p.refusals++
		w.again(p, ask.Delay(p.refusals, rand.Float64()))
	case tooLarge(err) && !p.alone && w.cfg.Large != nil:
		p.alone = true
		go w.ship(p, time.Now()) // a promise may not produce itself, kgo says
	case tooLarge(err) && p.form < p.smallest:
		p.form++
		p.alone = false
		w.log.Debug("record shrunk to fit its topic", "topic", p.target.topic, "form", p.form,
			sourceAttrs(p.source))
		go w.ship(p, time.Now())
	default:
		if errors.Is(err, kerr.UnknownTopicID) && w.cfg.Remade != nil {
			w.cfg.Remade(p.target.topic, sent)
		}
		p.target.failed(p, err)
		p.failures++
		w.again(p, repeat.Delay(p.failures, rand.Float64()))
	}
}

// again produces the parcel after a while or gives it up when its context ends,
// whichever is first: stop reports whether the latter has begun.
func (w *Writer) again(p *parcel, after time.Duration) {
	stop := context.AfterFunc(p.ctx, func() { w.giveUp(p) })
	time.AfterFunc(after, func() {
		if stop() {
			w.ship(p, time.Now())
		}
	})
}

func (w *Writer) giveUp(p *parcel) {
	p.target.left(p, false)
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
