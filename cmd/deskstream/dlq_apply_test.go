package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// clinic is a cluster with letters, a help desk without customers, and a file for both.
type clinic struct {
	*box
	plan string

	// before, if set, is called with the body of each write.
	before func(body string)

	mu     sync.Mutex
	status int  // of writes, 0 for 201
	known  bool // every customer is
	writes []string
}

func newClinic(t *testing.T, opts ...kafkatest.Option) *clinic {
	t.Helper()
	c := &clinic{plan: filepath.Join(t.TempDir(), "plan.json")}
	server := httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(server.Close)
	b := newBox(t, append(opts, kafkatest.Topic(lettersTopic, 2), kafkatest.Topic(responsesTopic, 2),
		kafkatest.Topic(lettersTopic+".state", 2, "cleanup.policy", "compact"))...)
	b.file = withBrokers(t, deskConfig(t, server.URL, "crm"), b.Brokers)
	c.box = b
	return c
}

func (c *clinic) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body, _ := io.ReadAll(r.Body)
	if c.before != nil && r.Method != http.MethodGet {
		c.before(string(body))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Method == http.MethodGet {
		if !c.known {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"errors":[{"title":"nobody"}]}`)
			return
		}
		fmt.Fprint(w, `{"data":{"id":"5f0000000000000000000001","attributes":{}}}`)
		return
	}
	if c.status != 0 {
		w.WriteHeader(c.status)
		fmt.Fprint(w, `{"errors":[{"title":"no"}]}`)
		return
	}
	c.writes = append(c.writes, string(body))
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, `{"data":{"id":"5f0000000000000000000001"}}`)
}

func (c *clinic) answer(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

func (c *clinic) know(all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = all
}

func (c *clinic) wantWrites(n int) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.writes) != n {
		c.t.Errorf("%d writes arrived, want %d: %q", len(c.writes), n, c.writes)
	}
}

// wants runs a dlq command and looks at what it says.
func (c *clinic) wants(code int, stdout, stderr string, args ...string) result {
	c.t.Helper()
	got := c.dlq(args...)
	got.wantAll(c.t, code, stdout, stderr)
	return got
}

// states are the letters' states by id, and the newest letters of the topic.
func (c *clinic) states() letters.States {
	c.t.Helper()
	states := letters.States{}
	for _, r := range c.Consume(c.t, lettersTopic+".state") {
		if origin := states.Take(r); origin != letters.Ours {
			c.t.Fatalf("a state of the topic is of origin %d", origin)
		}
	}
	return states
}

func idOf(n int) string { return fmt.Sprintf("%032x", n) }

func userLetter(n int, user string) *kgo.Record {
	r := ownLetter(n, "dlq.lane", user, "dlq.event.type", "identify")
	r.Value = fmt.Appendf(nil, `{"type":"identify","messageId":"m-%d","userId":%q,"traits":{"name":"N%d"}}`, n, user, n)
	r.Key = []byte(user)
	return r
}

func TestDLQApply_stopsBehindACanaryThatFailsAndKeepsTheFirstOrigin(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	for n := range 20 {
		c.Produce(t, userLetter(n, fmt.Sprintf("u-%d", n)))
	}
	c.wants(exitOK, "20 letters: 20 send", "", "plan", "--every", "-o", c.plan)
	c.answer(http.StatusUnprocessableEntity)
	c.wants(exitFault, "1 died again", "too many letters failed: 1 of 1 sent", "apply", c.plan)
	all := c.Consume(t, lettersTopic)
	if len(all) != 21 {
		t.Fatalf("%d letters are there, want 21", len(all))
	}
	var again letters.Letter
	for _, r := range all {
		if l := letters.Parse(r); l.Round == 1 {
			again = l
		}
	}
	if again.Source.Topic != "events" || again.Source.Partition != 3 || again.Source.Offset != 0 || again.Code != "http_422" || !again.Own() {
		t.Errorf("the letter of round 1 is %+v", again)
	}
	if got := c.states()[mustKey(t, idOf(0))]; got.Status != letters.Died || got.Next != again.ID || got.Round != 1 {
		t.Errorf("the state of the first letter is %+v, want dead with its new letter %s", got, again.ID)
	}
	c.wants(exitOK, "20 letters, 2 causes", "1 letter closed", "list")
	c.wants(exitOK, "19 send", "", "plan", "--every", "--max-rounds", "1", "-o", c.plan)
	c.wants(exitOK, "1 max_rounds, 19 send", "", "plan", "--every", "--max-rounds", "1", "-o", c.plan)
	c.answer(0)
	c.wants(exitOK, "19 delivered", "", "apply", c.plan)
	c.wantWrites(19)
	c.wants(exitOK, "1 letter: 1 send", "", "plan", "--every", "-o", c.plan)
	c.wants(exitOK, `,"letters":1,"delivered":1,"skipped":0,"settled":0,"unneeded":0,"died":0,"open":0}}`, "", "apply", c.plan, "--json")
	for _, r := range outcomeRecords(c.Consume(t, responsesTopic)) {
		var o struct {
			Round int
			Event struct{ ID string }
		}
		if err := json.Unmarshal(r.Value, &o); err != nil || o.Round < 1 || o.Round > 2 {
			t.Errorf("an outcome has round %d: %v", o.Round, err)
		}
	}
}

func mustKey(t *testing.T, id string) letters.Key {
	t.Helper()
	key, ok := letters.KeyOf(id)
	if !ok {
		t.Fatalf("%q is no id", id)
	}
	return key
}

func TestDLQApply_refusesWhatIsNoLongerThePlan(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, userLetter(1, "u-1"), userLetter(2, "u-1"), userLetter(3, "u-2"))
	c.wants(exitOK, "1 behind, 2 send", "", "plan", "--every", "-o", c.plan)
	b := *c.box
	b.file = writeFile(t, "other.yaml", strings.Replace(readFile(t, c.file), "type: kustomer\n", "type: kustomer\n    events: [track]\n", 1))
	b.dlq("apply", c.plan).wantAll(t, exitFault, "2 changed since the plan, 1 after an open letter of their user", "what would be sent is no longer what was planned")
	c.know(true) // somebody made the customers meanwhile
	c.wants(exitFault, "2 changed since the plan, 1 after an open letter", "", "apply", c.plan)
	c.wantWrites(0)
	c.know(false)
	c.wants(exitOK, "3 delivered", "", "apply", c.plan)
	c.wantWrites(3)
}

// What a letter behind another of its user gives is not looked up when planning: the
// digest of its mapping alone tells that the settings are not those of the plan.
func TestDLQApply_refusesALetterBehindThatMapsOtherwise(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	track := ownLetter(2, "dlq.lane", "u-1")
	track.Key, track.Value = []byte("u-1"), []byte(`{"type":"track","event":"Done","messageId":"m-2","userId":"u-1"}`)
	c.Produce(t, userLetter(1, "u-1"), track)
	c.wants(exitOK, "1 behind, 1 send", "", "plan", "--every", "-o", c.plan)
	b := *c.box
	b.file = writeFile(t, "other.yaml", strings.Replace(readFile(t, c.file), "type: kustomer\n", "type: kustomer\n    events: [identify]\n", 1))
	b.dlq("apply", c.plan).wantAll(t, exitFault, "1 delivered, 1 changed since the plan", "letter "+idOf(2)+" of crm: what would be sent is no longer what was planned")
	if got := c.states().Status(idOf(2)); got != letters.Open {
		t.Errorf("the letter behind is %s, want open", got)
	}
}

func TestDLQPlan_leavesOutWhatALaterIdentifyMadeUseless(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	track := ownLetter(4, "dlq.lane", "u-1")
	track.Value = []byte(`{"type":"track","event":"Done","messageId":"m-4","userId":"u-1"}`)
	c.Produce(t, userLetter(1, "u-1"), userLetter(2, "u-2"), userLetter(3, "u-3"), track)
	for _, o := range []struct{ source, outcome, round, key, typ string }{
		{"events/3/9", "delivered", "0", "u-1", "identify"}, // supersedes 1, and never a track
		{"events/3/8", "delivered", "0", "u-2", "track"},    // supersedes nothing
		{"events/3/7", "dead", "0", "u-2", "identify"},      // nor does one that died
		{"events/3/0", "delivered", "0", "u-2", "identify"}, // nor an earlier one
		{"events/4/9", "delivered", "0", "u-2", "identify"}, // nor one of another lane
		{"events/3/3", "delivered", "0", "u-3", "identify"}, // 3 arrived by itself
	} {
		r := outcomeRecord(o.source, o.outcome, o.round, fmt.Sprintf(`{"event":{"type":%q},"outcome":%q}`, o.typ, o.outcome))
		r.Key = []byte(o.key)
		c.Produce(t, r)
	}
	c.wants(exitOK, "4 letters: 1 delivered, 2 send, 1 superseded", "", "plan", "--every")
	c.wants(exitOK, "4 letters: 1 behind, 1 delivered, 2 send", "", "plan", "--every", "--superseded", "-o", c.plan)
}

func TestDLQPlan_saysWhyALetterIsLeftOut(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, ownLetter(1, "dlq.source.group", "other.crm"), ownLetter(2, "dlq.destination", "gone"), ownLetter(3, "dlq.version", "8"),
		&kgo.Record{Topic: lettersTopic, Value: []byte("x")},
		&kgo.Record{Topic: lettersTopic, Headers: recordHeaders("__dlq.errors.topic", "events", "__dlq.errors.partition", "1", "__dlq.errors.offset", "2")},
		&kgo.Record{Topic: lettersTopic, Value: []byte(identify("m-9")), Headers: recordHeaders("__connect.errors.topic", "events")})
	mirrored := ownLetter(7)
	mirrored.Headers = append(mirrored.Headers, recordHeaders("dlq.source.cluster", "another")...)
	c.Produce(t, mirrored)
	got := c.wants(exitOK, "7 letters: 1 cluster, 2 destination, 1 group, 1 no_record, 2 unreadable", "", "plan", "--every")
	for _, text := range []string{
		"it is of group other.crm, this configuration's is deskstream.crm", "no destination is called gone in the configuration",
		`dlq.version is "8", which this program does not know`, "no dead-letter header that is known",
		"its record at events/1/2 is gone: there is no topic events on this cluster", "a letter of connect names no destination: choose one with --to",
		"its event was read on cluster another: plan there",
	} {
		got.wantAll(t, exitOK, text, "")
	}
}

func TestDLQApply_refusesPlansThatDoNotFit(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, userLetter(1, "u-1"))
	c.wants(exitOK, "1 send", "", "plan", "--every", "-o", c.plan)
	text := readFile(t, c.plan)

	edited := writeFile(t, "edited.json", strings.Replace(text, `"round": 1`, `"round": 2`, 1))
	c.wants(exitUsage, "", "it was edited: its seal does not fit", "apply", edited)
	c.wants(exitUsage, "", "it is no plan of dlq plan", "apply", c.file)
	c.wants(exitUsage, "", "reading the plan", "apply", c.plan+".x")
	c.wants(exitUsage, "", "--reason is required", "discard", c.plan)

	remade := newClinic(t)
	remade.wants(exitUsage, "", "the plan is refused: topic "+lettersTopic+" has been deleted and recreated", "apply", c.plan)

	elsewhere := newClinic(t, kafkatest.Fake(kfake.ClusterID("another")))
	elsewhere.Produce(t, userLetter(1, "u-1"))
	elsewhere.wants(exitUsage, "", `the plan is refused: it is of cluster "kfake", this is "another"`, "apply", c.plan)
	elsewhere.wants(exitUsage, "", `it is of cluster "kfake", this is "another"`, "discard", c.plan, "--yes", "--reason", "x")
	elsewhere.wantWrites(0)

	if _, err := c.Admin(t).DeleteRecords(t.Context(), offsetsTo(lettersTopic, 1)); err != nil {
		t.Fatal(err)
	}
	c.wants(exitUsage, "", "letter "+idOf(1)+" has expired", "apply", c.plan)
	c.wantWrites(0)
	if err := os.Remove(c.plan); err != nil {
		t.Fatal(err)
	}
}

func TestDLQApply_needsATopicForTheStates(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	foreign := &kgo.Record{
		Topic: "orders-dlt", Value: []byte(identify("m-1")), Headers: recordHeaders("kafka_dlt-original-topic", "orders",
			"kafka_dlt-original-partition", "\x00\x00\x00\x03", "kafka_dlt-original-offset", "\x00\x00\x00\x00\x00\x00\x00\x76", "kafka_dlt-exception-fqcn", "E"),
	}
	if err := c.CreateTopic("orders-dlt", 2, nil); err != nil {
		t.Fatal(err)
	}
	c.Produce(t, foreign)
	c.wants(exitOK, "names no destination: choose one with --to", "", "plan", "--every", "--topic", "orders-dlt")
	c.wants(exitOK, "1 letter: 1 send", "", "plan", "--every", "--topic", "orders-dlt", "--to", "crm", "-o", c.plan)
	c.wants(exitFault, "", "topic orders-dlt.state does not exist", "apply", c.plan)
	c.wants(exitOK, "1 delivered", "", "apply", "--create-topics", c.plan)
	c.wantWrites(1)
	var o struct {
		Source struct {
			Topic     string
			Partition int32
			Offset    int64
		}
	}
	if err := json.Unmarshal(outcomeRecords(c.Consume(t, responsesTopic))[0].Value, &o); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("orders/3/118", fmt.Sprintf("%s/%d/%d", o.Source.Topic, o.Source.Partition, o.Source.Offset)); diff != "" {
		t.Errorf("the outcome's source (-want +got):\n%s", diff)
	}
	c.wants(exitOK, "0 letters", "1 letter closed", "list", "--topic", "orders-dlt")
}

// One record of another program on the state topic stopped all commands for good.
func TestDLQ_aForeignStateIsLeftOutAndSaid(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, userLetter(1, "u-1"))
	c.Produce(t, &kgo.Record{Topic: lettersTopic + ".state", Key: []byte("foreign"), Value: []byte("hello")},
		&kgo.Record{Topic: lettersTopic + ".state", Key: []byte("foreign")},
		&kgo.Record{Topic: lettersTopic + ".state", Key: []byte(idOf(2)), Value: fmt.Appendf(nil, `{"id":%q,"status":"delivered","schema":9}`, idOf(2))})
	for _, command := range [][]string{{"list"}, {"plan", "--every"}} {
		got := c.wants(exitOK, "", "2 records of "+lettersTopic+".state not the state of a letter", command...)
		got.wantAll(t, exitOK, "1 letter", "1 record of "+lettersTopic+".state written by a newer version of deskstream")
	}
}

func TestDLQApply_doesNotSendAgainWhatOnlyLacksItsState(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, userLetter(1, "u-1"))
	c.wants(exitOK, "1 send", "", "plan", "--every", "-o", c.plan)
	// An apply was killed between its outcome and the letter's state.
	c.Produce(t, outcomeRecord("events/3/1", "delivered", "1", `{"event":{"type":"identify"},"outcome":"delivered"}`))
	c.wants(exitOK, "1 applied", "", "plan", "--every")
	c.wants(exitOK, "1 sent by an earlier apply", "", "apply", c.plan)
	c.wantWrites(0)
	if got := c.states().Status(idOf(1)); got != letters.Delivered {
		t.Errorf("the state is %s, want delivered", got)
	}
}

// A letter whose lookup gets no answer is neither what was planned nor another: it stays open.
func TestDLQApply_leavesLettersOpenWhenTheHelpDeskAnswersNoLookups(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	for i := range 3 {
		p.Produce(t, p.letter(i+1, "inbox", fmt.Sprintf("u-%d", i)))
	}
	p.wants(exitOK, "3 send", "", "plan", "--every", "-o", p.plan)
	p.desk.Desk(stubtrengo.Name).SetOutage(func(stub.Call) int { return http.StatusServiceUnavailable })
	got := p.wants(exitFault, "1 failing, 2 not sent", "the help desk answers no lookups, the letter stays open: exhausted http_503", "apply", p.plan)
	got.wantAll(t, exitFault, "", "too many letters failed: 1 of 1 sent")
	if states := p.Consume(t, lettersTopic+".state"); len(states) > 0 {
		t.Errorf("%d states were written for letters that were not sent", len(states))
	}
	p.desk.Desk(stubtrengo.Name).SetOutage(nil)
	p.wants(exitOK, "3 delivered", "", "apply", p.plan)
}
