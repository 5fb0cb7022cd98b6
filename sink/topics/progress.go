package topics

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
)

// headerProgress holds a sink.Progress as JSON. CONTRACT: An outcome.
const headerProgress = "deskstream.progress"

// What the header deskstream.outcome says of records that are no outcomes.
const (
	InProgress sink.Disposition = "progress" // what is on record of an event before its outcome
	Claimed    sink.Disposition = "claim"    // from here on an owner of a source partition writes
)

// IsForOwners reports whether a record of the responses topic is no outcome, but for those who go
// on with a source partition. CONTRACT: An outcome.
func IsForOwners(rec *kgo.Record) bool {
	for _, h := range rec.Headers {
		if h.Key == headerOutcome {
			return string(h.Value) == string(InProgress) || string(h.Value) == string(Claimed)
		}
	}
	return false
}

// WriteProgress puts the progress of an event on record. It does not block. done is called as
// Write calls it. Of e it uses Source, Origin, Lane, Round, Progress, MayWait and Partitions.
func (w *Writer) WriteProgress(ctx context.Context, e Entry, done func(offset int64, err error)) {
	w.begin(&parcel{
		ctx: ctx, target: w.outcome, source: e.Source,
		build: func(int) *kgo.Record {
			r := w.ledgerRecord(&e, InProgress)
			r.Key = outcomeKey(e.Lane, outcomeWhole)
			r.Headers = append(r.Headers, progressHeader(e.Progress))
			return r
		},
		done: done,
	}, e.MayWait)
}

// WriteClaim writes the record with which the owner of a source partition begins. It does not
// block. done is called as Write calls it. Of e it uses Source, of which the topic, the partition
// and the next offset count, Origin and Partitions.
func (w *Writer) WriteClaim(ctx context.Context, e Entry, done func(offset int64, err error)) {
	w.begin(&parcel{
		ctx: ctx, target: w.outcome, source: e.Source,
		build: func(int) *kgo.Record { return w.ledgerRecord(&e, Claimed) },
		done:  done,
	}, false)
}

// ledgerRecord is a record for those who go on with a source partition, with the headers of an
// outcome and no value: readers of outcomes leave it out.
func (w *Writer) ledgerRecord(e *Entry, what sink.Disposition) *kgo.Record {
	n, _ := e.partitions()
	return &kgo.Record{
		Topic: w.cfg.Responses, Partition: targetPartition(e.Source, n),
		Headers: []kgo.RecordHeader{
			{Key: headerGroup, Value: w.own.group},
			{Key: headerSource, Value: appendCoordinates(nil, e.Source)},
			{Key: headerEpoch, Value: strconv.AppendInt(nil, int64(e.Source.LeaderEpoch), 10)},
			{Key: headerTopicID, Value: e.Origin.TopicID.appendText([]byte{})},
			{Key: headerCluster, Value: []byte(e.Origin.Cluster)},
			{Key: headerDestination, Value: w.own.destination},
			{Key: headerOutcome, Value: []byte(what)},
			{Key: headerRound, Value: strconv.AppendInt(nil, int64(e.Round), 10)},
		},
	}
}

// maxProgress is the most that the header of a progress takes, in bytes, as long as steps that may
// be repeated can be left out of it. DESIGN: Progress is part of the ledger.
const maxProgress = 8 << 10

// progressHeader is the header with a progress. What makes it too long is left out as far as it
// may be taken again: a new owner takes these steps once more, and repeats no effect. All others
// stay, however long.
func progressHeader(p *sink.Progress) kgo.RecordHeader {
	text := jsonText(p)
	if len(text) > maxProgress {
		kept := *p
		kept.Steps = slices.DeleteFunc(slices.Clone(p.Steps), func(s sink.StepRecord) bool { return s.Repeatable })
		text = jsonText(kept)
	}
	return kgo.RecordHeader{Key: headerProgress, Value: []byte(text)}
}

// jsonText is the JSON of a progress or of a part of one.
func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("topics: writing a progress: %v", err)) // it has texts and numbers only
	}
	return string(text)
}

// ParseProgress reads the progress that a record of the responses topic carries: one that is on
// record of its event before the outcome, or the last one in the outcome. ok is false if
// there is none, or none that can be read.
func ParseProgress(rec *kgo.Record) (p sink.Progress, ok bool) {
	for _, h := range rec.Headers {
		if h.Key == headerProgress {
			return p, json.Unmarshal(h.Value, &p) == nil
		}
	}
	return p, false
}

// StepsTaken calls take with each step that the progress in a record of the responses topic says
// its event has taken, and with the step's Ref: what a step of another event made is not this one's.
func StepsTaken(e *LedgerEntry, p sink.Progress, take func(ref string, step sink.StepRecord)) {
	if len(p.Steps) == 0 {
		return
	}
	identity := e.Identity(e.Group)
	for _, step := range p.Steps {
		take(sink.RefOf(identity, step.Name), step)
	}
}
