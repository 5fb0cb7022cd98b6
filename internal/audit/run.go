package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink/topics"
)

// Options say what to audit.
type Options struct {
	journal.Options

	// Since and Until limit the timestamps of the events. A zero time is no limit.
	Since, Until time.Time
}

// run is one run of audit.
type run struct {
	Options
	box   *journal.Journal
	audit *Audit
}

// Run reads the topics of a deployment and audits them.
func Run(ctx context.Context, o Options) (*Audit, error) {
	box, err := journal.Open(ctx, o.Options)
	if err != nil {
		return nil, err
	}
	defer box.Close()
	w := run{Options: o, box: box}
	windows, err := w.windows(ctx)
	if err != nil {
		return nil, err
	}
	origins, err := box.Origins(ctx)
	if err != nil {
		return nil, err
	}
	w.audit = New(origins, windows)
	defer output.Progress(box.Notes, func() string { return "reading the topics" })()
	return w.audit, w.read(ctx)
}

// read reads states first, then outcomes, then letters. Each is written after the next one,
// so that nothing is missed that is written meanwhile.
func (w *run) read(ctx context.Context) error {
	if err := w.box.ReadStates(ctx); err != nil {
		return err
	}
	keptSince, err := w.readOutcomes(ctx)
	if err != nil {
		return err
	}
	if err := w.readLetters(ctx); err != nil {
		return err
	}
	if err := w.readGaps(ctx, keptSince); err != nil {
		return err
	}
	w.checkApplied(keptSince)
	return nil
}

// windows returns the offsets to audit by group and source partition: within the times, and
// below the committed offset.
func (w *run) windows(ctx context.Context) (map[Scope]journal.Span, error) {
	cfg, windows := w.box.Config, map[Scope]journal.Span{}
	for _, topic := range cfg.Inputs() {
		extent, err := journal.Find(ctx, w.box.Client, topic)
		if err != nil {
			return nil, err
		}
		extent, err = w.within(ctx, extent)
		if err != nil {
			return nil, err
		}
		for _, d := range cfg.Destinations {
			if !slices.Contains(cfg.TopicsOf(d), topic) {
				continue
			}
			committed, err := committedOf(ctx, w.box.Client, cfg.Group(d))
			if err != nil {
				return nil, err
			}
			for p, s := range extent.Spans {
				at, _ := committed.Lookup(topic, p) // zero where nothing is committed
				windows[Scope{Group: cfg.Group(d), Destination: d.Name, Topic: topic, Partition: p}] = journal.Span{From: s.From, End: min(s.End, at.At)}
			}
		}
	}
	return windows, nil
}

// within limits an extent to the times.
func (w *run) within(ctx context.Context, extent journal.Extent) (journal.Extent, error) {
	if !w.Since.IsZero() {
		from, err := journal.After(ctx, w.box.Client, extent.Topic, w.Since)
		if err != nil {
			return extent, err
		}
		extent = extent.From(from)
	}
	if !w.Until.IsZero() {
		to, err := journal.After(ctx, w.box.Client, extent.Topic, w.Until)
		if err != nil {
			return extent, err
		}
		for p, s := range extent.Spans {
			extent.Spans[p] = journal.Span{From: s.From, End: min(s.End, to[p])}
		}
	}
	return extent, nil
}

// committedOf returns the offsets that a group has committed, none for a group that does not
// exist.
func committedOf(ctx context.Context, cl *kgo.Client, group string) (kadm.Offsets, error) {
	found, err := kadm.NewClient(cl).FetchOffsets(ctx, group)
	if err == nil {
		err = found.Error()
	}
	if errors.Is(err, kerr.GroupIDNotFound) {
		return kadm.Offsets{}, nil
	}
	if errors.Is(err, kerr.GroupAuthorizationFailed) {
		return nil, cluster.MissingRight(kmsg.ACLOperationDescribe, "group", group)
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the committed offsets of group %s: %w", group, err)
	}
	return found.Offsets(), nil
}

