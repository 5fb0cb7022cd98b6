package audit

import (
	"cmp"
	"math/bits"
	"slices"
	"time"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
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

// Finding is an event whose outcomes or letters are wrong.
type Finding struct {
	journal.Event
	Round int
	What  string
}

// maxFindings limits the findings that are listed. All are counted.
const maxFindings = 1000

// Audit checks that every record of its scopes has one outcome, and every dead one its
// letter. It needs one byte per record, 32 bytes for each outcome without ids, and about 300 for
// each step that is on record.
type Audit struct {
	origins map[string]topics.Origin // of the source topics
	groups  map[string]bool          // of the scopes
	parts   map[Scope]*part
	rounds  map[round][]applied
	dead    map[round][]deadEvent
	steps   steps

	// Missing and Conflicting count what is wrong, and Doubled the steps that took effect twice;
	// Findings list them.
	Missing, Conflicting, Doubled int
	Findings                      []Finding
}

type round struct {
	journal.Event
	n int
}

// applied are the outcomes of one round of a record.
type applied struct {
	record journal.Record
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
	window journal.Span
	begin  int64 // from where on it is audited: -1 while no outcome was seen
	chunks map[int64]*[chunk]outcomes
	unsure []unsure
	report Partition
}

// Partition is what an audit found in one scope.
type Partition struct {
	Scope
	// From and End are the offsets that were audited, without End itself.
	From, End                int64
	Delivered, Skipped, Dead int
	// Duplicates are repeats of the same outcome.
	Duplicates int
	// Reprocessed counts outcomes of later rounds.
	Reprocessed int
	// Open counts events that have begun and have no outcome yet, above End too.
	Open int
}

// New returns an Audit of the given offsets of each scope. origins are the ids of the source
// topics.
func New(origins map[string]topics.Origin, windows map[Scope]journal.Span) *Audit {
	a := &Audit{
		origins: origins, groups: map[string]bool{}, parts: map[Scope]*part{}, rounds: map[round][]applied{}, dead: map[round][]deadEvent{},
		steps: steps{taken: map[stepKey]string{}, open: map[round]bool{}},
	}
	for scope, window := range windows {
		a.groups[scope.Group] = true
		a.parts[scope] = &part{window: window, begin: -1, chunks: map[int64]*[chunk]outcomes{}, report: Partition{Scope: scope}}
	}
	return a
}

func scopeOf(e journal.Event) Scope { return Scope{e.Group, e.Destination, e.Topic, e.Partition} }

// Takes reports whether an outcome belongs to a scope and, as far as its ids say, to the
// topic that exists now; or to a letter of another program, from a topic that is not audited.
func (a *Audit) Takes(e *topics.LedgerEntry) bool {
	event := journal.EventOf(e)
	return a.parts[scopeOf(event)] != nil && a.origins[e.Topic].Matches(e.Origin) || e.Round > 0 && a.isElsewhere(event)
}

// isElsewhere reports whether an event of an audited group was read from a topic that no
// destination has as a source.
func (a *Audit) isElsewhere(e journal.Event) bool {
	_, source := a.origins[e.Topic]
	return !source && a.groups[e.Group]
}

// Take adds an outcome that was written at a time. sourceTime returns the timestamp of its
// source record, zero for an unknown one; it is called only where the ids do not say to which
// topic the outcome belongs. Outcomes of an earlier topic of the same name, and those from a
// mirror, are left out. The error is that of sourceTime.
func (a *Audit) Take(e *topics.LedgerEntry, at time.Time, sourceTime func() (time.Time, error)) error {
	event, origin := journal.EventOf(e), a.origins[e.Topic]
	p := a.parts[scopeOf(event)]
	if !a.Takes(e) {
		return nil
	}
	now := outcomeOf(e.Outcome)
	if e.Round > 0 {
		record := journal.Record{Place: e.Place}
		if e.TopicID == (topics.TopicID{}) {
			stamp, err := sourceTime()
			if err != nil {
				return err
			}
			record.Timestamp = stamp
		}
		key := round{event, e.Round}
		a.rounds[key] = append(a.rounds[key], applied{record, now})
		if p != nil {
			p.report.Reprocessed++
		}
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

// settle adds an outcome of round 0 that belongs to the record.
func (a *Audit) settle(p *part, event journal.Event, now outcomes) {
	seen := p.at(event.Offset)
	before := *seen
	*seen |= now
	switch {
	case before == 0:
	case before&now != 0, !differ(*seen):
		p.report.Duplicates++
	case !differ(before): // reported once
		a.conflict(event, 0, "it has outcomes that differ")
	}
}

// differ reports whether outcomes of one event contradict each other. A delivered event that is
// repeated can be skipped, since its repeat finds nothing left to update.
func differ(o outcomes) bool {
	return o&outcomeOf(sink.Dead) != 0 && bits.OnesCount8(uint8(o)) > 1
}

// note remembers that a dead event must have a letter.
func (a *Audit) note(e *topics.LedgerEntry, at time.Time) {
	if e.Outcome == sink.Dead {
		key := round{journal.EventOf(e), e.Round}
		a.dead[key] = append(a.dead[key], deadEvent{e.Place, at})
	}
}

// Letter adds a dead letter.
func (a *Audit) Letter(l *letters.Letter) {
	place := l.Source.Record()
	key := round{journal.Event{
		Group: l.Source.Group, Destination: l.Destination, Topic: place.Topic, Partition: place.Partition, Offset: place.Offset,
	}, l.Round}
	left := slices.DeleteFunc(a.dead[key], func(d deadEvent) bool { return d.place.Matches(place) })
	if a.dead[key] = left; len(left) == 0 {
		delete(a.dead, key)
	}
}

// Letters ends the reading of letters. Dead events without a letter are findings, unless they
// died before keptSince, since when all letters are kept.
func (a *Audit) Letters(keptSince time.Time) {
	for key, events := range a.dead {
		if slices.ContainsFunc(events, func(d deadEvent) bool { return !d.at.Before(keptSince) }) {
			a.missing(key.Event, key.n, "it is dead and has no letter")
		}
	}
	clear(a.dead)
}

// Applied compares the state of a letter with the outcomes.
func (a *Audit) Applied(group string, s *letters.State) {
	if s.Round == 0 || s.Source == nil || !s.Status.Closed() || s.Status == letters.Discarded {
		return
	}
	event := journal.Event{
		Group: group, Destination: s.Destination, Topic: s.Source.Topic, Partition: s.Source.Partition, Offset: s.Source.Offset,
	}
	var got outcomes
	for _, o := range a.rounds[round{event, s.Round}] {
		if o.record.Is(journal.StateRecord(s)) {
			got |= o.outcomes
		}
	}
	switch {
	case got == 0:
		a.missing(event, s.Round, "its letter "+s.ID+" was applied, and it has no outcome of that round")
	case got&outcomeOf(sink.Disposition(s.Status)) == 0, differ(got):
		a.conflict(event, s.Round, "its letter "+s.ID+" is "+string(s.Status)+", its outcome is not")
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

// Partitions returns what was found, sorted by destination, topic and partition.
func (a *Audit) Partitions() []Partition {
	list := make([]Partition, 0, len(a.parts))
	for scope, p := range a.parts {
		sum := p.sum()
		sum.Open = a.openIn(scope)
		list = append(list, sum)
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

func (a *Audit) missing(e journal.Event, n int, what string) {
	a.Missing++
	a.find(Finding{e, n, "missing: " + what})
}

func (a *Audit) conflict(e journal.Event, n int, what string) {
	a.Conflicting++
	a.find(Finding{e, n, "conflicting: " + what})
}

func (a *Audit) find(f Finding) {
	if len(a.Findings) < maxFindings {
		a.Findings = append(a.Findings, f)
	}
}

// OK reports whether all outcomes and letters are there.
func (a *Audit) OK() bool { return a.Missing+a.Conflicting == 0 }
