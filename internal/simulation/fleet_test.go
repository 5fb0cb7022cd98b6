//go:build synctests

package simulation

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/desk/kustomer"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
	"github.com/deskstream/deskstream/sink/topics"
)

var (
	fleetFlag      = flag.Int("fleet", 6, "instances of TestFleet; 100 for the figures in docs/scale.md")
	fleetPartsFlag = flag.Int("fleet-partitions", 40, "partitions of TestFleet; 1000 for the figures in docs/scale.md")
)

// fleetMinutes is how many rebalances TestFleet has, one a minute.
const fleetMinutes = 8

// fleet is instances that come and go at one strict desk.
type fleet struct {
	t     *testing.T
	kafka *kafkatest.Cluster
	desk  *strictDesk

	mu      sync.Mutex
	members map[int]*member
	numbers int
}

// member is one instance.
type member struct {
	*processor.Processor
	budget *budget.Budget
	dest   *sink.Destination
	end    context.CancelFunc
	ended  chan error
}

// strictDesk refuses what is over its limit in any minute, and keeps who called when.
type strictDesk struct {
	limit int

	mu      sync.Mutex
	calls   []time.Time
	refused int
	latest  map[string]int       // event of a lane that came last
	waited  map[string]time.Time // when it came
	longest time.Duration        // between two events of a lane
	faults  []string
}

// RoundTrip implements http.RoundTripper.
func (d *strictDesk) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	time.Sleep(20 * time.Millisecond)
	w := httptest.NewRecorder()
	d.answer(w, body)
	return w.Result(), nil
}

