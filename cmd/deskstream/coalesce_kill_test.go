package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/internal/stub"
	"github.com/deskstream/deskstream/sink"
)

// crowd is a world of few users who change their names all the time, at one destination with
// delivery.coalesce.
type crowd struct {
	*world
	destination string
	source      string // further lines of source

	feeding chan struct{} // closed when nothing is produced any more
	ending  chan struct{}
}

// crowdUsers are spread evenly over the partitions.
const crowdUsers = 60

// crowded is a desk at which each user has a call open most of the time.
var crowded = stub.Config{Latency: 400 * time.Millisecond, Jitter: 200 * time.Millisecond}

func newCrowd(t *testing.T, o worldOptions, destination, source string) *crowd {
	t.Helper()
	needsProcess(t)
	o.stub = crowded
	return &crowd{world: newWorld(t, o), destination: destination, source: source}
}

// say produces one event of as many users as there are partitions. They are large, so that a fetch
// brings few of them: who takes a partition over has read fewer events of a user, when it makes its
// first call, than the owner before had joined.
func (c *crowd) say() {
	c.t.Helper()
	records := make([]*kgo.Record, c.sources)
	c.mu.Lock()
	before := len(c.place)
	c.mu.Unlock()
	for i := range records {
		user, mark := fmt.Sprintf("user-%d", (before+i)%crowdUsers), sample.Mark(before+i+1)
		records[i] = &kgo.Record{
			Topic: c.topic(eventsTopic), Partition: int32(i), Key: []byte(user),
			Value: fmt.Appendf(nil, `{"type":"identify","userId":%q,"messageId":%q,"traits":{"email":"%s@example.com","name":"Name %s"},"context":{"page":{"search":%q}}}`,
				user, mark, user, mark, strings.Repeat("x", 4<<10)),
		}
	}
	c.Produce(c.t, records...)
	c.remember(records)
}

// feed produces while the program runs and dies, until stopFeeding.
func (c *crowd) feed() {
	c.feeding, c.ending = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(c.feeding)
		tick := time.NewTicker(40 * time.Millisecond)
		defer tick.Stop()
		for c.t.Context().Err() == nil {
			c.say()
			select {
			case <-tick.C:
			case <-c.ending:
				return
			case <-c.t.Context().Done():
				return
			}
		}
	}()
	c.t.Cleanup(func() { <-c.feeding })
}

func (c *crowd) stopFeeding() {
	close(c.ending)
	<-c.feeding
}

// start starts an instance.
func (c *crowd) start() *process {
	c.t.Helper()
	return c.world.start(c.config(settings{source: c.source, delivery: "      coalesce: true\n"}), "--destination", c.destination)
}

// writes are the calls that set a name, and were not refused.
func (c *crowd) writes() []stub.Call {
	var writes []stub.Call
	for _, call := range c.desk.Desk(c.destination).Received() {
		if call.Method != http.MethodGet && call.Mark != "" && call.Status < 400 {
			writes = append(writes, call)
		}
	}
	return writes
}

// awaitWrites waits for n more writes than there were, and until calls are open.
func (c *crowd) awaitWrites(n int, instances ...*process) {
	c.t.Helper()
	before := len(c.writes())
	await(c.t, fmt.Sprintf("%d calls, and %d open ones", n, openCalls), func() bool {
		for _, in := range instances {
			in.alive()
		}
		return len(c.writes()) >= before+n && c.desk.Desk(c.destination).Open() >= openCalls
	})
}

// killIdentifies kills two instances, or one of them, again and again while each call is for several
// events.
func (c *crowd) killIdentifies(kills int) {
	c.t.Helper()
	c.feed()
	instances := []*process{c.start(), c.start()}
	for n := range kills {
		victims := [][]int{{0, 1}, {0}, {1}}[n%3]
		c.awaitWrites(3*crowdUsers, instances...)
		for _, at := range victims {
			instances[at].signal(syscall.SIGKILL)
		}
		for _, at := range victims {
			instances[at].wait()
			instances[at] = c.start()
		}
	}
	c.awaitWrites(crowdUsers, instances...)
	c.stopFeeding()
	await(c.t, "the offsets to reach the end", func() bool {
		for _, in := range instances {
			in.alive()
		}
		return c.committedAll(c.destination)
	})
	for _, in := range instances {
		in.stop()
	}
	c.wantNoValueBack()
	c.wantAllDelivered()
}

// wantNoValueBack fails the test if a user had an older name again, or has not the newest in the
// end.
func (c *crowd) wantNoValueBack() {
	c.t.Helper()
	newest, last := make(map[string]place), make(map[string]place)
	back, cut := make(map[string]bool), 0
	for _, call := range c.writes() {
		at := c.place[call.Mark]
		if was, known := newest[at.user]; known && at.offset < was.offset {
			c.t.Errorf("%s has the name of offset %d after that of %d (call %d)", at.user, at.offset, was.offset, call.Seq)
			back[at.user] = true
		}
		newest[at.user] = at
		if call.ClosedEarly {
			cut++
		}
	}
	for _, at := range c.place {
		if at.offset >= last[at.user].offset {
			last[at.user] = at
		}
	}
	for user, at := range last {
		if newest[user] != at {
			c.t.Errorf("%s has the name of offset %d in the end, want %d", user, newest[user].offset, at.offset)
		}
	}
	c.t.Logf("%d events, %d writes, %d of them cut; of %d users %d had an older name again", len(c.place), len(c.writes()), cut, len(last), len(back))
}

// wantAllDelivered fails the test unless each event has an outcome, and those of a user lie in order.
func (c *crowd) wantAllDelivered() {
	c.t.Helper()
	settled, merged, again := make(map[string]bool), 0, 0
	marks, newest := make(map[place]string), make(map[string]int64)
	for mark, at := range c.place {
		marks[place{partition: at.partition, offset: at.offset}] = mark
	}
	for _, r := range outcomeRecords(c.Consume(c.t, c.topic(responsesTopic))) {
		var o sink.Outcome
		if err := json.Unmarshal(r.Value, &o); err != nil {
			c.t.Fatalf("an outcome cannot be read: %v", err)
		}
		mark := marks[place{partition: o.Source.Partition, offset: o.Source.Offset}]
		if o.Outcome != sink.Delivered && o.Outcome != sink.Skipped || *o.Event.ID != mark {
			c.t.Errorf("the outcome of %s is %s of %s", mark, o.Outcome, *o.Event.ID)
		}
		if settled[mark] {
			again++
			continue
		}
		settled[mark] = true
		if o.MergedInto != nil {
			merged++
		}
		user := c.place[mark].user
		if before, known := newest[user]; known && o.Source.Offset < before {
			c.t.Errorf("the outcome of offset %d of %s comes after that of %d", o.Source.Offset, user, before)
		}
		newest[user] = o.Source.Offset
	}
	for mark := range c.place {
		if !settled[mark] {
			c.t.Errorf("%s has no outcome", mark)
		}
	}
	if merged < len(c.place)/10 { // how many wait for each other goes by the machine
		c.t.Errorf("%d of %d events went out with another", merged, len(c.place))
	}
	c.t.Logf("%d events went out with another, %d have a further outcome", merged, again)
}

func TestRun_noValueGoesBackToAnOlderOneThroughKills(t *testing.T) {
	t.Parallel()
	newCrowd(t, worldOptions{sources: 12, others: 5}, crm, "").killIdentifies(2)
}
