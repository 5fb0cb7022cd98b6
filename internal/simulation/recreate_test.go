//go:build synctests

package simulation

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink/topics"
)

// recreate deletes a topic and creates it again after a while.
func (w *world) recreate(topic string, n int32, gap time.Duration) {
	if err := w.kafka.DeleteTopic(topic); err != nil {
		w.t.Errorf("deleting %s: %v", topic, err)
	}
	time.Sleep(gap)
	if err := w.kafka.CreateTopic(topic, n, nil); err != nil {
		w.t.Errorf("creating %s: %v", topic, err)
	}
}

// recreateSource deletes the source topic and creates it again after a while. With killed,
// nobody reads it meanwhile, and the group keeps the offsets of the old topic, as brokers do
// that know a topic by its name. Else instances read it: they end then, and are
// started again as a supervisor would.
func (w *world) recreateSource(gap time.Duration, killed bool) {
	list := w.working()
	if killed {
		for _, in := range list {
			in.kill()
		}
		w.broker.awaitEmptyGroup()
	}
	stale := w.broker.offsets()
	w.producing <- struct{}{}
	w.recreate(sourceTopic, partitions, gap)
	w.journal.mu.Lock()
	w.journal.era++
	w.journal.eras[topics.TopicID(w.kafka.TopicInfo(sourceTopic).TopicID)] = w.journal.era
	w.journal.mu.Unlock()
	w.producer = w.kafka.Client(w.t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	<-w.producing
	w.append(planned{Number: 2_000_000 + w.journal.era, Want: wantSkipped}) // something to read
	if !killed {
		w.journal.count(recreateSource, 1)
		return
	}
	for p, at := range stale {
		if w.journal.eraOfStored(at.Metadata) == w.journal.era-1 {
			w.broker.commit(p, at.Offset, at.Metadata)
		}
	}
	for range max(len(list), 1) {
		w.start()
	}
	w.journal.count(recreateStopped, 1)
}

// supervise starts an instance again that ended by itself since its source topic was
// recreated. No other reason to end is a good one.
func (w *world) supervise(in *instance) {
	w.mu.Lock()
	again := !in.gone && !w.ending && w.recreatedUnder(in)
	in.gone = in.gone || again
	w.mu.Unlock()
	if again {
		w.journal.live(in.number, -1, lifeRecreated)
		w.start()
	}
}

// recreatedUnder reports whether an instance ended since the source topic that it read was recreated.
func (w *world) recreatedUnder(in *instance) bool {
	w.journal.mu.Lock()
	defer w.journal.mu.Unlock()
	return w.journal.eraOf[in.number] < w.journal.era && errors.Is(in.err, processor.ErrSourceRecreated)
}

// recreateResponses deletes the responses topic and creates it again: outcomes are gone, and
// what the checkpoints say of it counts no more.
func (w *world) recreateResponses(gap time.Duration) {
	w.recreate(responsesTopic, responsePartitions, gap)
	w.journal.ledgerBorn(topics.TopicID(w.kafka.TopicInfo(responsesTopic).TopicID))
	ledger := len(w.journal.born) - 1
	w.auditing.Go(func() { w.audit(responsesTopic, ledger, beginning(responsePartitions)) })
	w.journal.count(recreateResponses, 1)
}

// recreateLetters deletes the dead-letter topic and creates it again: letters are gone.
func (w *world) recreateLetters(gap time.Duration) {
	w.recreate(lettersTopic, letterPartitions, gap)
	w.auditing.Go(func() { w.audit(lettersTopic, 0, beginning(letterPartitions)) })
	w.journal.count(recreateLetters, 1)
}

// named is what known has of the topic id in a field of a checkpoint, -1 for none of ours.
func named(known map[topics.TopicID]int, checkpoint string, field int) int {
	fields := strings.Split(checkpoint, " ")
	if len(fields) != 7 {
		return -1
	}
	var id topics.TopicID
	bytes, err := base64.StdEncoding.DecodeString(fields[field])
	if err != nil || copy(id[:], bytes) != len(id) {
		return -1
	}
	if n, ok := known[id]; ok {
		return n
	}
	return -1
}

// eraOfCheckpoint is the era of the source topic that a checkpoint names. j is locked.
func (j *journal) eraOfCheckpoint(checkpoint string) int { return named(j.eras, checkpoint, 2) }

// ledgerOfCheckpoint is the life of the responses topic that it names. j is locked.
func (j *journal) ledgerOfCheckpoint(checkpoint string) int { return named(j.ledgers, checkpoint, 3) }

// eraOfStored is the same of what the group has committed.
func (j *journal) eraOfStored(checkpoint string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.eraOfCheckpoint(checkpoint)
}
