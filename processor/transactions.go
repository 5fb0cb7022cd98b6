package processor

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

const (
	// transactionLook is the time between two looks at whether a transaction keeps us waiting,
	// transactionWatch while one does.
	transactionLook  = time.Minute
	transactionWatch = 10 * time.Second
	// transactionPatience is how long one may be open before it is trouble. Kafka's own client
	// has the broker abort it after a minute.
	transactionPatience = 2 * time.Minute
)

// openTransactions are the partitions of ours that an open transaction keeps from being read.
// It has its own lock.
type openTransactions struct {
	mu   sync.Mutex
	open map[topicPartition]openTransaction
}

// openTransaction is the oldest one of a partition: a reader of committed records gets none
// from its first offset on, those that are in no transaction included.
type openTransaction struct {
	start  int64     // offset
	behind int64     // offsets from there to the end
	since  time.Time // when it was first seen here
}

var errTransactionOpen = errors.New("a producer has not ended its transaction: find it with kafka-transactions.sh find-hanging, and abort it")

// watchTransactions looks for transactions that do not end. A producer that died with one, or
// that forgot it, stops the partition without any error: the fetches bring nothing.
func (p *Processor) watchTransactions(ctx context.Context) error {
	for last := time.Now(); ; {
		pause(ctx, transactionWatch)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !p.cfg.ReadUncommitted && (p.transactions.any() || time.Since(last) >= transactionLook) {
			last = time.Now()
			p.lookForTransactions(ctx)
		}
		p.reportTransactions()
	}
}

// lookForTransactions asks where the partitions end, and if not all of that is read, up to
// where they can be read: in this order, so that what is written between the two is not taken
// for an open transaction. Where it fails, what was seen last stays.
func (p *Processor) lookForTransactions(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	ends, _ := p.kafka.admin.ListEndOffsets(ctx, p.cfg.Topics...)
	ours := p.book.positions()
	if allRead(ours, ends) {
		p.transactions.none()
		return
	}
	stable, _ := p.kafka.admin.ListCommittedOffsets(ctx, p.cfg.Topics...)
	p.transactions.note(p.book.positions(), ends, stable)
}

// allRead reports whether nothing is left to read of our partitions. positions are the next
// offsets to read.
func allRead(positions map[topicPartition]int64, ends kadm.ListedOffsets) bool {
	for tp, next := range positions {
		if end, ok := ends.Lookup(tp.topic, tp.id); !ok || end.Err != nil || end.Offset > next {
			return false
		}
	}
	return true
}

// reportTransactions logs it once when one has been open for longer than transactionPatience.
func (p *Processor) reportTransactions() {
	where, longest, late := p.transactions.late()
	if late > 0 {
		p.troubles.transaction.met(errTransactionOpen, "topic", where.topic, "partition", where.id, "start_offset", longest.start,
			"records_behind", longest.behind, "open_for", time.Since(longest.since).Round(time.Second), "partitions", late)
	}
}

func (t *openTransactions) any() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.open) > 0
}

func (t *openTransactions) none() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.open)
}

// note takes in where the partitions that are ours end, and up to where they can be read.
func (t *openTransactions) note(ours map[topicPartition]int64, ends, stable kadm.ListedOffsets) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for tp := range t.open {
		if _, still := ours[tp]; !still {
			delete(t.open, tp)
		}
	}
	for tp := range ours {
		end, ok := ends.Lookup(tp.topic, tp.id)
		at, both := stable.Lookup(tp.topic, tp.id)
		if !ok || !both || end.Err != nil || at.Err != nil {
			continue
		}
		was, waited := t.open[tp]
		switch {
		case at.Offset >= end.Offset:
			delete(t.open, tp)
		case waited && was.start == at.Offset:
			was.behind = end.Offset - at.Offset
			t.open[tp] = was
		default:
			t.open[tp] = openTransaction{start: at.Offset, behind: end.Offset - at.Offset, since: time.Now()}
		}
	}
}

// late is the transaction that has been open for longest, and how many have been for longer
// than transactionPatience.
func (t *openTransactions) late() (where topicPartition, longest openTransaction, late int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for tp, open := range t.open {
		if time.Since(open.since) < transactionPatience {
			continue
		}
		if late++; longest.since.IsZero() || open.since.Before(longest.since) {
			where, longest = tp, open
		}
	}
	return where, longest, late
}

// openFor is for how long the oldest open transaction has been seen, 0 for none.
func (t *openTransactions) openFor() (longest time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, open := range t.open {
		longest = max(longest, time.Since(open.since))
	}
	return longest
}
