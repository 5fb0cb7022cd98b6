package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/scan"
	"github.com/deskstream/deskstream/internal/trail"
	"github.com/deskstream/deskstream/sink/topics"
)

// exitMissing is audit's exit code when outcomes are missing or differ.
const exitMissing = 3

func newAuditCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit -c FILE",
		Short: "Checks from the topics that every event has its outcome",
		Long: `audit checks, up to what each destination's group has committed, that every record of
the source topics has an outcome of round 0, every dead one its letter, and every letter
that was applied the outcome of its round. It begins where the group's outcomes begin,
and where all topics still keep what is needed, and says where that is. It works while
pipelines run.

Exit codes: 0 all is there (repeats of the same outcome are counted), 3 some is missing
or differs, which is listed.`,
		Example: `  deskstream audit -c deskstream.yaml
  deskstream audit -c deskstream.yaml --since 24h --until 1h`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	since := cmd.Flags().String("since", "", "audit events with a timestamp from this `time` on: 2h ago, or RFC 3339")
	until := cmd.Flags().String("until", "", "audit events with a timestamp before this `time`: 2h ago, or RFC 3339")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		var w auditing
		if w.since, err = moment(*since, time.Now()); err != nil {
			return usageError{fmt.Errorf("--since: %w", err)}
		}
		if w.until, err = moment(*until, time.Now()); err != nil {
			return usageError{fmt.Errorf("--until: %w", err)}
		}
		return w.run(cmd.Context(), a, cfg)
	}
	return cmd
}

// auditing is one run of audit.
type auditing struct {
	since, until time.Time
	box          *letterBox
	audit        *trail.Audit
}

