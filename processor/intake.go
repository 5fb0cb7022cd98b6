package processor

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// pollRecords is how many records are taken in at once, so how far a limit can be overrun.
const pollRecords = 500

// intake polls for as long as there is room. Without room it does not poll: the
// client heartbeats anyway and holds no more than fetchBytes per broker, while
// pausing partitions would throw away all that it has fetched. Nor does it poll while
// more lanes are ready than the destination's places will take for long: what is fetched
// then waits in the broker as well as here, where it costs memory and the collector's time.
func (p *Processor) intake(ctx context.Context) error {
	for {
		if err := p.waitForRoom(ctx); err != nil {
			return err
		}
		fetches := p.kafka.group.PollRecords(ctx, pollRecords)
		if fetches.IsClientClosed() {
			return kgo.ErrClientClosed
		}
		if ctx.Err() != nil {
			p.kafka.group.AllowRebalance()
			return context.Cause(ctx)
		}
		fetches.EachError(p.fetchError)
		p.book.takeIn(fetches)
		p.kafka.group.AllowRebalance()
		if fetches.Empty() && len(fetches.Errors()) > 0 {
			pause(ctx, fetchBackoff) // the client gives a lasting error at once, again and again
		}
	}
}

// fetchBackoff is the pause after a poll that brought errors only.
const fetchBackoff = time.Second

// waitForRoom waits for as long as a limit is reached, or enough lanes are ready. In a
// hold there are never enough: the limits then say why more waits.
func (p *Processor) waitForRoom(ctx context.Context) error {
	look := time.NewTicker(lookForHold)
	defer look.Stop()
	for {
		yes, limit, changed := p.book.mayFetch(p.dest.Gate().Held().Active())
		if changed && limit != "" {
			p.log.Info("intake paused", "limit", limit)
		} else if changed {
			p.log.Info("intake resumed")
		}
		if yes {
			return nil
		}
		select {
		case <-p.book.roomFreed:
		case <-look.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// lookForHold is how often an intake that waits looks for a hold.
const lookForHold = time.Second

// fetchError logs what the client could not fetch; it goes on trying.
func (p *Processor) fetchError(topic string, id int32, err error) {
	tp := topicPartition{topic, id}
	if loss, ok := errors.AsType[*kgo.ErrDataLoss](err); ok {
		p.log.Error("source partition lost data, delivering again from there", "topic", topic, "partition", id, "consumed_to", loss.ConsumedTo, "reset_to", loss.ResetTo)
		p.book.restart(tp, loss.ResetTo)
		return
	}
	if errors.Is(err, kerr.UnknownTopicID) {
		p.topics.refusedSource(topic)
		p.book.offsetRefused(tp) // the client reports it once and stops asking
	}
	p.troubles.fetch.met(err, "topic", topic, "partition", id)
}
