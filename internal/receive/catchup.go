package receive

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/internal/export"
	"github.com/deskstream/deskstream/internal/hooks"
)

// catchUpPause is the time between two exports of a destination, longestCatchUpPause that after some
// that failed.
const (
	catchUpPause        = time.Minute
	longestCatchUpPause = 10 * time.Minute
)

// lookBack looks where the topic ends before this instance takes its first request: an event of its
// own says nothing of what was before.
func (r *receiver) lookBack(ctx context.Context) {
	past, err := hooks.LookBack(ctx, r.client, r.Config.Inbound.Topic)
	if err != nil && ctx.Err() == nil {
		r.unknownPast(err)
	}
	r.past = past
}

func (r *receiver) unknownPast(err error) {
	r.Log.Warn("the events on the topic cannot be read: it is not known whether webhooks were lost before this start", "topic", r.Config.Inbound.Topic, "err", err)
}

// watchGaps reads from the desks' lists what they may have sent when nobody took it, until ctx ends.
func (r *receiver) watchGaps(ctx context.Context) error {
	if r.past != nil {
		names := make([]string, 0, len(r.hooks))
		for name := range r.hooks {
			names = append(names, name)
		}
		last, err := r.past.Last(ctx, r.Config, r.Log, names)
		if err != nil && ctx.Err() == nil {
			r.unknownPast(err)
		}
		for name, h := range r.hooks {
			h.gaps.start(last[name], r.past.At)
		}
	}
	var group errgroup.Group
	for _, h := range r.hooks {
		group.Go(func() error {
			r.closeGaps(ctx, h)
			return nil
		})
	}
	return group.Wait()
}

// closeGaps closes the gaps of one destination until ctx ends.
func (r *receiver) closeGaps(ctx context.Context, h *hook) {
	pause, logged := catchUpPause, ""
	for {
		select {
		case <-h.gaps.news:
		case <-ctx.Done():
			return
		}
		gap := h.gaps.get()
		if gap.To.IsZero() {
			continue
		}
		err := r.closeGap(ctx, h, gap)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			pause, logged = catchUpPause, ""
		case errors.Is(err, export.ErrNothingSent): // it stays open: there is nothing to read
			continue
		default:
			if text := err.Error(); text != logged {
				logged = text
				h.logGap(err)
			}
			pause = min(2*pause, longestCatchUpPause)
			h.gaps.again()
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// closeGap exports what a gap may lack. After an error it is still open.
func (r *receiver) closeGap(ctx context.Context, h *hook, gap export.Gap) error {
	name := h.Config.Name
	r.metrics.gap.WithLabelValues(name).Set(gap.Length().Seconds())
	log := h.log.With("from", gap.From, "to", gap.To, "gap", gap.Length().Round(time.Second))
	if !r.CatchUp || len(h.Config.Export.Entities) == 0 {
		log.Info("the desk may have sent webhooks that nobody took, which are not read from its lists: export.entities names none, or --catch-up=false was given")
		return export.ErrNothingSent
	}
	log.Info("the desk may have sent webhooks that nobody took, its lists are read", "entities", h.Config.Export.Entities)
	err := export.CatchUp(ctx, export.Options{Config: r.Config, Log: r.Log, CreateTopics: r.CreateTopic}, name, gap)
	switch {
	case err == nil:
		r.metrics.catchUps.WithLabelValues(name, "true").Inc()
		r.metrics.gap.WithLabelValues(name).Set(h.gaps.close(gap).Length().Seconds())
		log.Info("what the desk has of that time was read from its lists")
	case errors.Is(err, export.ErrNothingSent):
		log.Info("what the desk may have sent meanwhile is not read from its lists", "err", err)
	case ctx.Err() == nil && !errors.Is(err, export.ErrNotAlone):
		r.metrics.catchUps.WithLabelValues(name, "false").Inc()
	}
	return err
}

// logGap logs why a gap is still open.
func (h *hook) logGap(err error) {
	if errors.Is(err, export.ErrNotAlone) {
		h.log.Info("another process exports the destination, waiting for a walk that began after the gap", "err", err)
		return
	}
	h.log.Error("reading the desk's lists failed, trying again", "err", err)
}