func (w *auditing) run(ctx context.Context, a *app, cfg *config.Config) error {
	box, err := a.openLetterBox(ctx, cfg, "")
	if err != nil {
		return err
	}
	defer box.close()
	w.box = box
	windows, err := w.windows(ctx)
	if err != nil {
		return err
	}
	origins, err := box.origins(ctx)
	if err != nil {
		return err
	}
	w.audit = trail.NewAudit(origins, windows)
	defer startProgress(a.stderr, func() string { return "reading the topics" })()
	// States first, then outcomes, then letters: each is written behind the next one, so
	// that nothing is missed that is written while this reads.
	if err := box.readStates(ctx); err != nil {
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
	return w.conclude()
}

// windows are the offsets to audit, per group and source partition: within the times,
// and up to what the group has committed.
func (w *auditing) windows(ctx context.Context) (map[trail.Scope]scan.Span, error) {
	cfg, windows := w.box.cfg, map[trail.Scope]scan.Span{}
	for _, topic := range cfg.Source.Topics {
		extent, err := scan.Find(ctx, w.box.cl, topic)
		if err != nil {
			return nil, err
		}
		extent, err = w.within(ctx, extent)
		if err != nil {
			return nil, err
		}
		for _, d := range cfg.Destinations {
			committed, err := committedOf(ctx, w.box.cl, cfg.Group(d))
			if err != nil {
				return nil, err
			}
			for p, s := range extent.Spans {
				at, there := committed.Lookup(topic, p)
				end := min(s.End, at.At)
				if !there || end < s.From {
					end = s.From
				}
				windows[trail.Scope{Group: cfg.Group(d), Destination: d.Name, Topic: topic, Partition: p}] = scan.Span{From: s.From, End: end}
			}
		}
	}
	return windows, nil
}

// within cuts an extent to the times.
func (w *auditing) within(ctx context.Context, extent scan.Extent) (scan.Extent, error) {
	if !w.since.IsZero() {
		from, err := scan.After(ctx, w.box.cl, extent.Topic, w.since)
		if err != nil {
			return extent, err
		}
		extent = extent.From(from)
	}
	if !w.until.IsZero() {
		to, err := scan.After(ctx, w.box.cl, extent.Topic, w.until)
		if err != nil {
			return extent, err
		}
		for p, s := range extent.Spans {
			extent.Spans[p] = scan.Span{From: s.From, End: max(s.From, min(s.End, to[p]))}
		}
	}
	return extent, nil
}

// committedOf are the offsets that a group has committed, none for a group that is not there.
func committedOf(ctx context.Context, cl *kgo.Client, group string) (kadm.Offsets, error) {
	found, err := kadm.NewClient(cl).FetchOffsets(ctx, group)
	if err == nil {
		err = found.Error()
	}
	if errors.Is(err, kerr.GroupIDNotFound) {
		return kadm.Offsets{}, nil
	}
	if errors.Is(err, kerr.GroupAuthorizationFailed) {
		return nil, rightError(kmsg.ACLOperationDescribe, "group", group)
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the committed offsets of group %s: %w", group, err)
	}
	return found.Offsets(), nil
}

// readOutcomes reads the responses topic, and tells since when it keeps everything.
func (w *auditing) readOutcomes(ctx context.Context) (keptSince time.Time, err error) {
	extent, err := scan.Find(ctx, w.box.cl, w.box.cfg.Responses.Topic)
	if err != nil {
		return time.Time{}, err
	}
	var entries topics.EntryReader
	first := firstTimes{extent: extent}
	err = scan.Read(ctx, w.box.connect, func(r *kgo.Record) error {
		first.take(r)
		entry, ok := entries.Parse(r)
		if !ok {
			return nil
		}
		return w.audit.Take(&entry, r.Timestamp, func() (time.Time, error) {
			if err := w.box.toJSON(ctx, r); err != nil {
				return time.Time{}, err
			}
			return trail.SourceTime(r)
		})
	}, extent)
	return first.keptSince(), err
}

func (w *auditing) readLetters(ctx context.Context) error {
	var err error
	if w.box.extent, err = scan.Find(ctx, w.box.cl, w.box.topic); err != nil {
		return err
	}
	first := firstTimes{extent: w.box.extent}
	err = w.box.read(ctx, func(r *kgo.Record, l *letters.Letter) error {
		first.take(r)
		w.audit.Letter(l)
		return nil
	})
	w.audit.Letters(first.keptSince())
	return err
}

// readGaps reads what the source has at the offsets without an outcome.
func (w *auditing) readGaps(ctx context.Context, keptSince time.Time) error {
	floors := map[string]map[int32]int64{}
	if !keptSince.IsZero() {
		w.box.note("the first outcomes of %s have expired: events before %s are not audited", w.box.cfg.Responses.Topic, when(keptSince))
		for _, topic := range w.box.cfg.Source.Topics {
			floor, err := scan.After(ctx, w.box.cl, topic, keptSince)
			if err != nil {
				return err
			}
			floors[topic] = floor
		}
	}
	return scan.Read(ctx, w.box.connect, func(r *kgo.Record) error {
		w.audit.Source(r)
		return nil
	}, w.audit.Gaps(floors)...)
}

func (w *auditing) checkApplied(keptSince time.Time) {
	for _, s := range w.box.states {
		d, known := destinationOf(w.box.cfg, s.Destination)
		if !known || s.At.Before(keptSince) || s.At.Before(w.since) || !w.until.IsZero() && !s.At.Before(w.until) {
			continue
		}
		w.audit.Applied(w.box.cfg.Group(d), &s)
	}
}

// auditMargin is by how much a source's clock may be ahead of a pipeline's.
const auditMargin = 5 * time.Minute

// firstTimes finds since when a topic that has lost records keeps all.
type firstTimes struct {
	extent scan.Extent
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

// keptSince is the zero time for a topic that has lost nothing.
func (f *firstTimes) keptSince() time.Time {
	for p, s := range f.extent.Spans {
		if s.From > 0 && !f.seen[p] {
			return time.Now() // it lost all that it had
		}
	}
	if f.latest.IsZero() {
		return f.latest
	}
	return f.latest.Add(auditMargin)
}

// conclude prints what was found and gives the error that the command ends with.
func (w *auditing) conclude() error {
	var b strings.Builder
	var sum trail.Partition
	list := w.audit.Partitions()
	for i, p := range list {
		if i == 0 || p.Destination != list[i-1].Destination {
			fmt.Fprintf(&b, "%s (group %s)\n", p.Destination, p.Group)
		}
		fmt.Fprintf(&b, "  %s/%d  %s  %d delivered, %d skipped, %d dead, %d duplicates, %d reprocessed\n",
			p.Topic, p.Partition, auditedText(p), p.Delivered, p.Skipped, p.Dead, p.Duplicates, p.Reprocessed)
		sum.Delivered += p.Delivered
		sum.Skipped += p.Skipped
		sum.Dead += p.Dead
		sum.Duplicates += p.Duplicates
	}
	for _, f := range w.audit.Findings {
		fmt.Fprintf(&b, "%s/%d/%d at %s, round %d: %s\n", f.Topic, f.Partition, f.Offset, f.Destination, f.Round, f.What)
	}
	if more := w.audit.Missing + w.audit.Conflicting - len(w.audit.Findings); more > 0 {
		fmt.Fprintf(&b, "and %d more\n", more)
	}
	fmt.Fprintf(&b, "%d outcomes: %d delivered, %d skipped, %d dead; %d duplicates, %d missing, %d conflicting\n",
		sum.Delivered+sum.Skipped+sum.Dead, sum.Delivered, sum.Skipped, sum.Dead, sum.Duplicates, w.audit.Missing, w.audit.Conflicting)
	fmt.Fprint(w.box.app.stdout, b.String())
	if w.audit.Missing+w.audit.Conflicting > 0 {
		return &exitError{Code: exitMissing}
	}
	return nil
}

func auditedText(p trail.Partition) string {
	if p.From >= p.End {
		return "nothing to audit"
	}
	return fmt.Sprintf("offsets %d to %d", p.From, p.End-1)
}
