package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
	"github.com/deskstream/deskstream/sink/topics"
)

// bills is a world whose events open and close tickets by the keys of invoices. Of some, the label is
// refused once after the ticket was opened: they are dead letters, of which apply goes on.
type bills struct {
	*world
	file     string
	door     string // the way to the desk
	keys     int    // invoices, ten of each user
	sent     int
	instance []*process

	mu      sync.Mutex
	closed  map[string]int  // closes that were accepted, by ticket
	refused map[string]bool // tickets whose label was
}

func newBills(t *testing.T, o worldOptions, keys int) *bills {
	t.Helper()
	needsProcess(t)
	o.stub.Seed = 1
	b := &bills{world: newWorld(t, o), keys: keys, closed: map[string]int{}, refused: map[string]bool{}}
	door := httptest.NewServer(b)
	t.Cleanup(door.Close)
	b.door = door.URL
	b.file = writeFile(t, "deskstream.yaml", fmt.Sprintf(`kafka: {brokers: [%q]}
source: {topics: [%s], group: %sdeskstream, session_timeout: %s, drain_timeout: %s, commit_interval: 50ms}
responses: {topic: %s}
dead_letters: {topic: %s}
http: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}
destinations:
  - name: %s
    type: trengo
    trengo: {api_token: %s, channel_id: "123456", base_url: %s}
    delivery:
      timeout: %s
      rate_limit: {requests: 100000000, per: 1m, reserve: 0.1}
      retry: {initial: 50ms, max: 500ms}
    rules:
      - name: billed
        match: {event: [Billed]}
        contact: {create: true}
        ticket: {key: "{{ invoice }}", labels: [billing]}
        on_missing: dead
      - name: paid
        match: {event: [Paid]}
        ticket: {key: "{{ invoice }}", open: never, status: closed}
`, strings.Join(b.Brokers, ","), b.topic(eventsTopic), b.prefix, b.session, b.drain, b.topic(responsesTopic), b.topic(lettersTopic),
		inbox, trengoToken, door.URL+stubtrengo.Path, b.timeout))
	return b
}

