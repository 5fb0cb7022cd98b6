package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

// post is a cluster with letters for a stub desk, both help desks of which are
// destinations.
type post struct {
	*box
	desk *stub.Server
	plan string
	// arrived, if set, is called with the number of each call that arrives.
	arrived func(n int)
}

func newPost(t *testing.T, rate string) *post {
	t.Helper()
	p := &post{desk: stub.New(stub.Config{}, stubtrengo.New(nil), stubkustomer.New()), plan: filepath.Join(t.TempDir(), "plan.json")}
	var n atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := n.Add(1); p.arrived != nil {
			p.arrived(int(n))
		}
		p.desk.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.box = newBox(t, kafkatest.Topic(lettersTopic, 2), kafkatest.Topic(responsesTopic, 2),
		kafkatest.Topic(lettersTopic+".state", 2, "cleanup.policy", "compact"))
	p.file = withBrokers(t, writeFile(t, "post.yaml", fmt.Sprintf(`
destinations:
  - name: inbox
    type: trengo
    trengo: {api_token: 0123456789abcdef, channel_id: "123456", create_contact: true, base_url: %q,
      event_templates: [{event: Done, template: Done}]}
    delivery: {rate_limit: {%s}, retry: {initial: 10ms}}
  - name: crm
    type: kustomer
    kustomer: {api_key: fedcba9876543210, base_url: %q}
    delivery: {rate_limit: {%s}, retry: {initial: 10ms}}
`, server.URL+stubtrengo.Path, rate, server.URL+stubkustomer.Path, rate)), p.Brokers)
	return p
}

// letter is the n-th letter, of an event of the user.
func (p *post) letter(n int, destination, user string) *kgo.Record {
	value := `{"type":"track","event":"Done","messageId":"m-%d","userId":%q,"context":{"traits":{"email":"%s@example.com"}}}`
	if destination == "crm" {
		value = `{"type":"identify","messageId":"m-%d","userId":%q,"traits":{"email":"%s@example.com"}}`
	}
	r := ownLetter(n, "dlq.lane", user, "dlq.destination", destination, "dlq.source.group", "deskstream."+destination)
	r.Key, r.Value = []byte(user), fmt.Appendf(nil, value, n, user, user)
	return r
}

// write writes n letters of both destinations, of so many users in turn.
func (p *post) write(n, users int) {
	p.t.Helper()
	for i := range n {
		destination, user := []string{"inbox", "crm"}[i%2], fmt.Sprintf("u-%d", i/2%users)
		p.Produce(p.t, p.letter(i+1, destination, user))
	}
}

// lookups counts the lookups that arrived, by what they look for.
func (p *post) lookups() map[string]int {
	counts := map[string]int{}
	for _, c := range p.desk.Received() {
		if c.Method == http.MethodGet {
			counts[c.Path+"?"+c.Query]++
		}
	}
	return counts
}

// wantOnce fails the test when anything was looked up more than once.
func (p *post) wantOnce(lookups int) {
	p.t.Helper()
	counts := p.lookups()
	for what, n := range counts {
		if n > 1 {
			p.t.Errorf("%s was looked up %d times", what, n)
		}
	}
	if len(counts) != lookups {
		p.t.Errorf("%d lookups, want %d", len(counts), lookups)
	}
}

func (p *post) wants(code int, stdout, stderr string, args ...string) result {
	p.t.Helper()
	got := p.dlq(args...)
	got.wantAll(p.t, code, stdout, stderr)
	return got
}

// planned reads the plan file.
func (p *post) planned() *letters.Plan {
	p.t.Helper()
	plan, err := letters.ReadPlan([]byte(readFile(p.t, p.plan)))
	if err != nil {
		p.t.Fatal(err)
	}
	return plan
}

// plenty is a rate that never binds.
const plenty = "requests: 100000000"

func TestDLQ_eachAddressIsLookedUpOnceByPlanAndOnceByApply(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	p.write(120, 6)
	p.wants(exitOK, "120 letters: 108 behind, 12 send", "", "plan", "--every", "-o", p.plan)
	p.wantOnce(6 + 2*6) // at Kustomer by e-mail and by the user's id
	p.desk.Reset()
	p.wants(exitOK, "120 delivered", "", "apply", p.plan)
	p.wantOnce(6 + 2*6 + 1) // and the newest tickets, before the first is put on record
}

func TestDLQ_knownAddressesAreLookedUpOnceToo(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	p.write(12, 6)
	p.wants(exitOK, "12 send", "", "plan", "--every", "-o", p.plan)
	p.wants(exitOK, "12 delivered", "", "apply", p.plan)
	made := p.lookups()
	for i := range 108 {
		destination, user := []string{"inbox", "crm"}[i%2], fmt.Sprintf("u-%d", i/2%6)
		p.Produce(t, p.letter(i+13, destination, user))
	}
	p.wants(exitOK, "behind", "", "plan", "--every", "-o", p.plan)
	for what, n := range p.lookups() {
		if n -= made[what]; n > 1 {
			t.Errorf("%s was looked up %d times by the second plan", what, n)
		}
	}
}

// What a letter behind another of its user finds is what that one has made.
func TestDLQApply_aLetterBehindFindsWhatTheOneBeforeHasMade(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	noCreate := strings.Replace(readFile(t, p.file), "create_contact: true", "create_contact: false", 1)
	p.file = writeFile(t, "nocreate.yaml", noCreate)
	first := p.letter(1, "inbox", "u-1")
	first.Value = []byte(`{"type":"identify","messageId":"m-1","userId":"u-1","traits":{"email":"u-1@example.com","name":"U"}}`)
	p.Produce(t, first, p.letter(2, "inbox", "u-1"), p.letter(3, "inbox", "u-1"))
	p.wants(exitOK, "2 behind, 1 send", "", "plan", "--every", "-o", p.plan)
	p.wants(exitOK, "3 delivered", "", "apply", p.plan)
}

