package processor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink/topics"
)

// RedeliveryError ends a pipeline whose group has no offsets, where the responses topic shows
// that its records were delivered before: the offsets were lost, or the
// destination has another name than it had.
type RedeliveryError struct {
	// Group has no offsets of Topic.
	Group, Topic string
	// Cluster is the id of the present cluster.
	Cluster string
	// Records would be delivered again, at most.
	Records int64
	// Outcome is the newest that was found of a record that would be delivered again. It lies
	// at Offset of Partition of Responses.
	Outcome   topics.LedgerEntry
	Responses string
	Partition int32
	Offset    int64

	// sourceTime is what the outcome says of its record, if ids do not show whether that is
	// the present one: zero for an unknown time.
	sourceTime time.Time
	written    time.Time // when the outcome was
}

// newerThan reports whether the sign's outcome was written after another's; of two of the same
// moment that of the lower partition is the newer one, so that all who look name the same.
func (e *RedeliveryError) newerThan(other *RedeliveryError) bool {
	return cmp.Or(e.written.Compare(other.written), cmp.Compare(other.Partition, e.Partition), cmp.Compare(e.Offset, other.Offset)) > 0
}

// Error says what was found, where, and what follows from it.
func (e *RedeliveryError) Error() string {
	what := "the group's offsets were deleted or have expired"
	switch {
	case e.Mirrored():
		what = fmt.Sprintf("the outcome is of cluster %s, so this cluster may be a mirror of it, without the group's offsets", e.Outcome.Cluster)
	case e.Outcome.Group != e.Group:
		what = fmt.Sprintf("group %s of destination %s may have had another name", e.Outcome.Group, e.Outcome.Destination)
	}
	return fmt.Sprintf("group %s has no offsets of topic %s and would deliver %d records, of which some were delivered before: "+
		"topic %s, partition %d, offset %d is an outcome of group %s for %s: %s",
		e.Group, e.Topic, e.Records, e.Responses, e.Partition, e.Offset, e.Outcome.Group, e.Outcome.Place, what)
}

// Mirrored reports whether the outcome was written on another cluster.
func (e *RedeliveryError) Mirrored() bool {
	return e.Cluster != "" && e.Outcome.Cluster != "" && e.Cluster != e.Outcome.Cluster
}

// errRedelivery stands in for what is in the group's callback until the pipeline ends.
var errRedelivery = errors.New("the pipeline ends rather than deliver everything again")

// What is looked at of each responses partition before a group begins: all of a short one,
// else its last records and parts at equal distances before. So the look takes the time that a
// takeover takes for as many outcomes, however large the topic is.
const (
	lookParts   = 8
	lookRecords = 1024 // of each part
)

// refuseRedelivery ends the pipeline if the group would deliver again what it has outcomes of.
func (p *Processor) refuseRedelivery(ctx context.Context, topic string, begins map[int32]beginning, found survey, wholly bool) error {
	if p.cfg.Redeliver {
		return nil
	}
	sign, err := p.findRedelivery(ctx, topic, begins, found, wholly)
	if sign == nil || err != nil {
		return err
	}
	// Another instance may have decided meanwhile, and the outcome is its own.
	have, err := p.groupOffsets(ctx, topic)
	if err != nil {
		return err
	}
	if _, decided := have[sign.Outcome.Partition]; decided {
		return errNotDecided
	}
	select {
	case p.refuses <- sign:
	default: // it has ended already
	}
	return errRedelivery
}

// findRedelivery looks for an outcome of what the group would deliver, nil for none. begins are
// the partitions of the topic without an offset. wholly is set when the group has no offset of
// any of its partitions: then it may have had another name.
//
// It cannot see outcomes that have expired, those of a destination of which none lies in
// the parts that are read, and those of a group and destination that both had other names.
func (p *Processor) findRedelivery(ctx context.Context, topic string, begins map[int32]beginning, found survey, wholly bool) (*RedeliveryError, error) {
	if recordsOf(begins) == 0 {
		return nil, nil
	}
	l := redeliveryLook{
		cfg: &p.cfg, topic: topic, begins: begins, wholly: wholly,
		origin: topics.Origin{Cluster: p.cfg.Cluster, TopicID: topics.TopicID(found.sources[topic])},
	}
	for i := range lookParts {
		part := l.part(i, found)
		if err := readSpans(ctx, part, l.take, p.kafka.opts, p.log); err != nil {
			return nil, fmt.Errorf("looking for earlier outcomes in %s: %w", part.topic, err)
		}
		if l.found != nil {
			break
		}
	}
	if l.found == nil {
		return nil, nil
	}
	if is, err := p.isOfPresentRecord(ctx, l.found); !is || err != nil {
		return nil, err
	}
	l.found.Records = recordsOf(begins)
	return l.found, nil
}

// FindRedelivery returns the *RedeliveryError with which a pipeline would end rather than begin,
// nil if there is none, or why that is not known. It joins no group and commits nothing. client
// is one of cfg.Connection.
func FindRedelivery(ctx context.Context, cfg Config, client *kgo.Client, log *slog.Logger) error {
	p := &Processor{cfg: cfg, log: log, kafka: clients{opts: cfg.Connection, admin: kadm.NewClient(client)}, share: newSourceShare(&cfg)}
	found, err := p.surveyResponses(ctx)
	if err != nil {
		return err
	}
	for _, topic := range cfg.Topics {
		have, err := p.groupOffsets(ctx, topic)
		if err != nil {
			return err
		}
		start := cfg.Start
		if len(have) > 0 {
			start = p.laterStart()
		}
		begins, err := p.beginnings(ctx, topic, start, found.partitions[topic], have)
		if err != nil {
			return err
		}
		sign, err := p.findRedelivery(ctx, topic, begins, found, len(have) == 0)
		if err != nil {
			return err
		}
		if sign != nil {
			return sign
		}
	}
	return nil
}