// ServeHTTP hands calls on to the desk. The label of each twentieth ticket is refused once.
func (b *bills) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.TrimPrefix(r.URL.Path, stubtrengo.Path), "/") // "", tickets, id, what
	if len(path) == 4 && path[3] == "labels" && strings.HasSuffix(path[2], "7") && b.refuses(path[2]) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"message":"The label is refused."}`)
		return
	}
	answered := httptest.NewRecorder()
	b.desk.ServeHTTP(answered, r)
	if len(path) == 4 && path[3] == "close" && answered.Code < 300 {
		b.mu.Lock()
		b.closed[path[2]]++
		b.mu.Unlock()
	}
	maps.Copy(w.Header(), answered.Header())
	w.WriteHeader(answered.Code)
	_, _ = w.Write(answered.Body.Bytes())
}

func (b *bills) refuses(ticket string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.refused[ticket]
	b.refused[ticket] = true
	return !was && strings.HasSuffix(ticket, "7")
}

// produce produces an event for each key, in the partition of its user.
func (b *bills) produce(event string) {
	b.t.Helper()
	records := make([]*kgo.Record, b.keys)
	for n := range records {
		user := fmt.Sprintf("user-%d", n/10)
		hash := fnv.New32a()
		_, _ = hash.Write([]byte(user)) // it never fails
		b.sent++
		records[n] = &kgo.Record{
			Topic: b.topic(eventsTopic), Partition: int32(hash.Sum32() % uint32(b.sources)), Key: []byte(user),
			Value: fmt.Appendf(nil, `{"type":"track","event":%q,"userId":%q,"messageId":"m-%d","properties":{"invoice":"I-%d"},"context":{"traits":{"email":"%s@example.com"}}}`,
				event, user, b.sent, n, user),
		}
	}
	b.Produce(b.t, records...)
}

// join starts an instance, leave stops the one that is there for longest.
func (b *bills) join() {
	b.instance = append(b.instance, b.start(b.file, "--create-topics"))
}

func (b *bills) leave() {
	b.instance[0].stop()
	b.instance = b.instance[1:]
}

// settledAll waits until all events are settled.
func (b *bills) settledAll() {
	b.t.Helper()
	await(b.t, "the offsets to reach the end", func() bool {
		for _, p := range b.instance {
			p.alive()
		}
		return b.committedAll(inbox)
	})
}

// grow adds partitions to the source, so that users move. Their events are not ordered against
// earlier ones, which have to be settled. Another instance takes over: one that is there would see the
// new partitions within a minute.
func (b *bills) grow() {
	b.t.Helper()
	b.settledAll()
	b.addPartitions(2 * b.sources)
	b.join()
	for len(b.instance) > 1 {
		b.leave()
	}
}

// redrive sends the letters again and again, until the test says that it is enough.
func (b *bills) redrive() (enough func() int) {
	ctx, cancel := context.WithCancel(b.t.Context())
	done, applied := make(chan struct{}), 0
	plan := filepath.Join(b.t.TempDir(), "plan.json")
	once := func(ctx context.Context) {
		none := func(string) (string, bool) { return "", false }
		if got := runWith(ctx, none, "", "dlq", "plan", "-c", b.file, "--every", "-q", "-o", plan); got.code != exitOK {
			b.t.Logf("plan: %d %s%s", got.code, got.stdout, got.stderr)
			return
		}
		got := runWith(ctx, none, "", "dlq", "apply", "-c", b.file, "--create-topics", plan)
		if got.code == exitOK && strings.Contains(got.stdout, "delivered") {
			applied++
		}
		if !strings.Contains(got.stdout, "nothing to do") {
			b.t.Logf("apply: %d %s%s", got.code, got.stdout, got.stderr)
		}
	}
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			once(ctx)
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}()
	return func() int {
		cancel()
		<-done
		once(b.t.Context()) // what is left
		return applied
	}
}

// live has each key opened and closed as often as rounds says, while instances join and leave,
// partitions are added and letters are sent again.
func (b *bills) live(rounds int) {
	b.t.Helper()
	b.join()
	b.instance[0].awaitLog("partitions assigned")
	enough := b.redrive()
	for round := range rounds {
		if round == rounds/2 {
			b.grow() // while the keys are closed
		}
		b.produce("Billed")
		if round%3 == 1 {
			b.join()
		}
		if round == rounds/2 {
			b.grow() // while they are open
		}
		b.produce("Paid")
		if round%3 == 2 && len(b.instance) > 1 {
			b.leave()
		}
	}
	b.settledAll()
	if n := enough(); n == 0 {
		b.t.Error("no letter was sent again")
	}
	b.want(rounds)
	for _, p := range b.instance {
		p.stop()
	}
}

// want fails the test unless each ticket was opened once and closed once, and no key is left.
func (b *bills) want(rounds int) {
	b.t.Helper()
	tickets := b.desk.Desk(stubtrengo.Name).Tickets()
	twice, open := 0, 0
	b.mu.Lock()
	for _, ticket := range tickets {
		switch b.closed[ticket.ID] {
		case 0:
			open++
		case 1:
		default:
			twice++
		}
	}
	b.t.Logf("%d pairs over %d keys: %d tickets, %d closes, %d labels refused", rounds*b.keys, b.keys, len(tickets), len(b.closed), len(b.refused))
	b.mu.Unlock()
	if len(tickets) != rounds*b.keys || open > 0 || twice > 0 {
		b.t.Errorf("%d tickets, %d never closed, %d closed more than once; want %d", len(tickets), open, twice, rounds*b.keys)
	}
	labels := 0
	for _, call := range b.desk.Received() {
		if call.Op == "POST /tickets/{id}/labels" && call.Status < 300 {
			labels++
		}
	}
	if labels != len(tickets) {
		b.t.Errorf("%d labels were put on, want one on each ticket", labels)
	}
	left := -1
	defer func() { b.t.Logf("%d keys are left", left) }()
	await(b.t, "no key to be left", func() bool { left = b.keysLeft(); return left == 0 })
}

// keysLeft is how many keys have a record that is not about their removal.
func (b *bills) keysLeft() int {
	b.t.Helper()
	var reader topics.KeyReader
	left := map[string]bool{}
	for _, r := range b.Consume(b.t, b.topic(responsesTopic)+".keys") {
		k, ok := reader.Parse(r)
		if !ok {
			b.t.Fatalf("%s is no key: %s", r.Key, r.Value)
		}
		if left[string(r.Key)] = true; k.Removed {
			delete(left, string(r.Key))
		}
	}
	return len(left)
}
