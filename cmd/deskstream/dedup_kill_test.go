package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/sample"
)

// repeatLoad is how much is sent while the program dies.
type repeatLoad struct {
	perSecond int
	lives     int // of the program, before the last
	work      int // message ids that each brings
}

// repeatWorld sends events of which some repeat the message id of an earlier one of their partition.
type repeatWorld struct {
	t      *testing.T
	kafka  *kafkatest.Cluster
	client *kgo.Client
	url    string
	random *rand.Rand
	sent   int
	repeat int
	ids    [repeatPartitions][]string // by partition, of those that repeat none

	mu  sync.Mutex
	got map[string]map[string]int // the events of a message id that arrived, and how often
}

const repeatPartitions = 4

func newRepeatWorld(t *testing.T) *repeatWorld {
	w := &repeatWorld{
		t: t, random: rand.New(rand.NewPCG(21, 5)), got: make(map[string]map[string]int),
		kafka: kafkatest.Kafka(t, kafkatest.Topic("events", repeatPartitions), kafkatest.Topic("events.responses", 3),
			kafkatest.Topic("dlq.events.deskstream", 1, "max.message.bytes", "2000000"), kafkatest.Topic("dlq.events.deskstream.state", 1, "cleanup.policy", "compact")),
	}
	w.client = w.kafka.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var event struct {
			Mark      string `json:"mark"`
			MessageID string `json:"messageId"`
		}
		if err == nil && json.Unmarshal(body, &event) == nil {
			w.arrived(event.MessageID, event.Mark)
		}
		time.Sleep(20 * time.Millisecond) // what a call takes
		rw.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func (w *repeatWorld) arrived(id, mark string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.got[id] == nil {
		w.got[id] = make(map[string]int)
	}
	w.got[id][mark]++
}

func (w *repeatWorld) config() string {
	return writeFile(w.t, "deskstream.yaml", fmt.Sprintf(`kafka: {brokers: [%q]}
source: {dedup: 1h, group_instance_id: one, session_timeout: 10s, drain_timeout: 5s}
http: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
destinations:
  - name: hook
    type: webhook
    webhook: {url: %q}
    delivery: {timeout: 4s, max_in_flight: 64, rate_limit: {requests: 100000000, per: 1m}}
`, strings.Join(w.kafka.Brokers, ","), w.url))
}

// send produces n events, a twentieth of them with a message id that their partition has had.
func (w *repeatWorld) send(n int) {
	records := make([]*kgo.Record, n)
	for i := range records {
		w.sent++
		p := w.random.IntN(repeatPartitions)
		mark := sample.Mark(w.sent)
		id := "m-" + mark
		if known := w.ids[p]; len(known) > 0 && w.random.IntN(20) == 0 {
			id = known[w.random.IntN(len(known))]
			if w.random.IntN(2) == 0 {
				id = known[max(0, len(known)-1-w.random.IntN(20))] // which is in flight yet
			}
			w.repeat++
		} else {
			w.ids[p] = append(known, id)
		}
		records[i] = &kgo.Record{Topic: "events", Partition: int32(p), Value: fmt.Appendf(nil,
			`{"type":"track","event":"E","userId":"user-%d","messageId":%q,"mark":%q}`, w.random.IntN(500), id, mark)}
	}
	if err := w.client.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil && w.t.Context().Err() == nil {
		w.t.Errorf("producing: %v", err)
	}
}

// Whatever is killed, of the records of a partition with one message id one is delivered. That one
// may be delivered again by a kill, as any event that was in flight.
func TestRun_killedAgainAndAgainDeliversNoMessageIDTwice(t *testing.T) {
	needsProcess(t)
	t.Parallel()
	deliverRepeats(t, repeatLoad{perSecond: 500, lives: 3, work: 800})
}

func deliverRepeats(t *testing.T, load repeatLoad) {
	t.Helper()
	w := newRepeatWorld(t)
	path := w.config()
	over, produced := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(produced)
		tick, began := time.NewTicker(time.Second/20), time.Now()
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-t.Context().Done():
				return
			case <-tick.C:
				w.send(int(time.Since(began).Seconds()*float64(load.perSecond)) - w.sent)
			}
		}
	}()
	t.Cleanup(func() { <-produced })
	for range load.lives {
		p := startProcess(t, "run", "-c", path, "--log-format", "json")
		before := w.arrivals()
		await(t, "events to arrive", func() bool { p.alive(); return w.arrivals() >= before+load.work })
		p.kill()
	}
	close(over)
	<-produced
	p := startProcess(t, "run", "-c", path, "--log-format", "json")
	await(t, "everything to be committed", func() bool {
		p.alive()
		at := w.kafka.Committed(t, "deskstream.hook", "events")
		for id, end := range w.kafka.EndOffsets(t, "events") {
			if at[id].At != end {
				return false
			}
		}
		return true
	})
	p.stop()
	w.check()
}

func (w *repeatWorld) arrivals() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.got)
}

func (w *repeatWorld) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	again, ids := 0, 0
	for _, known := range w.ids {
		ids += len(known)
	}
	for id, events := range w.got {
		if len(events) > 1 {
			w.t.Errorf("of message id %s the events %v were delivered", id, events)
		}
		for _, n := range events {
			again += n - 1
		}
	}
	if len(w.got) != ids || w.repeat == 0 {
		w.t.Errorf("%d message ids were delivered, want %d", len(w.got), ids)
	}
	outcomes := make(map[string]map[string]bool)
	for _, r := range w.kafka.Consume(w.t, "events.responses") {
		var what, source string
		for _, h := range r.Headers {
			switch h.Key {
			case "deskstream.outcome":
				what += string(h.Value)
			case "deskstream.reason":
				what += " " + string(h.Value)
			case "deskstream.source":
				source = string(h.Value)
			}
		}
		if outcomes[what] == nil {
			outcomes[what] = make(map[string]bool)
		}
		outcomes[what][source] = true
	}
	if len(outcomes["skipped duplicate"]) != w.repeat || len(outcomes["delivered"]) != ids {
		w.t.Errorf("%d duplicates and %d delivered, want %d and %d", len(outcomes["skipped duplicate"]), len(outcomes["delivered"]), w.repeat, ids)
	}
	w.t.Logf("%d events, %d repeats, %d delivered again by kills", w.sent, w.repeat, again)
}
