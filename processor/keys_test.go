//go:build synctests

package processor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/keys"
	"github.com/deskstream/deskstream/sink/topics"
)

const keysTopic = responses + ".keys"

// keyDesk opens and closes tickets. An event Open opens one for its key unless there is one,
// Close closes it.
type keyDesk struct {
	mu     sync.Mutex
	opened map[string]int // tickets by key
	closed map[string]int // how often, by ticket
	notes  map[string]int // by ticket
	n      int
	down   bool
}

func newKeyDesk() *keyDesk {
	return &keyDesk{opened: map[string]int{}, closed: map[string]int{}, notes: map[string]int{}}
}

// RoundTrip makes it an http.RoundTripper.
func (d *keyDesk) RoundTrip(req *http.Request) (*http.Response, error) {
	var body struct{ Key, Ticket string }
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return nil, errors.New("network is down")
	}
	answer := "{}"
	switch req.URL.Path {
	case "/open":
		d.n++
		d.opened[body.Key]++
		answer = fmt.Sprintf(`{"id":"%d"}`, d.n)
	case "/close":
		d.closed[body.Ticket]++
	case "/note":
		d.notes[body.Ticket]++
	}
	return &http.Response{StatusCode: http.StatusCreated, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: req}, nil
}

// check looks whether the desk has opened and closed a ticket once for each of n keys.
func (d *keyDesk) check(t *testing.T, n int) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.opened) != n || d.n != n || len(d.closed) != n {
		t.Errorf("%d tickets of %d keys opened and %d closed, want %d", d.n, len(d.opened), len(d.closed), n)
	}
}

func call(path string, members ...mapping.Member) sink.Call {
	return sink.Call{Op: "POST " + path, Method: http.MethodPost, Path: path, Body: mapping.Obj(members...)}
}

func (d *keyDesk) route() sink.Route {
	r := sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{},
		func(ev mapping.Event) (mapping.Event, error) { return ev, nil }, d.send)
	r.OnRecord = func(string, sink.StepRecord) {}
	return r
}

func (d *keyDesk) send(ctx context.Context, do sink.Doer, ev mapping.Event) (sink.Receipt, error) {
	key := sink.Key{Text: ev.Body.Get("properties", "key").Str(), TTL: 24 * time.Hour}
	named, err := do.FindKey(ctx, key)
	if err != nil {
		return sink.Receipt{}, err
	}
	ticket := named.ID
	if named.Closed && !named.Own {
		ticket = ""
	}
	on := func() mapping.Member { return mapping.Member{Name: "ticket", Value: mapping.Str(ticket)} }
	if ev.Name() == "Close" {
		if ticket == "" {
			return sink.Receipt{}, mapping.TicketNotFound
		}
		if _, err := do.Change(ctx, sink.Change{Step: "close", Call: call("/close", on())}); err != nil {
			return sink.Receipt{}, err
		}
		return sink.Receipt{}, do.RecordKey(ctx, key, sink.KeyedTicket{ID: ticket, Closed: true})
	}
	if named.Own {
		do.Adopt("ticket", map[string]string{"ticket_id": named.ID})
	}
	if ticket != "" && !named.Own {
		_, err = do.Do(ctx, call("/note", on()))
		return sink.Receipt{}, err
	}
	open := call("/open", mapping.Member{Name: "key", Value: mapping.Str(key.Text)})
	open.Unrepeatable = true
	opened, err := do.Once(ctx, sink.Effect{
		Step: "ticket", Call: open,
		Prepare: func(context.Context) error { return nil },
		Mark:    func() sink.Mark { return nil },
		Find:    func(context.Context, sink.Mark) (sink.Sighting, error) { return sink.Sighting{}, nil },
		IDs:     func(r sink.Reply) map[string]string { return map[string]string{"ticket_id": r.JSON().Get("id").Str()} },
	})
	if err != nil {
		return sink.Receipt{}, err
	}
	return sink.Receipt{IDs: opened.IDs}, do.RecordKey(ctx, key, sink.KeyedTicket{ID: opened.IDs["ticket_id"]})
}

// keyed runs a test in a world with keys.
func keyed(t *testing.T, test func(t *testing.T, w *world, d *keyDesk)) {
	t.Helper()
	bubble(t, func(t *testing.T, w *world) {
		d := newKeyDesk()
		w.route = d.route
		w.cfg.Writer.Keys, w.cfg.Writer.KeyPartitions = keysTopic, 4
		test(t, w, d)
	}, kafkatest.Topic(keysTopic, 4, "cleanup.policy", "compact"))
}

func (w *world) startKeyed(d *keyDesk) *instance {
	return w.start(func(_ *processor.Config, c *sink.Config) { c.Transport = d })
}

// sendKey produces an event about a key of a user, to the partition.
func (w *world) sendKey(partition int32, name, user, key string) {
	w.t.Helper()
	w.send(partition, fmt.Appendf(nil, `{"type":"track","event":%q,"userId":%q,"messageId":"m-%d","properties":{"key":%q}}`, name, user, w.sent, key))
}

