package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// runToTheEnd lets an instance deliver all that there is and gives its log.
func (w *world) runToTheEnd(path string, args ...string) string {
	w.t.Helper()
	p := w.start(path, args...)
	p.awaitLog("partitions assigned") // there may be nothing to deliver
	w.awaitCommitted(p)
	p.stop()
	return p.stderr.String()
}

// remake deletes a topic and recreates it.
func (w *world) remake(name string, partitions int32) {
	w.t.Helper()
	admin := w.Admin(w.t)
	if _, err := admin.DeleteTopic(w.t.Context(), w.topic(name)); err != nil {
		w.t.Fatalf("deleting %s: %v", name, err)
	}
	await(w.t, "the topic to be recreated", func() bool {
		_, err := admin.CreateTopic(w.t.Context(), partitions, -1, nil, w.topic(name))
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			w.t.Fatalf("making %s anew: %v", name, err)
		}
		return err == nil
	})
	if name == eventsTopic {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sources = partitions
		clear(w.written)
	}
}

// commit commits offsets for a group as an operator does: with metadata of any kind and
// without being a member.
func (w *world) commit(destination, metadata string, at map[int32]int64) {
	w.t.Helper()
	offsets := make(kadm.Offsets)
	for id, offset := range at {
		offsets.Add(kadm.Offset{Topic: w.topic(eventsTopic), Partition: id, At: offset, LeaderEpoch: -1, Metadata: metadata})
	}
	// A group is empty a moment after its last member said that it leaves.
	await(w.t, "the group to be empty", func() bool {
		err := w.Admin(w.t).CommitAllOffsets(w.t.Context(), w.group(destination), offsets)
		if err != nil && !errors.Is(err, kerr.UnknownMemberID) && !errors.Is(err, kerr.RebalanceInProgress) {
			w.t.Fatalf("committing for %s: %v", destination, err)
		}
		return err == nil
	})
}

// setTopic changes settings of a topic, which are pairs of a name and a value.
func (w *world) setTopic(name string, settings ...string) {
	w.t.Helper()
	var changes []kadm.AlterConfig
	for i := 0; i+1 < len(settings); i += 2 {
		changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: settings[i], Value: &settings[i+1]})
	}
	changed, err := w.Admin(w.t).AlterTopicConfigs(w.t.Context(), changes, w.topic(name))
	if err == nil {
		_, err = changed.On(w.topic(name), func(r *kadm.AlterConfigsResponse) error { return r.Err })
	}
	if err != nil {
		w.t.Fatalf("changing the settings of %s: %v", name, err)
	}
}

// onePartition is the shape of a world in which all events are in order.
func onePartition(o worldOptions) worldOptions {
	o.sources, o.others = 1, 1
	return o
}

// withStates has an instance create the topic of the letters' states.
func (w *world) withStates() []string {
	w.t.Cleanup(func() {
		_, _ = w.Admin(w.t).DeleteTopics(context.WithoutCancel(w.t.Context()), w.topic(lettersTopic)+".state")
	})
	return []string{"--create-topics"}
}

// produceAt is produce with a timestamp.
func (w *world) produceAt(n int, at time.Time) {
	w.t.Helper()
	records := w.events(n, each(n))
	for _, r := range records {
		r.Timestamp = at
	}
	w.Produce(w.t, records...)
	w.remember(records)
}

// forget has the world know no event: what it is asked next is of those that come.
func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forgotten += len(w.place)
	w.place = make(map[string]place)
}

// wantWritesOf fails the test unless each remembered event was written once at each help desk.
func (w *world) wantWritesOf(what string) {
	w.t.Helper()
	for _, destination := range []string{inbox, crm} {
		times := w.timesWritten(destination)
		for mark := range w.place {
			if n := times[mark]; n != 1 {
				w.t.Errorf("%s: %s was written %d times at %s, want once", what, mark, n, destination)
			}
		}
	}
}

// timesWritten is how often each event was written at a destination: of several
// calls that it causes, the one that was made most often counts. Calls that were refused for
// their credentials wrote nothing.
func (w *world) timesWritten(destination string) map[string]int {
	type write struct{ op, mark string }
	times, most := make(map[write]int), make(map[string]int)
	for _, c := range w.writes() {
		if c.Destination == destination && c.Status != http.StatusUnauthorized {
			key := write{c.Op, c.Mark}
			times[key]++
			most[c.Mark] = max(most[c.Mark], times[key])
		}
	}
	return most
}