// readOutcomes reads the responses topic and returns since when it keeps all outcomes.
func (w *run) readOutcomes(ctx context.Context) (keptSince time.Time, err error) {
	extent, err := journal.Find(ctx, w.box.Client, w.box.Config.Responses.Topic)
	if err != nil {
		return time.Time{}, err
	}
	var (
		entries topics.EntryReader
		broken  journal.Unreadable
	)
	defer broken.Note(w.box)
	first, epochs := firstTimes{extent: extent}, newEpochEnds(w.box.Client)
	err = journal.Read(ctx, w.box.Connect, func(r *kgo.Record) error {
		first.take(r)
		entry, ok := entries.Read(r)
		if !ok || entry.Outcome == topics.Claimed || !w.audit.Takes(&entry) {
			return nil
		}
		if lost, err := epochs.lost(ctx, entry.Place); lost || err != nil {
			return err
		}
		if p, ok := topics.ParseProgress(r); ok {
			w.audit.Progress(&entry, p)
		}
		if entry.Outcome == topics.InProgress {
			return nil
		}
		return broken.Pass(w.audit.Take(&entry, r.Timestamp, func() (time.Time, error) {
			if err := w.box.ToJSON(ctx, r); err != nil {
				return time.Time{}, err
			}
			return topics.SourceTime(r)
		}))
	}, extent)
	return first.keptSince(), err
}

func (w *run) readLetters(ctx context.Context) error {
	var err error
	if w.box.Extent, err = journal.Find(ctx, w.box.Client, w.box.Topic); err != nil {
		return err
	}
	first := firstTimes{extent: w.box.Extent}
	err = w.box.ReadLetters(ctx, func(r *kgo.Record, l *letters.Letter) error {
		first.take(r)
		w.audit.Letter(l)
		return nil
	})
	w.audit.Letters(first.keptSince())
	return err
}

// readGaps reads the source's records at the offsets without an outcome.
func (w *run) readGaps(ctx context.Context, keptSince time.Time) error {
	floors := map[string]map[int32]int64{}
	if !keptSince.IsZero() {
		w.box.Note("the first outcomes of %s have expired: events before %s are not audited", w.box.Config.Responses.Topic, output.Time(keptSince))
		for _, topic := range w.box.Config.Inputs() {
			floor, err := journal.After(ctx, w.box.Client, topic, keptSince)
			if err != nil {
				return err
			}
			floors[topic] = floor
		}
	}
	return journal.Read(ctx, w.box.Connect, func(r *kgo.Record) error {
		w.audit.Source(r)
		return nil
	}, w.audit.Gaps(floors)...)
}

func (w *run) checkApplied(keptSince time.Time) {
	for _, s := range w.box.States {
		d, known := w.box.Config.Destination(s.Destination)
		if !known || s.At.Before(keptSince) || s.At.Before(w.Since) || !w.Until.IsZero() && !s.At.Before(w.Until) {
			continue
		}
		w.audit.Applied(w.box.Config.Group(d), &s)
	}
}

// clockMargin is how much a source's clock may be ahead of a pipeline's.
const clockMargin = 5 * time.Minute

// firstTimes finds since when a topic keeps all records.
type firstTimes struct {
	extent journal.Extent
	seen   map[int32]bool
	latest time.Time
}

func (f *firstTimes) take(r *kgo.Record) {
	if f.seen == nil {
		f.seen = map[int32]bool{}
	}
	if f.seen[r.Partition] {
		return
	}
	f.seen[r.Partition] = true
	if f.extent.Spans[r.Partition].From > 0 && r.Timestamp.After(f.latest) {
		f.latest = r.Timestamp
	}
}

// keptSince returns the zero time for a topic that has lost nothing.
func (f *firstTimes) keptSince() time.Time {
	for p, s := range f.extent.Spans {
		if s.From > 0 && !f.seen[p] {
			return time.Now() // it has lost all records
		}
	}
	if f.latest.IsZero() {
		return f.latest
	}
	return f.latest.Add(clockMargin)
}