// records are those of the topic of keys.
func (w *world) records(t *testing.T) (list []topics.KeyRecord) {
	t.Helper()
	var reader topics.KeyReader
	for _, r := range w.kafka.Consume(t, keysTopic) {
		k, ok := reader.Parse(r)
		if !ok {
			t.Fatalf("record %s = %s is none of a key", r.Key, r.Value)
		}
		list = append(list, k)
	}
	return list
}

// left are the keys whose last record is not that they were removed.
func (w *world) left(t *testing.T) map[keys.Name]keys.Entry {
	t.Helper()
	left := map[keys.Name]keys.Entry{}
	for _, k := range w.records(t) {
		if left[k.Name] = k.Entry; k.Removed {
			delete(left, k.Name)
		}
	}
	return left
}

// putKeys writes records to the topic of keys.
func (w *world) putKeys(t *testing.T, list ...topics.KeyRecord) {
	t.Helper()
	for _, k := range list {
		if k.Group == "" {
			k.Group = group
		}
		w.kafka.Produce(t, topics.NewKeyRecord(keysTopic, 4, k))
	}
}

func TestKeys_eachTicketIsOpenedOnceAndClosedOnce(t *testing.T) {
	keyed(t, func(t *testing.T, w *world, d *keyDesk) {
		const users, each = 8, 5
		for round := range 2 {
			name := []string{"Open", "Close"}[round]
			for n := range users * each {
				w.sendKey(int32(n%users%4), name, "u-"+strconv.Itoa(n%users), "k-"+strconv.Itoa(n))
			}
			in := w.startKeyed(d) // each round has another process
			w.settledAll()
			in.check()
			if round == 1 {
				w.eventually("no key is left", func() bool { return len(w.left(t)) == 0 })
			} else if n := len(w.left(t)); n != users*each {
				t.Errorf("%d keys, want %d", n, users*each)
			}
			in.stop()
		}
		d.check(t, users*each)
	})
}

// A later event of the same user in another partition, with another process, finds the ticket.
func TestKeys_areKnownToAllProcesses(t *testing.T) {
	keyed(t, func(t *testing.T, w *world, d *keyDesk) {
		first, second := w.startKeyed(d), w.startKeyed(d)
		w.eventually("both have partitions", func() bool { return first.Figures().Partitions == 2 && second.Figures().Partitions == 2 })
		for n := range 12 {
			key := "k-" + strconv.Itoa(n)
			w.sendKey(int32(n%4), "Open", "u", key)
			w.settledAll()
			w.sendKey(int32((n+1)%4), "Close", "u", key)
			w.settledAll()
		}
		d.check(t, 12)
		w.eventually("no key is left", func() bool { return len(w.left(t)) == 0 })
		first.stop()
		second.stop()
	})
}

// An event whose outcome is not on record finds the ticket that it has closed itself.
func TestKeys_anEventGoesOnWithTheTicketThatItClosed(t *testing.T) {
	keyed(t, func(t *testing.T, w *world, d *keyDesk) {
		w.sendKey(0, "Open", "u", "k")
		in := w.startKeyed(d)
		w.settledAll()
		release := w.kafka.HoldProduce(t, responses)
		w.sendKey(0, "Close", "u", "k")
		w.eventually("the ticket is closed on record", func() bool {
			return slices.ContainsFunc(w.records(t), func(k topics.KeyRecord) bool { return k.Closed })
		})
		d.mu.Lock()
		d.down = true
		d.mu.Unlock()
		in.kill()
		release()
		d.mu.Lock()
		d.down = false
		d.mu.Unlock()
		in = w.startKeyed(d)
		w.settledAll()
		for _, o := range w.outcomes() {
			if o.Outcome != "delivered" {
				t.Errorf("the event at offset %d is %s", o.Source.Offset, o.Outcome)
			}
		}
		d.check(t, 1)
		w.eventually("no key is left", func() bool { return len(w.left(t)) == 0 })
		in.stop()
	})
}

func written(partition int32, offset int64, change func(*topics.KeyRecord)) topics.KeyRecord {
	k := topics.KeyRecord{Name: keys.NameOf(source, "u", "k"), Entry: keys.Entry{
		Ticket: "41", By: keys.Event{Partition: partition, Offset: offset, Epoch: -1}, Claim: keys.Claim{Partition: partition % 3, Number: 10},
	}}
	change(&k)
	return k
}

// What an owner has closed and could not remove any more is removed by the next one, when the
// event's outcome is on record.
func TestKeys_aLaterClaimRemovesWhatWasClosed(t *testing.T) {
	for name, tt := range map[string]struct {
		offset int64
		kept   bool
		left   int
	}{
		"its event is settled":          {offset: 0},
		"it can be reopened":            {offset: 0, kept: true, left: 1},
		"its event may come once again": {offset: 7, left: 1},
	} {
		t.Run(name, func(t *testing.T) {
			keyed(t, func(t *testing.T, w *world, d *keyDesk) {
				w.sendKey(0, "Close", "other", "k")
				in := w.startKeyed(d)
				w.settledAll()
				in.stop()
				w.putKeys(t, written(0, tt.offset, func(k *topics.KeyRecord) { k.Closed, k.Kept = true, tt.kept }))
				in = w.startKeyed(d)
				w.sendKey(0, "Close", "other", "k") // it is claimed
				w.settledAll()
				time.Sleep(time.Minute)
				if n := len(w.left(t)); n != tt.left {
					t.Errorf("%d keys are left, want %d", n, tt.left)
				}
				in.stop()
			})
		})
	}
}

