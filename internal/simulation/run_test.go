//go:build synctests

package simulation

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/sample"
)

// drainLimit is how long a run may take after its faults are over.
const drainLimit = 3 * time.Hour

// A run takes a fraction of a second. One that takes longer than slowLimit of the clock
// on the wall does not get on; one that does not even end in three times as long hangs.
const slowLimit = 30 * time.Second

// result is what a run left behind.
type result struct {
	script   *script
	journal  *journal
	findings []finding
	logs     []string

	used          float64 // of the budget
	mostInAMinute int
}

// run plays the script of a seed and judges it.
func run(t *testing.T, seed uint64) *result {
	t.Helper()
	return runScript(t, draw(seed), slowLimit)
}

// runScript plays a script that is to take less than slowLimit of the clock on the wall.
func runScript(t *testing.T, s *script, slowLimit time.Duration) *result {
	t.Helper()
	r := &result{script: s}
	var w *world
	defer func() {
		if p := recover(); p != nil { // of goroutines that do not end
			t.Logf("%s%s", s, strings.Join(w.logs, "\n"))
			panic(p)
		}
	}()
	var slow atomic.Bool // timers of the bubble would not show it
	defer time.AfterFunc(slowLimit, func() { slow.Store(true) }).Stop()
	defer time.AfterFunc(3*slowLimit, func() { panic(fmt.Sprintf("seed %d hangs", s.Seed)) }).Stop()
	synctest.Test(t, func(t *testing.T) {
		w = newWorld(t, s)
		w.slow = &slow
		w.play()
		r.journal, r.logs = w.journal, w.logs
	})
	r.findings = judge(s, r.journal)
	return r
}

func (w *world) play() {
	w.broker.prepare()
	ctx, cancel := context.WithCancelCause(context.Background())
	var playing sync.WaitGroup
	w.auditCtx = ctx
	from := make(map[int32]kgo.Offset)
	for p := range int32(responsePartitions) {
		from[p] = kgo.NewOffset().At(w.broker.forged[p])
	}
	w.auditing.Go(func() { w.audit(responsesTopic, 0, from) })
	w.auditing.Go(func() { w.audit(lettersTopic, 0, beginning(letterPartitions)) })
	for range w.script.Instances {
		w.start()
	}
	playing.Go(w.produce)
	playing.Go(w.takeSteps)
	playing.Go(w.cutConnections)
	playing.Wait()
	if rest := w.script.Until - w.journal.since(); rest > 0 {
		time.Sleep(rest)
	}
	w.desk.faultsOver()
	w.journal.mu.Lock()
	w.journal.faultEnd = w.journal.now()
	w.journal.mu.Unlock()
	if len(w.working()) == 0 {
		w.start()
	}
	w.drain()
	w.mu.Lock()
	w.ending = true
	w.mu.Unlock()
	for _, in := range w.working() {
		in.stop()
	}
	time.Sleep(time.Second) // for the audit
	cancel(errEnded)
	w.auditing.Wait()
	for _, in := range w.instances {
		<-in.ended
	}
	w.readStates()
	w.broker.counted()
	time.Sleep(10 * time.Minute) // clients that nobody waited for end too
}

// drain waits until all is committed.
func (w *world) drain() {
	last := make(map[int32]int64)
	for began := w.journal.since(); w.journal.since()-began < drainLimit; time.Sleep(time.Second) {
		for _, in := range w.working() {
			w.checkGap(in)
			select {
			case <-in.ended:
				w.journal.find(ruleEnd, fmt.Sprintf("instance %d ended unasked: %v", in.number, in.err))
				return
			default:
			}
		}
		if stuck := w.journal.since() - began; stuck > 5*session {
			w.broker.dropDead(stuck%(10*time.Minute) < time.Second)
			w.resumeBreakers()
		}
		committed, open := w.broker.offsets(), ""
		for p := range int32(partitions) {
			end := w.kafka.PartitionInfo(sourceTopic, p).HighWatermark
			if at := committed[p].Offset; at < end || end > 0 && w.journal.eraOfStored(committed[p].Metadata) < w.journal.era {
				open += fmt.Sprintf(" partition %d: %d of %d", p, at, end)
			}
			if at, ok := committed[p]; ok && w.journal.eraOfStored(at.Metadata) == w.journal.era {
				if at.Offset < last[p] {
					w.journal.find(ruleCommitBack, fmt.Sprintf("partition %d went from %d to %d", p, last[p], at.Offset))
				}
				last[p] = at.Offset
			}
		}
		if open == "" {
			return
		}
		slow := w.slow.Load()
		if slow || w.journal.since()-began+time.Second >= drainLimit {
			var text strings.Builder
			fmt.Fprintf(&text, "not committed after %v:%s", w.journal.since()-began, open)
			for _, in := range w.working() {
				fmt.Fprintf(&text, "; instance %d %+v", in.number, in.Figures())
			}
			if info := w.kafka.GroupInfo(group); info != nil {
				text.WriteString("; group " + info.State)
				for _, m := range info.Members {
					fmt.Fprintf(&text, ", %s has %v", m.ClientID, m.Assignment[sourceTopic])
				}
			}
			w.journal.find(ruleEnd, text.String())
			if slow {
				return
			}
		}
	}
}

