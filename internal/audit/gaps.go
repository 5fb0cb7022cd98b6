package audit

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/sink"
)

// unsure is an outcome whose ids do not say whether it belongs to the topic that exists now.
// Its timestamp decides when the record is read.
type unsure struct {
	offset, millis int64
	outcomes
}

// Gaps ends the reading of outcomes and returns, by topic, spans that include all offsets
// without an outcome. They begin where the group's outcomes begin, and not below floors.
func (a *Audit) Gaps(floors map[string]map[int32]int64) []journal.Extent {
	found := map[string]journal.Extent{}
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
			extent = journal.Extent{Topic: scope.Topic, Spans: map[int32]journal.Span{}}
			found[scope.Topic] = extent
		}
		if before, there := extent.Spans[scope.Partition]; there {
			gap = journal.Span{From: min(gap.From, before.From), End: max(gap.End, before.End)}
		}
		extent.Spans[scope.Partition] = gap
	}
	list := make([]journal.Extent, 0, len(found))
	for _, extent := range found {
		list = append(list, extent)
	}
	return list
}

// gapOf returns the span of the audited offsets without an outcome, or with an unsure one.
func (p *part) gapOf() journal.Span {
	slices.SortStableFunc(p.unsure, func(x, y unsure) int { return cmp.Compare(x.offset, y.offset) })
	gap := journal.Span{From: -1}
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
		return journal.Span{}
	}
	return gap
}

// unsureOf returns the unsure outcomes of an offset. They must be sorted.
func (p *part) unsureOf(offset int64) []unsure {
	by := func(u unsure, at int64) int { return cmp.Compare(u.offset, at) }
	from, _ := slices.BinarySearchFunc(p.unsure, offset, by)
	end, _ := slices.BinarySearchFunc(p.unsure, offset+1, by)
	return p.unsure[from:end]
}

// Source adds a record of the source, which must have an outcome in each scope. Offsets
// without a record, such as transaction markers, are never added.
func (a *Audit) Source(rec *kgo.Record) {
	stamp := sink.KnownTime(rec.Timestamp)
	for scope, p := range a.parts {
		if scope.Topic != rec.Topic || scope.Partition != rec.Partition || rec.Offset < p.report.From || rec.Offset >= p.report.End {
			continue
		}
		event := journal.Event{
			Group: scope.Group, Destination: scope.Destination, Topic: scope.Topic, Partition: scope.Partition, Offset: rec.Offset,
		}
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
