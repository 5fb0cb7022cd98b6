package processor

import (
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// laterID is the message id of an event that is known by a letter that was sent again. Whether
// the event is settled, or delivered again, is known when all is read.
type laterID struct {
	key recordKey
	id  sink.EventDigest
	at  time.Time
}

// wantRepeats adds, for a partition that is wanted, the outcomes that its records may be repeats
// of. They lie from since up to end.
func (l *ledgerReads) wantRepeats(part *partition, since, end int64) {
	l.wanted[part.topicPartition].seen = newSeenIDs(l.dedup)
	if since < end {
		id := part.id % part.n
		l.since[id], l.end[id] = since, max(l.end[id], end)
	}
}

// begin is where each responses partition is read from.
func (l *ledgerReads) begin() map[int32]int64 {
	begin := maps.Clone(l.from)
	for id, since := range l.since {
		if from, ok := begin[id]; !ok || since < from {
			begin[id] = since
		}
	}
	return begin
}

// isForRepeats reports whether a record lies where nothing else is read.
func (l *ledgerReads) isForRepeats(r *kgo.Record) bool {
	if _, repeats := l.since[r.Partition]; !repeats {
		return false
	}
	from, wanted := l.from[r.Partition]
	return !wanted || r.Offset < from
}

// noteRepeats takes in an outcome, of any round, that a record of the partition may be a repeat
// of. A record is no repeat of itself: of those from the committed offset on, outcomes count if they
// settle the record. Others were written before an operator's reset, and it is delivered again.
func (l *ledgerRead) noteRepeats(entry *topics.LedgerEntry, r *kgo.Record) {
	if l.seen == nil {
		return
	}
	id, ok := topics.RepeatsOf(r)
	switch {
	case !ok:
	case entry.Offset < l.committed:
		l.seen.add(id, r.Timestamp)
	case r.Offset < l.from:
	case entry.Round == 0:
		l.seen.add(id, r.Timestamp)
	default:
		l.later = append(l.later, laterID{recordKey{entry.Offset, entry.Epoch}, id, r.Timestamp})
	}
}

// seen are the message ids that were found for a partition.
func (l *ledgerReads) seen(part *partition) *seenIDs {
	read := l.wanted[part.topicPartition]
	for _, later := range read.later {
		if read.done.has(later.key.offset, later.key.epoch) {
			read.seen.add(later.id, later.at)
		}
	}
	return read.seen
}