// isOfPresentRecord reports whether an outcome is of the record that has its place now. Where
// ids do not show that, timestamps do: after the topic was recreated another record has the place.
func (p *Processor) isOfPresentRecord(ctx context.Context, sign *RedeliveryError) (bool, error) {
	if sign.sourceTime.IsZero() {
		return true, nil
	}
	at := sign.Outcome.Place
	one := spans{
		topic: at.Topic, from: map[int32]int64{at.Partition: at.Offset}, end: map[int32]int64{at.Partition: at.Offset + 1},
	}
	is := false
	err := readSpans(ctx, one, func(r *kgo.Record) {
		is = is || r.Offset == at.Offset && r.Timestamp.UnixMilli() == sign.sourceTime.UnixMilli()
	}, p.kafka.opts, p.log)
	if err != nil && !isStalled(err) { // of a stall there is no such record
		return false, fmt.Errorf("looking for the record %s: %w", at, err)
	}
	return is, nil
}

// refuseLater is refuseRedelivery for partitions of a topic that the group has offsets of: one
// that was added has no outcomes.
func (p *Processor) refuseLater(ctx context.Context, topic string, begins map[int32]beginning) error {
	if len(begins) == 0 {
		return nil
	}
	found, err := p.surveyResponses(ctx)
	if err != nil {
		return err
	}
	return p.refuseRedelivery(ctx, topic, begins, found, false)
}

// awaitRefusal returns when the group may not begin.
func (p *Processor) awaitRefusal(ctx context.Context) error {
	select {
	case err := <-p.refuses:
		p.log.Error("group without offsets would deliver again what has outcomes, pipeline ends", "group", p.cfg.Group, "err", err) // before it drains
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// redeliveryLook looks for outcomes of records that a group begins with.
type redeliveryLook struct {
	cfg     *Config
	topic   string
	origin  topics.Origin // of the topic
	begins  map[int32]beginning
	wholly  bool
	entries topics.EntryReader
	found   *RedeliveryError
}

// part is the i-th part of the responses partitions that have outcomes of the topic's. What
// has no leader that answers is left out: the others show the same.
func (l *redeliveryLook) part(i int, found survey) spans {
	s := spans{topic: l.cfg.Writer.Responses, from: make(map[int32]int64), end: make(map[int32]int64)}
	for source := range l.begins {
		id := source % found.n
		start, listed := found.start[id]
		end, both := found.end[id]
		if !listed || !both {
			continue
		}
		if from, to := lookPart(beginning{start, end}, i, float64(id)/float64(found.n)); from < to {
			s.from[id], s.end[id] = from, to
		}
	}
	return s
}

// lookPart is the i-th part of a partition. shift, below 1, moves all but the newest: so the
// partitions, which are written to at the same times, show more moments than each alone.
func lookPart(whole beginning, i int, shift float64) (from, end int64) {
	rest := whole.end - whole.from - lookRecords
	switch {
	case rest <= (lookParts-1)*lookRecords && i == 0:
		return whole.from, whole.end
	case rest <= (lookParts-1)*lookRecords:
		return whole.end, whole.end
	case i == 0:
		return whole.end - lookRecords, whole.end
	}
	from = whole.from + int64(float64(rest)*(float64(i-1)+shift)/(lookParts-1))
	return from, from + lookRecords
}

// better reports whether a sign stands before the one that was found.
func (l *redeliveryLook) better(sign *RedeliveryError) bool {
	ours, found := sign.Outcome.Group == l.cfg.Group, l.found.Outcome.Group == l.cfg.Group
	return ours && !found || ours == found && sign.newerThan(l.found)
}

// take notes an outcome if it is of a record that would be delivered again. One of the group
// itself stands before those of other groups, and a later one before earlier ones.
func (l *redeliveryLook) take(r *kgo.Record) {
	if r.Attrs.IsControl() {
		return
	}
	entry, ok := l.entries.Parse(r)
	if !ok || entry.Round != 0 || entry.Topic != l.topic || !l.isOurs(&entry) {
		return
	}
	begins, ok := l.begins[entry.Partition]
	sign := &RedeliveryError{
		Group: l.cfg.Group, Topic: l.topic, Cluster: l.cfg.Cluster,
		Outcome: entry, Responses: r.Topic, Partition: r.Partition, Offset: r.Offset, written: r.Timestamp,
	}
	// A mirror's offsets are others, and its topics have other ids.
	again := entry.Offset >= begins.from && entry.Offset < begins.end && l.origin.Matches(entry.Origin)
	if !ok || begins.records() == 0 || !again && !sign.Mirrored() {
		return
	}
	if entry.TopicID == (topics.TopicID{}) || l.origin.TopicID == (topics.TopicID{}) {
		sign.sourceTime, _ = topics.SourceTime(r) // zero for one that cannot be read
	}
	if l.found == nil || l.better(sign) {
		l.found = sign
	}
}

// isOurs reports whether the outcome is of the group, or can be of one that is its predecessor:
// the group of a destination that the file does not have any more. The same destination with
// another source.group is a new reader on purpose, as every Kafka group of a new name is.
func (l *redeliveryLook) isOurs(entry *topics.LedgerEntry) bool {
	if entry.Group == l.cfg.Group {
		return true
	}
	if !l.wholly {
		return false
	}
	prefix := strings.TrimSuffix(l.cfg.Group, l.cfg.Writer.Destination)
	return entry.Group == prefix+entry.Destination && !slices.Contains(l.cfg.Destinations, entry.Destination)
}
