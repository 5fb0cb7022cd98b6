package processor

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// ledgerReads reads, for some partitions, the outcomes that may lie beyond their
// committed offsets.
type ledgerReads struct {
	group, topic string
	wanted       map[topicPartition]*ledgerRead
	from, end    map[int32]int64 // per responses partition
	dedup        time.Duration   // for how long repeats are known
	since        map[int32]int64 // where outcomes that others repeat begin
	entries      topics.EntryReader
	onRecord     func(ref string, step sink.StepRecord) // nil: no steps are put on record
}

// ledgerRead is one source partition's part of it.
type ledgerRead struct {
	committed int64
	from      int64 // what lies before is of the partition's earlier life
	origin    topics.Origin
	done      *offsetSet
	progress  map[recordKey]heldProgress
	joined    map[recordKey]string // lanes of events with which others may have gone out
	seen      *seenIDs             // nil where all repeats pass
	later     []laterID
}

// recordKey names a record of a partition: after a truncation another one may have its offset.
type recordKey struct {
	offset int64
	epoch  int32
}

// heldProgress is a progress of an event that has no outcome yet, and where it lies.
type heldProgress struct {
	sink.Progress
	at int64
}

func newLedgerReads(group, topic string) *ledgerReads {
	return &ledgerReads{
		group: group, topic: topic, wanted: make(map[topicPartition]*ledgerRead),
		from: make(map[int32]int64), end: make(map[int32]int64), since: make(map[int32]int64),
	}
}

// want adds a partition whose outcomes lie in its responses partition from from up to end.
func (l *ledgerReads) want(part *partition, from, end int64) {
	l.wanted[part.topicPartition] = &ledgerRead{committed: part.committed, from: from, origin: part.origin, done: &offsetSet{}}
	if from >= end {
		return
	}
	id := part.id % part.n
	if at, ok := l.from[id]; !ok || from < at {
		l.from[id] = from
	}
	l.end[id] = max(l.end[id], end)
}

// done is what was found for a partition, nil for nothing.
func (l *ledgerReads) done(part *partition) *offsetSet {
	read := l.wanted[part.topicPartition]
	if read == nil || read.done.empty() {
		return nil
	}
	return read.done
}

// run reads up to the ends.
func (l *ledgerReads) run(ctx context.Context, opts []kgo.Opt, log *slog.Logger) error {
	return readSpans(ctx, spans{topic: l.topic, from: l.begin(), end: l.end}, l.take, opts, log)
}

// spans are parts of a topic, one of each partition that they name.
type spans struct {
	topic     string
	from, end map[int32]int64
}

// readSpans calls take with each record of the spans, once and never two at a time. The records
// of a partition come in their order, but those of a long span from two places at once. take must
// not keep a record.
func readSpans(ctx context.Context, s spans, take func(*kgo.Record), opts []kgo.Opt, log *slog.Logger) error {
	var mu sync.Mutex
	readers, ctx := errgroup.WithContext(ctx)
	for _, half := range s.halves() {
		readers.Go(func() error {
			return readEach(ctx, half, opts, log, func(records []*kgo.Record, end int64) {
				mu.Lock()
				defer mu.Unlock()
				for _, r := range records {
					if r.Offset < end {
						take(r)
					}
					r.Recycle()
				}
			})
		})
	}
	return readers.Wait()
}

// halves cuts long spans in the middle. A client decodes what it fetches from a broker in
// one goroutine, so two of them read with two CPUs.
func (s spans) halves() []spans {
	records := int64(0)
	for id, from := range s.from {
		records += s.end[id] - from
	}
	switch {
	case len(s.from) == 0:
		return nil
	case records < ledgerHalves:
		return []spans{s}
	}
	first := spans{topic: s.topic, from: s.from, end: make(map[int32]int64, len(s.end))}
	second := spans{topic: s.topic, from: make(map[int32]int64, len(s.from)), end: s.end}
	for id, from := range s.from {
		middle := from + (s.end[id]-from)/2
		first.end[id], second.from[id] = middle, middle
	}
	return []spans{first, second}
}

// readEach calls take with the records of the spans and the end of theirs, with a client of its
// own: the group's is for the sources. Some records may lie at the end or after it.
func readEach(ctx context.Context, s spans, opts []kgo.Opt, log *slog.Logger, take func([]*kgo.Record, int64)) error {
	at, open := make(map[int32]kgo.Offset, len(s.from)), make(map[int32]int64, len(s.from))
	next := maps.Clone(s.from)
	for id, from := range s.from {
		if end := s.end[id]; from < end {
			at[id], open[id] = kgo.NewOffset().At(from), end
		}
	}
	client, err := kgo.NewClient(append(append([]kgo.Opt{}, opts...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: at}),
		kgo.KeepControlRecords(), // the last record before an end may be one
		kgo.WithPools(new(ledgerPool)),
		kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxPartitionBytes(ledgerPartitionBytes), kgo.MaxConcurrentFetches(concurrentFetches))...)
	if err != nil {
		return err
	}
	defer client.Close()
	for len(open) > 0 {
		bounded, cancel := context.WithTimeout(ctx, ledgerStall)
		fetches := client.PollFetches(bounded)
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if bounded.Err() != nil && fetches.NumRecords() == 0 {
			return &stalledError{topic: s.topic, next: next, end: open}
		}
		fetches.EachError(func(topic string, id int32, err error) {
			log.Warn("reading the ledger failed, trying again", "topic", topic, "partition", id, "err", err)
		})
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			end, reading := open[f.Partition]
			if !reading || len(f.Records) == 0 {
				return
			}
			last := f.Records[len(f.Records)-1].Offset
			take(f.Records, end)
			next[f.Partition] = last + 1
			if last >= end-1 {
				delete(open, f.Partition)
				client.PauseFetchPartitions(map[string][]int32{s.topic: {f.Partition}})
			}
		})
	}
	return nil
}