// A topic is deleted and created again. Its first records have the offsets of others that
// were delivered, and die: their letters are letters to send, and tell their own story.
func lettersOfARecreatedTopic(t *testing.T, o worldOptions) {
	w := newWorld(t, onePartition(o))
	plain := w.config(settings{reserve: 0.5})
	old := w.config(settings{reserve: 0.5, delivery: "      max_age: 1h\n"})
	w.produce(3, each(3))
	w.runToTheEnd(plain, w.withStates()...)
	w.remake(eventsTopic, 1)
	w.forget()
	w.produceAt(3, time.Now().Add(-2*time.Hour))
	w.runToTheEnd(old)
	w.command("dlq", "list", "-c", plain).want(exitOK, "3 letters", "")
	plan := filepath.Join(t.TempDir(), "p.json")
	w.command("dlq", "plan", "--every", "-c", plain, "-o", plan).want(exitOK, "6 letters: 6 send", "")
	w.command("audit", "-c", plain).want(exitOK, "0 missing, 0 conflicting", "")
	listed := w.command("dlq", "list", "-c", plain, "--json")
	var list struct {
		Data struct {
			Groups []struct{ Sample struct{ ID string } }
		}
	}
	if err := json.Unmarshal([]byte(listed.stdout.String()), &list); err != nil || len(list.Data.Groups) == 0 {
		t.Fatalf("%v: %s", err, listed.stdout.String())
	}
	shown := w.command("dlq", "show", "-c", plain, list.Data.Groups[0].Sample.ID)
	shown.want(exitOK, "expired too_old", "")
	if text := shown.stdout.String(); strings.Contains(text, "POST") || strings.Count(text, "round 0 at") != 1 {
		t.Errorf("the letter tells the story of another event:\n%s", text)
	}
	w.command("dlq", "apply", "-c", plain, plan).want(exitOK, "6 delivered", "")
	w.wantWritesOf("after the letters were sent")
	w.command("audit", "-c", plain).want(exitOK, "0 missing, 0 conflicting", "")
}

// A letter that was discarded hides no letter of the record that has its offset later.
func aDiscardedLetterHidesNoOther(t *testing.T, o worldOptions) {
	w := newWorld(t, onePartition(o))
	path := w.config(settings{reserve: 0.5})
	bad := func(text string) { w.Produce(t, &kgo.Record{Topic: w.topic(eventsTopic), Value: []byte(text)}) }
	bad("not json")
	w.runToTheEnd(path, w.withStates()...)
	plan := filepath.Join(t.TempDir(), "p.json")
	w.command("dlq", "plan", "--every", "-c", path, "-o", plan).want(exitOK, "2 letters", "")
	w.command("dlq", "discard", "-c", path, plan, "--yes", "--reason", "nobody needs it").want(exitOK, "2 ", "")
	w.remake(eventsTopic, 1)
	bad("not json either")
	w.runToTheEnd(path)
	w.command("dlq", "list", "-c", path).want(exitOK, "1 letter ", "")
}

// What MirrorMaker 2 brings from another cluster under the same names settles nothing here.
func outcomesOfAMirrorSettleNothing(t *testing.T, o worldOptions) {
	w := newWorld(t, onePartition(o))
	path := w.config(settings{})
	w.produce(5, each(5))
	w.runToTheEnd(path)
	w.forget()
	refuse := func(stub.Call) int { return http.StatusUnauthorized }
	w.desk.Desk(stubtrengo.Name).SetOutage(refuse)
	w.desk.Desk(stubkustomer.Name).SetOutage(refuse)
	w.produce(5, each(5))
	p := w.start(path)
	p.awaitLog("hold")
	p.stop()
	for _, r := range outcomeRecords(w.Consume(t, w.topic(responsesTopic))) { // of offsets 0 to 4
		c := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			switch h.Key {
			case "deskstream.source":
				at := strings.Split(string(h.Value), "/")
				at[2] = fmt.Sprint(at[2][0] - '0' + 5)
				h.Value = []byte(strings.Join(at, "/"))
			case "deskstream.source.topic_id":
				h.Value = []byte("AQIDBAUGBwgJCgsMDQ4PEA")
			case "deskstream.cluster":
				h.Value = []byte("another-cluster")
			}
			c.Headers = append(c.Headers, h)
		}
		w.Produce(t, c)
	}
	w.desk.Desk(stubtrengo.Name).SetOutage(nil)
	w.desk.Desk(stubkustomer.Name).SetOutage(nil)
	w.runToTheEnd(path)
	w.wantWritesOf("beside the outcomes of a mirror")
	w.command("audit", "-c", path).want(exitOK, "0 missing, 0 conflicting", "")
}

