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
// letter. It takes one byte per record.
type Audit struct {
	cluster string
	parts   map[Scope]*part
	rounds  map[round]outcomes
	dead    map[letters.Key]deadEvent

	// Missing and Conflicting count what is wrong; Findings list it.
	Missing, Conflicting int
	Findings             []Finding
}

type round struct {
	Event
	n int
}

type deadEvent struct {
	Event
	round int
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
	report Partition
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

// NewAudit audits the given offsets of each scope. cluster is the id of the cluster.
func NewAudit(cluster string, windows map[Scope]scan.Span) *Audit {
	a := &Audit{cluster: cluster, parts: map[Scope]*part{}, rounds: map[round]outcomes{}, dead: map[letters.Key]deadEvent{}}
	for scope, window := range windows {
		a.parts[scope] = &part{window: window, begin: -1, chunks: map[int64]*[chunk]outcomes{}, report: Partition{Scope: scope}}
	}
	return a
}

func scopeOf(e Event) Scope { return Scope{e.Group, e.Destination, e.Topic, e.Partition} }

// Take notes an outcome that was written at a time.
func (a *Audit) Take(e *topics.LedgerEntry, at time.Time) {
	event := EventOf(e)
	p := a.parts[scopeOf(event)]
	if p == nil {
		return
	}
	now := outcomeOf(e.Outcome)
	if e.Round > 0 {
		key := round{event, e.Round}
		a.rounds[key] |= now
		p.report.Reprocessed++
		a.note(e, at)
		return
	}
	if p.begin < 0 || e.Offset < p.begin {
		p.begin = e.Offset
	}
	if e.Offset < p.window.From || e.Offset >= p.window.End {
		return
	}
	seen := p.at(e.Offset)
	switch {
	case *seen == 0:
	case *seen&now != 0:
		p.report.Duplicates++
	case bits.OnesCount8(uint8(*seen)) == 1: // told once
		a.conflict(event, 0, "it has outcomes that differ")
	}
	*seen |= now
	a.note(e, at)
}

// note remembers that a dead event must have a letter.
func (a *Audit) note(e *topics.LedgerEntry, at time.Time) {
	if e.Outcome != sink.Dead {
		return
	}
	place := e.Place
	place.Cluster = cmp.Or(place.Cluster, a.cluster)
	if key, ok := letters.KeyOf(topics.LetterID(place, e.Destination, e.Round)); ok {
		a.dead[key] = deadEvent{EventOf(e), e.Round, at}
	}
}

// Letter notes a dead letter that is there.
func (a *Audit) Letter(l *letters.Letter) {
	if key, ok := letters.KeyOf(l.ID); ok {
		delete(a.dead, key)
	}
}

// Letters ends the reading of letters: dead events without one are missing it, unless
// they died before the time from which on letters are kept.
func (a *Audit) Letters(keptSince time.Time) {
	for _, d := range a.dead {
		if d.at.Before(keptSince) {
			continue
		}
		a.missing(d.Event, d.round, "it is dead and has no letter")
	}
	a.dead = map[letters.Key]deadEvent{}
}

// Applied checks what the state of a letter says against the outcomes.
func (a *Audit) Applied(group string, s *letters.State) {
	if s.Round == 0 || s.Source == nil || !s.Status.Closed() || s.Status == letters.Discarded {
		return
	}
	event := Event{group, s.Destination, s.Source.Topic, s.Source.Partition, s.Source.Offset}
	switch got := a.rounds[round{event, s.Round}]; {
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
		gap := p.sum()
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

// sum counts the outcomes of the audited offsets and gives the span of those without.
func (p *part) sum() scan.Span {
	gap := scan.Span{From: -1}
	for offset := p.report.From; offset < p.report.End; offset++ {
		switch seen := p.look(offset); {
		case seen == 0:
			if gap.From < 0 {
				gap.From = offset
			}
			gap.End = offset + 1
		case seen&delivered != 0:
			p.report.Delivered++
		case seen&skipped != 0:
			p.report.Skipped++
		default:
			p.report.Dead++
		}
	}
	if gap.From < 0 {
		return scan.Span{}
	}
	return gap
}

// Source notes a record of the source: it must have an outcome everywhere. Offsets
// that hold none, transaction markers for example, never come here.
func (a *Audit) Source(rec *kgo.Record) {
	for scope, p := range a.parts {
		if scope.Topic == rec.Topic && scope.Partition == rec.Partition &&
			rec.Offset >= p.report.From && rec.Offset < p.report.End && p.look(rec.Offset) == 0 {
			a.missing(Event{scope.Group, scope.Destination, scope.Topic, scope.Partition, rec.Offset}, 0, "it has no outcome")
		}
	}
}

// Partitions are what was found, by destination, topic and partition.
func (a *Audit) Partitions() []Partition {
	list := make([]Partition, 0, len(a.parts))
	for _, p := range a.parts {
		list = append(list, p.report)
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