// ledgerHalves is from how many records on it is worth a second client.
const ledgerHalves = 50_000

// ledgerPool lends the memory of fetches that were looked at to later ones: a takeover reads
// many outcomes and keeps none.
type ledgerPool struct{ bytes, records sync.Pool }

// GetDecompressBytes implements kgo.PoolDecompressBytes.
func (p *ledgerPool) GetDecompressBytes([]byte, kgo.CompressionCodecType) []byte {
	if b, ok := p.bytes.Get().(*[]byte); ok {
		return *b
	}
	return nil
}

// PutDecompressBytes implements kgo.PoolDecompressBytes.
func (p *ledgerPool) PutDecompressBytes(b []byte) { p.bytes.Put(&b) }

// GetRecords implements kgo.PoolRecords.
func (p *ledgerPool) GetRecords(n int) []kgo.Record {
	if r, ok := p.records.Get().(*[]kgo.Record); ok && cap(*r) >= n {
		return *r
	}
	return make([]kgo.Record, 0, n)
}

// PutRecords implements kgo.PoolRecords.
func (p *ledgerPool) PutRecords(r []kgo.Record) { p.records.Put(&r) }

// ledgerPartitionBytes is a large part of a fetch: the order between partitions is no matter here.
const ledgerPartitionBytes = 1 << 19

// ledgerStall is how long a read may bring nothing. It is begun again then, from what
// the log holds by that time: its last records may have expired under the read.
const ledgerStall = 30 * time.Second

// take notes an outcome of round 0 that is our group's, of the topic that we read: an outcome
// that a mirror brought here, or one of an earlier topic of the name, settles nothing. One
// without ids counts, since the checkpoint from which the read begins is of this topic.
func (l *ledgerReads) take(r *kgo.Record) {
	if r.Attrs.IsControl() {
		return
	}
	entry, ok := l.entries.Read(r)
	if !ok || entry.Group != l.group {
		return
	}
	read := l.wanted[topicPartition{entry.Topic, entry.Partition}]
	if read != nil && !read.origin.Matches(entry.Origin) {
		read = nil
	}
	if read != nil {
		read.noteRepeats(&entry, r)
	}
	if entry.Round != 0 || l.isForRepeats(r) {
		return
	}
	wanted := read != nil && entry.Offset >= read.committed && r.Offset >= read.from
	var p sink.Progress
	has := false
	if l.onRecord != nil || wanted && entry.Outcome == topics.InProgress {
		p, has = topics.ParseProgress(r)
	}
	if has && l.onRecord != nil {
		topics.StepsTaken(&entry, p, l.onRecord) // also of events that are not wanted
	}
	if !wanted {
		return
	}
	switch key := (recordKey{entry.Offset, entry.Epoch}); entry.Outcome {
	case topics.Claimed:
	case topics.InProgress:
		if has && p.Joined > 0 {
			read.wentOut(key, string(r.Key))
		} else if has {
			read.goOn(key, heldProgress{p, r.Offset})
		}
	default:
		read.done.add(entry.Offset, entry.Epoch)
		delete(read.progress, key)
		delete(read.joined, key)
	}
}

// goOn takes in the progress of an event. Of several that of the highest claim counts: a lower
// one that was written later comes from a process that had lost the partition. Of one claim
// it is the newest.
func (l *ledgerRead) goOn(key recordKey, p heldProgress) {
	if l.done.has(key.offset, key.epoch) {
		return
	}
	l.done.reach(key.offset)
	was, known := l.progress[key]
	if known && (p.Claim < was.Claim || p.Claim == was.Claim && p.at < was.at) {
		return
	}
	if l.progress == nil {
		l.progress = make(map[recordKey]heldProgress)
	}
	l.progress[key] = p
}

// open are the progresses of a partition's events that have no outcome yet.
func (l *ledgerReads) open(part *partition) map[recordKey]sink.Progress {
	read := l.wanted[part.topicPartition]
	if read == nil || len(read.progress) == 0 {
		return nil
	}
	open := make(map[recordKey]sink.Progress, len(read.progress))
	for key, held := range read.progress {
		open[key] = held.Progress
	}
	return open
}