// resumeBreakers ends holds of the breaker as a person does. With one lane left whose event is
// refused, nothing else ends one.
func (w *world) resumeBreakers() {
	for _, in := range w.working() {
		if in.dest.Gate().Held().Reason == "breaker" { // as the log and the metrics name it
			w.journal.live(in.number, -1, lifeResume)
			_, _ = in.dest.Gate().Resume()
		}
	}
}

// beginning is where a topic of n partitions begins.
func beginning(n int32) map[int32]kgo.Offset {
	from := make(map[int32]kgo.Offset)
	for p := range n {
		from[p] = kgo.NewOffset().AtStart()
	}
	return from
}

// audit reads what is on a topic in one of its lives, as it comes.
func (w *world) audit(topic string, ledger int, from map[int32]kgo.Offset) {
	ctx := w.auditCtx
	cl, err := kgo.NewClient(append(w.kafka.Options(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))...)
	if err != nil {
		w.t.Errorf("auditor: %v", err)
		return
	}
	defer cl.Close()
	for ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		fetches.EachRecord(func(r *kgo.Record) { w.journal.note(-1, ledger, r) })
		if fetches.Empty() && ctx.Err() == nil {
			time.Sleep(time.Second) // the topic was recreated: the client gives the error again and again
		}
	}
}

// produce writes the script's records.
func (w *world) produce() {
	for _, p := range w.script.Records {
		if rest := p.At - w.journal.since(); rest > 0 {
			time.Sleep(rest)
		}
		w.append(p)
	}
}

// append writes one record to the source topic.
func (w *world) append(p planned) {
	w.producing <- struct{}{}
	defer func() { <-w.producing }()
	cl := w.producer
	src := &source{planned: p, era: w.journal.era, partition: p.Partition, offset: -1, mark: sample.Mark(p.Number), user: p.user()}
	w.journal.mu.Lock()
	w.journal.sources = append(w.journal.sources, src)
	w.journal.byMark[src.mark] = src
	w.journal.mu.Unlock()
	r := &kgo.Record{Topic: sourceTopic, Partition: p.Partition, Key: []byte(p.user()), Value: p.value()}
	if p.Ahead > 0 {
		r.Timestamp = time.Now().Add(p.Ahead)
	}
	if p.Aborted || p.Committed {
		w.transact(p.Number, r, p.Committed)
	} else if err := cl.ProduceSync(context.Background(), r).FirstErr(); err != nil {
		w.t.Errorf("producing: %v", err)
	}
	w.journal.mu.Lock()
	src.offset = r.Offset
	w.journal.mu.Unlock()
	if p.Aborted {
		w.journal.count(aborted, 1)
	}
}

func (w *world) transact(n int, r *kgo.Record, commit bool) {
	cl, err := kgo.NewClient(append(w.kafka.Options(), kgo.TransactionalID("tx"+strconv.Itoa(n)), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		w.t.Errorf("transaction: %v", err)
		return
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		w.t.Errorf("transaction: %v", err)
	}
	if err := cl.ProduceSync(context.Background(), r).FirstErr(); err != nil {
		w.t.Errorf("transaction: %v", err)
	}
	if err := cl.EndTransaction(context.Background(), kgo.TransactionEndTry(commit)); err != nil {
		w.t.Errorf("transaction: %v", err)
	}
}

// cutConnections drops connections to Kafka in their windows.
func (w *world) cutConnections() {
	for n := 0; w.journal.since() < w.script.Until; n++ {
		time.Sleep(time.Second)
		share := w.script.active(connectionCut, w.journal.since())
		for _, in := range w.working() {
			if share > 0 && share/3 > w.desk.roll("cut", strconv.Itoa(n), strconv.Itoa(in.number)) {
				w.journal.live(in.number, -1, lifeCut)
				w.journal.count(connectionCut, in.wire.drop())
			}
		}
	}
}