func (d *strictDesk) answer(w http.ResponseWriter, body []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, window := time.Now(), 0
	for i := len(d.calls) - 1; i >= 0 && now.Sub(d.calls[i]) < time.Minute; i-- {
		window++
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Ratelimit-Limit", strconv.Itoa(d.limit))
	w.Header().Set("X-Ratelimit-Remaining", strconv.Itoa(max(d.limit-window-1, 0)))
	if window >= d.limit {
		d.refused++
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	d.calls = append(d.calls, now)
	if _, rest, ok := bytes.Cut(body, []byte("at-")); ok {
		var lane, n int
		if _, err := fmt.Sscanf(string(rest), "%d-event-%d-", &lane, &n); err == nil {
			d.arrived(strconv.Itoa(lane), n, now)
		}
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, `{"data":{"type":"tracking_identity","id":"5f0f8d0c1b7f4d0012a3b4c5","attributes":{"status":"identified"}}}`)
}

func (d *strictDesk) arrived(lane string, n int, now time.Time) {
	if n != d.latest[lane]+1 {
		d.faults = append(d.faults, fmt.Sprintf("lane %s: event %d came after %d", lane, n, d.latest[lane]))
	}
	if at, ok := d.waited[lane]; ok {
		d.longest = max(d.longest, now.Sub(at))
	}
	d.latest[lane], d.waited[lane] = n, now
}

// start begins an instance.
func (f *fleet) start() {
	settings := &kustomer.Settings{APIKey: sink.NewSecret("token-of-the-desk"), BaseURL: "http://desk.test", AdvancedTransform: true}
	kind, _ := all.Kind("kustomer")
	c := sink.Config{
		Name: "desk", BaseURL: "http://desk.test", Credential: settings.APIKey, MaxInFlight: 16, Timeout: 30 * time.Second,
		Rate: budget.Rate{Requests: f.desk.limit, Per: time.Minute, Reserve: reserve}, Retry: sink.Policy{MaxElapsed: 15 * time.Minute, Initial: 500 * time.Millisecond, Max: time.Minute},
		Transport: f.desk,
	}
	var accounts sink.Accounts
	route, err := kind.Route(desk.Destination{Name: "desk"}, settings, accounts.IDs(c))
	if err != nil {
		f.t.Fatal(err)
	}
	reader, err := mapping.NewReader(mapping.Layout{Lane: []string{"userId"}})
	if err != nil {
		f.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	m := &member{budget: accounts.Budget(c), ended: make(chan error, 1)}
	m.budget.Divide("desk", 0, *fleetPartsFlag)
	m.dest = sink.NewDestination(c, m.budget, log)
	if m.Processor, err = processor.New(processor.Config{
		Topics: []string{sourceTopic}, SourcePartitions: map[string]int32{sourceTopic: int32(*fleetPartsFlag)}, Cluster: clusterID, Group: group, SessionTimeout: session, CommitInterval: 5 * time.Second, DrainTimeout: drain, Reader: reader,
		Connection: f.kafka.Options(), Limits: processor.Limits{Records: 10_000, Bytes: 1 << 22, Lanes: 10_000, Span: 100_000},
		Divided: func(ours, all int) { m.budget.Divide("desk", ours, all) },
		Writer:  topics.Config{Responses: responsesTopic, DeadLetters: lettersTopic, Group: group, Destination: "desk", DestinationType: "kustomer"},
	}, route, m.dest, log); err != nil {
		f.t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	m.end = end
	go func() { m.ended <- m.Run(ctx) }()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.members[f.numbers] = m
	f.numbers++
}

// stop ends one instance in good order.
func (f *fleet) stop() {
	f.mu.Lock()
	var m *member
	for number, one := range f.members { // any of them
		m = one
		delete(f.members, number)
		break
	}
	f.mu.Unlock()
	m.end()
	if err := <-m.ended; err != nil {
		f.t.Errorf("an instance ended: %v", err)
	}
	m.dest.Close()
}

// shares adds up the parts of the limit that instances have.
func (f *fleet) shares() (sum float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range f.members {
		sum += m.budget.Share()
	}
	return sum
}

// Instances that come and go each minute, with partitions enough for all, at a desk that counts in any
// minute: none of their calls is refused, their shares add up to no more than the whole, each lane keeps its
// order and none starves.
func TestFleet_rebalancesEveryMinuteExceedNoBudgetAndStarveNoLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parts := int32(*fleetPartsFlag)
		f := &fleet{
			t: t, members: make(map[int]*member), desk: &strictDesk{limit: 60 * *fleetFlag, latest: make(map[string]int), waited: make(map[string]time.Time)},
			kafka: kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic(sourceTopic, parts), kafkatest.Topic(responsesTopic, parts), kafkatest.Topic(lettersTopic, 1)),
		}
		// More than there are calls for in these minutes: a lane for each partition and one more for every other.
		lanes := int(parts) * 3 / 2
		each := max(f.desk.limit*fleetMinutes/lanes, 2)
		for n := range each {
			records := make([]*kgo.Record, lanes)
			for lane := range lanes {
				records[lane] = &kgo.Record{Topic: sourceTopic, Partition: int32(lane) % parts, Value: fmt.Appendf(nil,
					`{"type":"track","userId":"lane-%d","messageId":"m-%d-%d","event":"Product Purchased","properties":{"mark":"at-%d-event-%d-"}}`, lane, lane, n+1, lane, n+1)}
			}
			f.kafka.Produce(t, records...)
		}
		for range *fleetFlag {
			f.start()
		}
		began := time.Now()
		most := 0.0
		for minute := range fleetMinutes {
			for range 60 {
				time.Sleep(time.Second)
				most = max(most, f.shares())
			}
			if minute%2 == 0 || rand.IntN(2) == 0 {
				f.stop()
				f.start()
			} else {
				f.start()
			}
		}
		all := lanes * each
		var sum int
		for range 60 {
			f.desk.mu.Lock()
			sum = len(f.desk.calls)
			f.desk.mu.Unlock()
			if sum >= all {
				break
			}
			time.Sleep(10 * time.Second)
		}
		took := time.Since(began)
		time.Sleep(10 * time.Second) // for the outcomes
		last := f.shares()
		for len(f.members) > 0 {
			f.stop()
		}
		d := f.desk
		t.Logf("%d instances, %d partitions, %d lanes, %d events in %v: %d calls, %d refused, shares at most %.3f, %v at most between two events of a lane",
			*fleetFlag, parts, lanes, all, took, len(d.calls), d.refused, most, d.longest.Round(time.Second))
		if d.refused > 0 {
			t.Errorf("%d calls were refused", d.refused)
		}
		if most > 1.000001 || last < 0.999999 {
			t.Errorf("the shares added up to %v at most, and to %v in the end", most, last)
		}
		if len(d.calls) != all || len(d.faults) > 0 {
			t.Errorf("%d calls for %d events; %d faults, like %v", len(d.calls), all, len(d.faults), d.faults[:min(3, len(d.faults))])
		}
		if d.longest > 5*time.Minute {
			t.Errorf("a lane waited %v for its next event", d.longest)
		}
	})
}
