//go:build synctests

package simulation

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// stamp is a moment: of entries with the same time the sequence says which was first.
type stamp struct {
	seq int
	at  time.Duration // since the run began
}

func (s stamp) zero() bool          { return s.seq == 0 }
func (s stamp) before(o stamp) bool { return s.seq < o.seq }

// call is one exchange with the help desk, as the help desk sees it.
type call struct {
	begin, end stamp
	instance   int
	era        int    // of the source topic that the instance reads
	user       string // "" if the call does not show it
	mark       string // of the event, "" for a lookup
	op         string
	write      bool
	status     int  // 0 for no answer
	fault      kind // "" for an honest answer
	acted      bool // it took effect
	usable     bool // accepted, or judged: nothing is to be repeated
	holds      bool // an answer that stops the whole destination
}

// written is an outcome or letter on its topic.
type written struct {
	stamp
	instance  int // that had it acknowledged; -1 as seen on the topic
	topic     string
	partition int32
	offset    int64
	letter    string // the letter's id
	record    *kgo.Record
	mark      string // of its event
	entry     topics.LedgerEntry
	era       int // of the source topic that the outcome names
	ledger    int // the life of the topic that it lies on, as the audit read it
	class     string
	reason    string
	dlqID     string
	merged    int64 // the offset of the event in whose calls it went out, -1 for its own
}

// committed is a partition's part of a commit.
type committed struct {
	stamp      // of the request
	answered   stamp
	instance   int
	partition  int32
	offset     int64
	checkpoint string
	era        int // of the source topic that the checkpoint names
	ledger     int // the life of the responses topic that it names, -1 for none
	code       int16
}

// life is something that happened to an instance or to a partition of it.
type life struct {
	stamp
	instance  int
	partition int32
	what      string
}

// What happens in a life.
const (
	lifeStart   = "start"
	lifeStop    = "stop"    // asked to
	lifeStopped = "stopped" // ended
	// lifeRecreated is an end of its own accord, since the source was recreated.
	lifeRecreated = "recreated"
	lifeKill      = "kill"
	lifeFreeze    = "freeze"
	lifeCut       = "cut"     // a connection
	lifeTrouble   = "trouble" // the group's manager met an error
	lifeDrained   = "drain timeout"
	lifeAssigned  = "assigned"
	lifeReleased  = "released"
	lifeHalt      = "halt" // by an operator
	lifeResume    = "resume"
	lifeGood      = "good" // a group request that was answered well, at the time of its sending
)

// rewind is a permission: events of the partition from an offset on may be delivered again.
type rewind struct {
	stamp
	era       int
	partition int32
	from      int64
	below     int64 // responses positions below this are gone; -1: all is permitted
	ledger    int   // the life of the responses topic that they are of
}

// source is a record of the source topic.
type source struct {
	planned
	era       int // of its topic: 0 for the first of the name, then one more for each that was recreated
	partition int32
	offset    int64
	mark      string
	user      string
}

type journal struct {
	mu    sync.Mutex
	began time.Time
	seq   int

	// eras are those of the source topics by their ids; era is that of the present one.
	eras map[topics.TopicID]int
	era  int
	// ledgers are the lives of the responses topic by their ids: 0 for the first of the name,
	// then one more for each that was recreated. born is when each began.
	ledgers map[topics.TopicID]int
	born    []stamp
	// eraOf is the era of the source topic that an instance reads.
	eraOf map[int]int

	sources []*source
	byMark  map[string]*source
	// contacts are the users by their contacts' ids.
	contacts map[string]string
	calls    []*call
	acked    []*written
	logged   []*written
	commits  []*committed
	outside  []*committed // by others than instances
	lives    []*life
	rewinds  []*rewind
	// discarded are the marks of letters that a person has discarded, as far as the state topic
	// still has it; states is what it says in the end.
	discarded map[string]bool
	states    letters.States
	effects   map[kind]int
	findings  []finding
	faultEnd  stamp
}

// finding is a rule that was broken.
type finding struct{ rule, text string }

func newJournal() *journal {
	return &journal{
		began: time.Now(), byMark: make(map[string]*source), contacts: make(map[string]string), eras: make(map[topics.TopicID]int), ledgers: make(map[topics.TopicID]int), eraOf: make(map[int]int),
		effects: make(map[kind]int), discarded: make(map[string]bool), states: make(letters.States),
	}
}

// ledgerBorn notes that a responses topic was created.
func (j *journal) ledgerBorn(id topics.TopicID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ledgers[id] = len(j.born)
	j.born = append(j.born, j.now())
}

// eraOfTopic is the era of a source topic, -1 for another topic.
func (j *journal) eraOfTopic(id topics.TopicID) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	if era, ok := j.eras[id]; ok {
		return era
	}
	return -1
}

// ledgerAt is the life of the responses topic at a moment.
func (j *journal) ledgerAt(at stamp) int {
	ledger := 0
	for i, born := range j.born {
		if born.before(at) {
			ledger = i
		}
	}
	return ledger
}

// now gives the next stamp. j is locked.
func (j *journal) now() stamp {
	j.seq++
	return stamp{j.seq, time.Since(j.began)}
}

func (j *journal) since() time.Duration { return time.Since(j.began) }

func (j *journal) count(k kind, n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.effects[k] += n
}

func (j *journal) live(instance int, partition int32, what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lives = append(j.lives, &life{stamp: j.now(), instance: instance, partition: partition, what: what})
}

// good notes that a group request that was sent at that time was answered well.
func (j *journal) good(instance int, sent time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := j.now()
	at.at = sent
	j.lives = append(j.lives, &life{stamp: at, instance: instance, partition: -1, what: lifeGood})
}

func (j *journal) find(rule, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.findings = append(j.findings, finding{rule, text})
}

// note takes in an outcome or letter that is acknowledged to an instance, or seen on
// its topic in one of that one's lives (instance -1).
func (j *journal) note(instance, ledger int, r *kgo.Record) {
	if r.Topic == responsesTopic && topics.IsForOwners(r) {
		return
	}
	e := &written{instance: instance, ledger: ledger, topic: r.Topic, partition: r.Partition, offset: r.Offset, record: r, mark: sample.FindMark(r.Value), merged: -1}
	if r.Topic == responsesTopic {
		e.entry, _ = topics.ParseEntry(r)
		j.mu.Lock()
		e.era = j.eras[e.entry.TopicID]
		j.mu.Unlock()
		var o sink.Outcome
		if json.Unmarshal(r.Value, &o) == nil {
			if o.Error != nil {
				e.class = string(o.Error.Class)
			}
			if o.Reason != nil {
				e.reason = string(*o.Reason)
			}
			if o.DLQID != nil {
				e.dlqID = *o.DLQID
			}
			if o.MergedInto != nil && o.MergedInto.Offset != nil {
				e.merged = *o.MergedInto.Offset
			}
		}
	}
	for _, h := range r.Headers {
		if h.Key == "dlq.id" {
			e.letter = string(h.Value)
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	e.stamp = j.now()
	if instance < 0 {
		j.logged = append(j.logged, e)
	} else {
		j.acked = append(j.acked, e)
	}
}