// Two lanes of one address: what the first has changed is looked up for the second.
func TestDLQApply_looksAgainForALetterOfAnAddressThatItHasSentTo(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	other := p.letter(2, "crm", "u-2")
	other.Value = []byte(`{"type":"identify","messageId":"m-2","userId":"u-2","traits":{"email":"u-1@example.com"}}`)
	p.Produce(t, p.letter(1, "crm", "u-1"), other)
	p.wants(exitOK, "2 send", "", "plan", "--every", "-o", p.plan)
	// Both were to create a customer; now the second would change the first one's.
	p.wants(exitFault, "1 delivered, 1 changed since the plan", "what would be sent is no longer what was planned", "apply", p.plan)
}

func TestDLQPlan_toDiscardAsksNobody(t *testing.T) {
	t.Parallel()
	p := newPost(t, "requests: 1, per: 1h, reserve: 0")
	p.write(6, 3)
	p.Produce(t, ownLetter(9, "dlq.destination", "gone"), &kgo.Record{Topic: lettersTopic, Value: []byte("x")})
	got := p.wants(exitOK, "8 letters: 8 discard\n", "", "plan", "--every", "--discard", "-o", p.plan)
	if !strings.Contains(got.stdout, "inbox track m-1 of u-0 from events\n  would be discarded\n") {
		t.Errorf("the first letter is not shown: %s", got.stdout)
	}
	p.wants(exitUsage, "", "it was made with --discard, for dlq discard, and sends nothing", "apply", p.plan)
	p.wants(exitUsage, "", "it was made with --discard, and there is nothing to complete", "plan", "--continue", p.plan)
	p.wants(exitOK, "8 letters discarded, 0 closed before", "", "discard", p.plan, "--yes", "--reason", "test data")
	p.wants(exitOK, "0 letters", "8 letters closed", "list")
	if n := len(p.desk.Received()); n > 0 {
		t.Errorf("the help desks received %d calls", n)
	}
}

func TestDLQDiscard_saysHowManyThePlanWouldSend(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	p.write(4, 2)
	p.wants(exitOK, "4 send", "", "plan", "--every", "--quiet", "-o", p.plan)
	p.wants(exitOK, "4 letters discarded, 4 of which the plan would send, 0 closed before", "", "discard", p.plan, "--yes", "--reason", "test data")
}

func TestDLQPlan_refusesMoreLettersThanItsLimit(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	p.write(3, 1)
	for _, args := range [][]string{{"plan", "--every"}, {"plan", "--every", "--discard"}} {
		p.wants(exitUsage, "", "more than 2 letters fit", append(args, "--limit", "2")...)
		p.wants(exitOK, "3 letters", "", append(args, "--limit", "3")...)
	}
}

func TestDLQPlan_quietPrintsTheSummaryOnly(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	p.write(4, 2)
	if got := p.wants(exitOK, "", "", "plan", "--every", "-q"); got.stdout != "4 letters: 4 send\n" {
		t.Errorf("it prints %q", got.stdout)
	}
}

// The reserve is four calls an hour: of one letter nothing waits, and of many it is said
// beforehand how long they take.
func TestDLQPlan_theFirstLookupsDoNotWaitAndALongPlanIsAnnounced(t *testing.T) {
	t.Parallel()
	p := newPost(t, "requests: 60000, per: 1h, reserve: 0.0001")
	p.Produce(t, p.letter(1, "inbox", "u-1"))
	got := p.wants(exitOK, "1 send", "", "plan", "--id", idOf(1))
	if strings.Contains(got.stderr, "lookup") {
		t.Errorf("it is said how long a single lookup takes: %s", got.stderr)
	}
	for i := range 8 {
		p.Produce(t, p.letter(i+2, "inbox", fmt.Sprintf("u-%d", i+2)))
	}
	p.runUntil(func(cancel context.CancelFunc) {
		p.arrived = func(n int) {
			if n == 4 { // the third of this plan; half of the reserve goes at once
				cancel()
			}
		}
	}, "plan", "--every", "-q").wantAll(t, exitFault, "2 send, 7 unplanned", "note: up to 9 lookups, about 80m with the reserve of the rate budget alone")
}

func TestDLQPlan_aFileThatCannotBeWrittenIsSaidBeforehand(t *testing.T) {
	t.Parallel()
	p := newPost(t, plenty)
	p.write(2, 1)
	p.wants(exitFault, "", "the plan could not be written", "plan", "--every", "-o", filepath.Join(t.TempDir(), "no", "plan.json"))
	if n := len(p.desk.Received()); n > 0 {
		t.Errorf("%d lookups were made before", n)
	}
	old := writeFile(t, "old.json", "what was there before")
	p.runUntil(func(cancel context.CancelFunc) { p.arrived = func(int) { cancel() } }, "plan", "--every", "-o", old).
		wantAll(t, exitFault, "", "interrupted: 0 of 2 letters planned")
	if got := readFile(t, old); got != "what was there before" {
		t.Errorf("a plan of nothing has replaced the file: %q", got)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(old), ".dlq-plan-*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	p.arrived = nil
	p.wants(exitOK, "2 letters", "written to /dev/null", "plan", "--every", "-o", "/dev/null")
	if info, err := os.Lstat("/dev/null"); err != nil || info.Mode().IsRegular() {
		t.Errorf("/dev/null is %v, %v", info.Mode(), err)
	}
}
