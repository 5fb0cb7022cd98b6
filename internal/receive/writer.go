package receive

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// ackTimeout is how long a request waits for the acknowledgement of its event. Kustomer wants
	// an answer within a few seconds.
	ackTimeout = 4 * time.Second
	// recordTimeout is how long the client tries to write an event whose request was answered with
	// 503. When it gives up, the next request tries.
	recordTimeout = 30 * time.Second
	// maxBuffered is how many events, and bytes of them, wait for Kafka.
	maxBuffered      = 1024
	maxBufferedBytes = 64 << 20
)

var (
	// errNotTaken is an event that Kafka did not acknowledge in time.
	errNotTaken = errors.New("kafka has not acknowledged the event in time")
	// errTooLong is an event that the topic does not take, however often it is sent.
	errTooLong = errors.New("the event is larger than the topic's max.message.bytes")
)

// producer is the part of a Kafka client that writes.
type producer interface {
	TryProduce(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error))
}

// writer writes events and waits for their acknowledgements.
type writer struct {
	client  producer
	topic   string
	timeout time.Duration
	log     *slog.Logger
	metrics *metrics
	// waiting counts events that are overdue. While there is one, Kafka takes nothing, and the next
	// request is told so at once.
	waiting atomic.Int64
	failed  atomic.Pointer[string] // the latest error, nil since an event was written
	waits   sync.Pool              // of *wait, used before
}

// wait is what one request waits with. It is used again when its event has ended in time.
type wait struct {
	state atomic.Int32
	done  chan error
	timer *time.Timer
}

func (w *writer) begin() *wait {
	if used, ok := w.waits.Get().(*wait); ok {
		used.state.Store(inTime)
		used.timer.Reset(w.timeout)
		return used
	}
	return &wait{done: make(chan error, 1), timer: time.NewTimer(w.timeout)}
}

// end gives back what nobody uses any more.
func (w *writer) end(used *wait) {
	used.timer.Stop()
	w.waits.Put(used)
}

// takes reports whether Kafka is thought to take events.
func (w *writer) takes() bool { return w.waiting.Load() <= 0 }

// The states of one event on its way.
const (
	inTime  int32 = iota // its request waits
	overdue              // its request was answered, and the event may still be written
	ended                // it is written, or will not be
)

// write returns when all in-sync replicas have the event. written is called when they have it,
// also when that is after an error. Errors: errTooLong; errNotTaken, and others after which the
// event may be on the topic or not.
func (w *writer) write(ctx context.Context, r *kgo.Record, written func()) error {
	r.Topic = w.topic
	its := w.begin()
	w.client.TryProduce(context.WithoutCancel(ctx), r, func(_ *kgo.Record, err error) {
		if err == nil {
			written()
		}
		if its.state.Swap(ended) == overdue {
			w.freed(err)
			return // its request has gone
		}
		its.done <- err
	})
	select {
	case err := <-its.done:
		w.end(its)
		return w.judged(err)
	case <-its.timer.C:
	}
	if !its.state.CompareAndSwap(inTime, overdue) {
		err := <-its.done
		w.end(its)
		return w.judged(err)
	}
	w.stuck()
	return errNotTaken
}

// judged is the error of a request whose event has ended.
func (w *writer) judged(err error) error {
	if err == nil {
		w.failed.Store(nil)
		return nil
	}
	w.metrics.writeFailures.Inc()
	if errors.Is(err, kerr.MessageTooLarge) {
		return errTooLong
	}
	text := err.Error()
	if was := w.failed.Swap(&text); was == nil || *was != text {
		w.log.Warn("writing an event failed, its webhook is answered with 503", "topic", w.topic, "err", err)
	}
	return err
}

// stuck notes an event that is overdue.
func (w *writer) stuck() {
	w.metrics.writeFailures.Inc()
	if w.waiting.Add(1) == 1 {
		w.log.Error("kafka takes no events, webhooks are answered with 503", "topic", w.topic)
	}
}

// freed notes that an overdue event has ended. It may come before stuck.
func (w *writer) freed(err error) {
	switch {
	case w.waiting.Add(-1) != 0:
	case err == nil:
		w.log.Info("kafka takes events again", "topic", w.topic)
	default:
		w.log.Warn("an event that was answered with 503 is given up, the next one is tried", "topic", w.topic, "err", err)
	}
}
