package trail

import (
	"cmp"
	"math/bits"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/scan"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// Scope is one source partition as one group reads it.
type Scope struct {
	Group       string
	Destination string
	Topic       string
	Partition   int32
}

// Finding is an event that is not as it should be.
type Finding struct {
	Event
	Round int
	What  string
}

// maxFindings bounds the findings that are listed; all are counted.
const maxFindings = 1000

// Audit checks that every record of its scopes has one outcome, and every dead one its
// letter. It takes one byte per record, and 32 more for each outcome without ids.
type Audit struct {
	origins map[string]topics.Origin // of the source topics
	parts   map[Scope]*part
	rounds  map[round][]applied
	dead    map[round][]deadEvent

	// Missing and Conflicting count what is wrong; Findings list it.
	Missing, Conflicting int
	Findings             []Finding
}

type round struct {
	Event
	n int
}

// applied are the outcomes of one round of a record.
type applied struct {
	origin topics.Origin
	outcomes
}

type deadEvent struct {
	place topics.Place
	at    time.Time
}

// outcomes is a set of dispositions.
type outcomes uint8

const (
	delivered outcomes = 1 << iota
	skipped
	died
)

func outcomeOf(d sink.Disposition) outcomes {
	switch d {
	case sink.Delivered:
		return delivered
	case sink.Skipped:
		return skipped
	default:
		return died
	}
}

// chunk is how many records' outcomes are kept together.
const chunk = 1 << 16

type part struct {
	window scan.Span
	begin  int64 // from where on it is audited: -1 while no outcome was seen
	chunks map[int64]*[chunk]outcomes
	unsure []unsure
	report Partition
}

// unsure is an outcome whose ids do not tell whether it is of the topic that is there now:
// its timestamp does, once the record is read.
type unsure struct {
	offset, millis int64
	outcomes
}

// Partition is what an audit found of one scope.
type Partition struct {
	Scope
	// From and End are the offsets that were audited, End not with them.
	From, End                int64
	Delivered, Skipped, Dead int
	// Duplicates are repeats of the same outcome.
	Duplicates int
	// Reprocessed counts outcomes of later rounds.
	Reprocessed int
}

// NewAudit audits the given offsets of each scope. origins are those of the source topics.
func NewAudit(origins map[string]topics.Origin, windows map[Scope]scan.Span) *Audit {
	a := &Audit{origins: origins, parts: map[Scope]*part{}, rounds: map[round][]applied{}, dead: map[round][]deadEvent{}}
	for scope, window := range windows {
		a.parts[scope] = &part{window: window, begin: -1, chunks: map[int64]*[chunk]outcomes{}, report: Partition{Scope: scope}}
	}
	return a
}

func scopeOf(e Event) Scope { return Scope{e.Group, e.Destination, e.Topic, e.Partition} }

// Take notes an outcome that was written at a time. sourceTime tells the timestamp of its
// source record, zero for an unknown one; it is asked only where the ids do not tell of which
// topic the outcome is. Outcomes of an earlier topic of the name, and those that a mirror
// brought, are left out. Its error is that of sourceTime.
func (a *Audit) Take(e *topics.LedgerEntry, at time.Time, sourceTime func() (time.Time, error)) error {
	event, origin := EventOf(e), a.origins[e.Topic]
	p := a.parts[scopeOf(event)]
	if p == nil || !origin.Matches(e.Origin) {
		return nil
	}
	now := outcomeOf(e.Outcome)
	if e.Round > 0 {
		key := round{event, e.Round}
		a.rounds[key] = append(a.rounds[key], applied{e.Origin, now})
		p.report.Reprocessed++
		a.note(e, at)
		return nil
	}
	if p.begin < 0 || e.Offset < p.begin {
		p.begin = e.Offset
	}
	if e.Offset < p.window.From || e.Offset >= p.window.End {
		return nil
	}
	a.note(e, at)
	if origin.TopicID == (topics.TopicID{}) || e.TopicID == (topics.TopicID{}) {
		stamp, err := sourceTime()
		if err != nil || !stamp.IsZero() {
			p.unsure = append(p.unsure, unsure{e.Offset, stamp.UnixMilli(), now})
			return err
		}
	}
	a.settle(p, event, now)
	return nil
}

// settle notes an outcome of round 0 that is of the record.
func (a *Audit) settle(p *part, event Event, now outcomes) {
	seen := p.at(event.Offset)
	switch {
	case *seen == 0:
	case *seen&now != 0:
		p.report.Duplicates++
	case bits.OnesCount8(uint8(*seen)) == 1: // told once
		a.conflict(event, 0, "it has outcomes that differ")
	}
	*seen |= now
}

// note remembers that a dead event must have a letter.
func (a *Audit) note(e *topics.LedgerEntry, at time.Time) {
	if e.Outcome == sink.Dead {
		key := round{EventOf(e), e.Round}
		a.dead[key] = append(a.dead[key], deadEvent{e.Place, at})
	}
}

// Letter notes a dead letter that is there.
func (a *Audit) Letter(l *letters.Letter) {
	place := l.Source.Record()
	key := round{Event{l.Source.Group, l.Destination, place.Topic, place.Partition, place.Offset}, l.Round}
	left := slices.DeleteFunc(a.dead[key], func(d deadEvent) bool { return d.place.Matches(place) })
	if a.dead[key] = left; len(left) == 0 {
		delete(a.dead, key)
	}
}

// Letters ends the reading of letters: dead events without one are missing it, unless
// they died before the time from which on letters are kept.
func (a *Audit) Letters(keptSince time.Time) {
	for key, events := range a.dead {
		if slices.ContainsFunc(events, func(d deadEvent) bool { return !d.at.Before(keptSince) }) {
			a.missing(key.Event, key.n, "it is dead and has no letter")
		}
	}
	clear(a.dead)
}

// Applied checks what the state of a letter says against the outcomes.
func (a *Audit) Applied(group string, s *letters.State) {
	if s.Round == 0 || s.Source == nil || !s.Status.Closed() || s.Status == letters.Discarded {
		return
	}
	event := Event{group, s.Destination, s.Source.Topic, s.Source.Partition, s.Source.Offset}
	var got outcomes
	for _, o := range a.rounds[round{event, s.Round}] {
		if o.origin.Matches(s.Origin()) {
			got |= o.outcomes
		}
	}
	switch {
	case got == 0:
		a.missing(event, s.Round, "its letter "+s.ID+" was applied, and it has no outcome of that round")
	case got != outcomeOf(sink.Disposition(s.Status)):
		a.conflict(event, s.Round, "its letter "+s.ID+" is "+string(s.Status)+", its outcome is not")
	}
}

// Gaps are the offsets without an outcome, by topic, in spans that hold them all: from
// where on the group has outcomes, and from the given offsets on, if there are any. It
// ends the reading of outcomes.
func (a *Audit) Gaps(floors map[string]map[int32]int64) []scan.Extent {
	found := map[string]scan.Extent{}
	for scope, p := range a.parts {
		p.report.From = p.window.End
		p.report.End = p.window.End
		if p.begin >= 0 {
			p.report.From = min(max(p.window.From, p.begin, floors[scope.Topic][scope.Partition]), p.window.End)
		}
		gap := p.gapOf()
		if gap.Len() == 0 {
			continue
		}
		extent, there := found[scope.Topic]
		if !there {
			extent = scan.Extent{Topic: scope.Topic, Spans: map[int32]scan.Span{}}
			found[scope.Topic] = extent
		}
		if before, there := extent.Spans[scope.Partition]; there {
			gap = scan.Span{From: min(gap.From, before.From), End: max(gap.End, before.End)}
		}
		extent.Spans[scope.Partition] = gap
	}
	list := make([]scan.Extent, 0, len(found))
	for _, extent := range found {
		list = append(list, extent)
	}
	return list
}

// gapOf is the span of the audited offsets without an outcome, or with one that is unsure.
func (p *part) gapOf() scan.Span {
	slices.SortStableFunc(p.unsure, func(x, y unsure) int { return cmp.Compare(x.offset, y.offset) })
	gap := scan.Span{From: -1}
	for offset := p.report.From; offset < p.report.End; offset++ {
		if p.look(offset) != 0 && len(p.unsureOf(offset)) == 0 {
			continue
		}
		if gap.From < 0 {
			gap.From = offset
		}
		gap.End = offset + 1
	}
	if gap.From < 0 {
		return scan.Span{}
	}
	return gap
}

// unsureOf are the outcomes of an offset that are unsure. They are sorted by then.
func (p *part) unsureOf(offset int64) []unsure {
	by := func(u unsure, at int64) int { return cmp.Compare(u.offset, at) }
	from, _ := slices.BinarySearchFunc(p.unsure, offset, by)
	end, _ := slices.BinarySearchFunc(p.unsure, offset+1, by)
	return p.unsure[from:end]
}

// Source notes a record of the source: it must have an outcome everywhere. Offsets
// that hold none, transaction markers for example, never come here.
func (a *Audit) Source(rec *kgo.Record) {
	stamp := sink.KnownTime(rec.Timestamp)
	for scope, p := range a.parts {
		if scope.Topic != rec.Topic || scope.Partition != rec.Partition || rec.Offset < p.report.From || rec.Offset >= p.report.End {
			continue
		}
		event := Event{scope.Group, scope.Destination, scope.Topic, scope.Partition, rec.Offset}
		for _, u := range p.unsureOf(rec.Offset) {
			if stamp.IsZero() || stamp.UnixMilli() == u.millis {
				a.settle(p, event, u.outcomes)
			}
		}
		if p.look(rec.Offset) == 0 {
			a.missing(event, 0, "it has no outcome")
		}
	}
}

// sum counts the outcomes of the audited offsets.
func (p *part) sum() Partition {
	sum := p.report
	for offset := sum.From; offset < sum.End; offset++ {
		switch seen := p.look(offset); {
		case seen == 0:
		case seen&delivered != 0:
			sum.Delivered++
		case seen&skipped != 0:
			sum.Skipped++
		default:
			sum.Dead++
		}
	}
	return sum
}

// Partitions are what was found, by destination, topic and partition.
func (a *Audit) Partitions() []Partition {
	list := make([]Partition, 0, len(a.parts))
	for _, p := range a.parts {
		list = append(list, p.sum())
	}
	slices.SortFunc(list, func(x, y Partition) int {
		return cmp.Or(cmp.Compare(x.Destination, y.Destination), cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition))
	})
	return list
}

func (p *part) at(offset int64) *outcomes {
	c := p.chunks[offset/chunk]
	if c == nil {
		c = new([chunk]outcomes)
		p.chunks[offset/chunk] = c
	}
	return &c[offset%chunk]
}

func (p *part) look(offset int64) outcomes {
	if c := p.chunks[offset/chunk]; c != nil {
		return c[offset%chunk]
	}
	return 0
}

func (a *Audit) missing(e Event, n int, what string) {
	a.Missing++
	a.find(Finding{e, n, "missing: " + what})
}

func (a *Audit) conflict(e Event, n int, what string) {
	a.Conflicting++
	a.find(Finding{e, n, "conflicting: " + what})
}

func (a *Audit) find(f Finding) {
	if len(a.Findings) < maxFindings {
		a.Findings = append(a.Findings, f)
	}
}