// The offsets of a topic that was deleted, committed for the topic that has its name now.
func staleOffsetsAreNotBelieved(t *testing.T, o worldOptions) {
	w := newWorld(t, onePartition(o))
	path := w.config(settings{})
	w.produce(40, each(10))
	w.runToTheEnd(path)
	stale := map[string]kadm.Offset{}
	for _, destination := range []string{inbox, crm} {
		stale[destination] = w.Committed(t, w.group(destination), w.topic(eventsTopic))[0]
	}
	w.remake(eventsTopic, 1)
	w.forget()
	w.produce(60, each(10))
	for destination, at := range stale {
		w.commit(destination, at.Metadata, map[int32]int64{0: at.At})
	}
	log := w.runToTheEnd(path)
	w.wantWritesOf("of the new topic")
	if n := strings.Count(log, "committed offset is of an earlier topic of this name"); n != 2 {
		t.Errorf("the log says %d times that an offset is of an earlier topic, want once for each destination:\n%s", n, log)
	}
}

const latestStart = "  start: latest\n"

// Partitions that are added before the members hear of them, and before a restart.
func addedPartitionsLoseNothing(t *testing.T, o worldOptions, source string) {
	w := newWorld(t, onePartition(o))
	path := w.config(settings{source: latestStart + source})
	w.produce(10, each(10)) // the backlog
	p := w.start(path)
	w.awaitStart(p)
	w.forget()
	w.produce(5, each(5))
	w.awaitCommitted(p)
	w.addPartitions(2)
	w.produce(10, each(10))
	p.stop()
	w.addPartitions(3)
	w.produce(10, each(10))
	w.runToTheEnd(path)
	w.wantWritesOf("with partitions added")
	if n := len(w.writes()); n > 3*25 { // a contact, a ticket and an event each
		t.Errorf("%d writes for 25 events: of the backlog, too", n)
	}
}

// awaitStart waits until the groups have committed where they begin.
func (w *world) awaitStart(p *process) {
	w.t.Helper()
	for _, destination := range []string{inbox, crm} {
		await(w.t, "the start of "+destination, func() bool {
			p.alive()
			return len(w.Committed(w.t, w.group(destination), w.topic(eventsTopic))) == int(w.sources)
		})
	}
}

// A record whose clock was ahead makes the records after it no news.
func latestIgnoresClocks(t *testing.T, o worldOptions) {
	w := newWorld(t, onePartition(o))
	w.produce(10, each(10))
	w.produceAt(1, time.Now().Add(30*time.Minute))
	w.produce(89, each(10))
	p := w.start(w.config(settings{source: latestStart}))
	w.awaitStart(p)
	w.forget()
	w.produce(5, each(5))
	w.awaitCommitted(p)
	p.stop()
	w.wantWritesOf("after the start")
	if n := len(w.writes()); n > 3*5 {
		t.Errorf("%d writes for 5 events: of the backlog, too", n)
	}
}

// Records with the timestamps -1 and 0 are of no age.
func unknownTimestampsDoNotExpire(t *testing.T, o worldOptions) {
	w := newWorld(t, onePartition(o))
	w.setTopic(eventsTopic, "retention.ms", "-1") // for Kafka they are of 1970
	w.produceAt(3, time.UnixMilli(-1))
	w.produceAt(3, time.UnixMilli(0))
	w.runToTheEnd(w.config(settings{delivery: "      max_age: 1h\n"}))
	w.wantWritesOf("without a timestamp")
	if n := w.ends(lettersTopic); n != 0 {
		t.Errorf("%d dead letters, want none", n)
	}
}

// startTogether starts two instances on a new group with a backlog.
func startTogether(t *testing.T, o worldOptions, source string) {
	if o.sources == 0 {
		o.sources, o.others = 4, 2
	}
	w := newWorld(t, o)
	w.produce(200, each(40)) // the backlog
	path := w.config(settings{source: latestStart + source})
	first, second := w.start(path), w.start(path)
	w.awaitStart(first)
	backlog := w.place
	w.forget()
	w.produce(100, each(40))
	w.awaitCommitted(first)
	first.stop()
	second.stop()
	w.wantWritesOf("after the start")
	for _, c := range w.writes() {
		if _, old := backlog[c.Mark]; old {
			t.Errorf("%s of the backlog was delivered", c.Mark)
		}
	}
}