// A key that was not used for its time is removed by the owner of partition 0.
func TestKeys_expire(t *testing.T) {
	keyed(t, func(t *testing.T, w *world, d *keyDesk) {
		w.sendKey(2, "Open", "u", "unused")
		w.sendKey(2, "Open", "u", "used")
		in := w.startKeyed(d)
		w.settledAll()
		time.Sleep(12 * time.Hour)
		w.sendKey(2, "Open", "u", "used") // a note
		w.settledAll()
		time.Sleep(13 * time.Hour)
		left := w.left(t)
		if _, ok := left[keys.NameOf(source, "u", "used")]; !ok || len(left) != 1 {
			t.Errorf("%d keys are left, that which was used: %v", len(left), ok)
		}
		w.sendKey(2, "Open", "u", "unused")
		w.sendKey(2, "Close", "u", "used")
		w.settledAll()
		d.mu.Lock()
		if d.n != 3 || len(d.closed) != 1 {
			t.Errorf("%d tickets, %d closed, want 3 and 1", d.n, len(d.closed))
		}
		d.mu.Unlock()
		in.stop()
	})
}

// What a process writes that has lost its partition counts for nothing, and compaction does not
// leave it.
func TestKeys_aZombieIsIgnored(t *testing.T) {
	keyed(t, func(t *testing.T, w *world, d *keyDesk) {
		w.sendKey(0, "Open", "u", "k")
		in := w.startKeyed(d)
		w.settledAll()
		present := w.left(t)[keys.NameOf(source, "u", "k")]
		zombie := topics.KeyRecord{Name: keys.NameOf(source, "u", "k"), Entry: present}
		zombie.Ticket, zombie.Claim.Number = "999", present.Claim.Number-1
		w.putKeys(t, zombie)
		w.eventually("it is written over", func() bool {
			return w.left(t)[keys.NameOf(source, "u", "k")].Ticket == "1"
		})
		if n := in.Figures().KeyConflicts; n != 1 {
			t.Errorf("%d conflicts, want 1", n)
		}
		zombie.Removed = true
		w.putKeys(t, zombie)
		w.eventually("it is written over again", func() bool { return len(w.left(t)) == 1 })
		w.sendKey(0, "Close", "u", "k")
		w.settledAll()
		w.eventually("no key is left", func() bool { return len(w.left(t)) == 0 })
		d.check(t, 1)
		in.stop()
	})
}

// The next owner writes over what a zombie left.
func TestKeys_aZombiesLastWordIsWrittenOverAtTheNextClaim(t *testing.T) {
	keyed(t, func(t *testing.T, w *world, d *keyDesk) {
		w.putKeys(t, written(1, 5, func(*topics.KeyRecord) {}), written(1, 5, func(k *topics.KeyRecord) { k.Ticket, k.Claim.Number = "999", 9 }))
		in := w.startKeyed(d)
		w.eventually("it is written over", func() bool { return w.left(t)[keys.NameOf(source, "u", "k")].Ticket == "41" })
		in.stop()
	})
}

// A person's keys are gone from the moment that they are removed, whoever wrote them.
func TestKeys_whatIsForgottenIsGone(t *testing.T) {
	keyed(t, func(t *testing.T, w *world, d *keyDesk) {
		w.sendKey(0, "Open", "u", "k")
		in := w.startKeyed(d)
		w.settledAll()
		w.putKeys(t, topics.KeyRecord{Name: keys.NameOf(source, "u", "k"), Removed: true, Forced: true})
		w.eventually("it is forgotten", func() bool { return in.Figures().Keys == 0 })
		w.sendKey(0, "Close", "u", "k")
		w.settledAll()
		if d.closed["1"] != 0 || len(w.left(t)) != 0 {
			t.Error("the key is still known")
		}
		in.stop()
	})
}

// The topic may be deleted and recreated: the keys that are known are written to the new one.
func TestKeys_aTopicThatIsRecreatedGetsThemAgain(t *testing.T) {
	keyed(t, func(t *testing.T, w *world, d *keyDesk) {
		for n := range 6 {
			w.sendKey(int32(n%3), "Open", "u", "k-"+strconv.Itoa(n))
		}
		in := w.startKeyed(d)
		w.settledAll()
		if _, err := w.kafka.Admin(t).DeleteTopics(t.Context(), keysTopic); err != nil {
			t.Fatal(err)
		}
		if _, err := w.kafka.Admin(t).CreateTopic(t.Context(), 4, 1, map[string]*string{"cleanup.policy": new("compact")}, keysTopic); err != nil {
			t.Fatal(err)
		}
		w.sendKey(0, "Open", "v", "another")
		w.settledAll()
		w.eventually("all are there", func() bool { return len(w.left(t)) == 7 })
		in.stop()
	})
}
