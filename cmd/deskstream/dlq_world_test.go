package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/sample"
	"github.com/deskstream/deskstream/internal/stub"
	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

const (
	dlqEvents  = 400
	dlqUsers   = 40
	openTicket = "POST /tickets"
)

// produceSome writes events of which one in 20 has no name, and gives the marks of the
// others by user, in order.
func (w *world) produceSome() map[string][]string {
	w.t.Helper()
	marks := map[string][]string{}
	var records []*kgo.Record
	for i := range dlqEvents {
		user, mark := fmt.Sprintf("user-%d", i%dlqUsers), sample.Mark(i+1)
		name := `"event":"Order Completed",`
		if i%20 == 7 {
			name = ""
		} else {
			marks[user] = append(marks[user], mark)
		}
		records = append(records, &kgo.Record{
			Topic: w.topic(eventsTopic), Partition: int32(i % dlqUsers % 12), Key: []byte(user),
			Value: fmt.Appendf(nil, `{"type":"track",%s"userId":%q,"messageId":%q,"properties":{"eventNo":%q},"context":{"traits":{"email":"%s@example.com"}}}`,
				name, user, mark, mark, user),
		})
	}
	w.Produce(w.t, records...)
	return marks
}

// tickets are the marks of the tickets that the stub took, by user, in order.
func (w *world) tickets() map[string][]string {
	taken := map[string][]string{}
	for _, c := range w.desk.Desk(stubtrengo.Name).Received() {
		if c.Op == openTicket && c.Status == http.StatusCreated {
			n, err := strconv.Atoi(strings.TrimPrefix(c.Mark, "ev-"))
			if err != nil {
				w.t.Fatalf("a ticket without a mark: %+v", c)
			}
			user := fmt.Sprintf("user-%d", (n-1)%dlqUsers)
			taken[user] = append(taken[user], c.Mark)
		}
	}
	return taken
}

// command runs a command of the binary to its end.
func (w *world) command(args ...string) *process {
	w.t.Helper()
	p := startProcess(w.t, args...)
	p.wait()
	return p
}

func (p *process) want(code int, stdout, stderr string) {
	p.t.Helper()
	result{p.wait(), p.stdout.String(), p.stderr.String()}.wantAll(p.t, code, stdout, stderr)
}

// wantAll is want that lets standard error say more.
func (r result) wantAll(t *testing.T, code int, stdout, stderr string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.stdout, stdout) || !strings.Contains(r.stderr, stderr) {
		t.Fatalf("exit code %d, want %d with %q and %q\nstdout: %s\nstderr: %s", r.code, code, stdout, stderr, r.stdout, r.stderr)
	}
}

// refusedTickets makes a world in which all tickets were refused, and its configuration.
func refusedTickets(t *testing.T, o worldOptions) (w *world, path string, marks map[string][]string) {
	t.Helper()
	w = newWorld(t, o)
	w.desk.Desk(stubtrengo.Name).SetOutage(func(c stub.Call) int {
		if c.Op == openTicket {
			return http.StatusUnprocessableEntity
		}
		return 0
	})
	path = w.config(settings{letters: ", breaker: {share: 0}", reserve: 0.5})
	marks = w.produceSome()
	p := w.start(path, "--create-topics")
	w.awaitCommitted(p)
	p.stop()
	w.desk.Desk(stubtrengo.Name).SetOutage(nil)
	return w, path, marks
}

// states counts the letters' states, and the outcomes by round.
func (w *world) letterStates() (map[letters.Status]int, map[string]int) {
	w.t.Helper()
	states := letters.States{}
	for _, r := range w.Consume(w.t, w.topic(lettersTopic)+".state") {
		if origin := states.Take(r); origin != letters.Ours {
			w.t.Fatalf("a state of the topic is of origin %d", origin)
		}
	}
	counts := map[letters.Status]int{}
	for _, s := range states {
		counts[s.Status]++
	}
	rounds := map[string]int{}
	for _, r := range outcomeRecords(w.Consume(w.t, w.topic(responsesTopic))) {
		for _, h := range r.Headers {
			if h.Key == "deskstream.round" {
				rounds[string(h.Value)]++
			}
		}
	}
	return counts, rounds
}

func TestDLQ_everyCurableLetterComesHomeInOrder(t *testing.T) {
	t.Parallel()
	testComesHome(t, worldOptions{})
}

func testComesHome(t *testing.T, o worldOptions) {
	w, path, marks := refusedTickets(t, o)
	list := w.command("dlq", "list", "-c", path)
	list.want(exitOK, "380 letters  "+inbox+" rejected http_422", "")
	list.want(exitOK, "20 letters  "+inbox+" invalid missing_event", "")
	list.want(exitOK, "20 letters  "+crm+" invalid missing_event", "")
	before := len(w.desk.Received())
	file := filepath.Join(t.TempDir(), "plan.json")
	plan := w.command("dlq", "plan", "--every", "-c", path, "-o", file)
	plan.want(exitOK, "420 letters: ", "written to "+file)
	plan.want(exitOK, "40 still_dead", "")
	plan.want(exitOK, "would be sent, round 1", "")
	plan.want(exitOK, "the same as then, when it died (rejected http_422", "")
	for _, c := range w.desk.Received()[before:] {
		if c.Method != http.MethodGet {
			t.Fatalf("plan sent a write: %+v", c)
		}
	}
	if text := readFile(t, file); strings.Contains(text, "example.com") || strings.Contains(text, "Order Completed") || strings.Contains(text, "user-") {
		t.Errorf("the plan file holds events:\n%.2000s", text)
	}
	w.command("dlq", "apply", "-c", path, file).want(exitOK, "380 delivered", "")
	if diff := cmp.Diff(marks, w.tickets()); diff != "" {
		t.Errorf("tickets by user, in order (-want +got):\n%s", diff)
	}
	states, rounds := w.letterStates()
	if states[letters.Delivered] != 380 || rounds["1"] != 380 || rounds["0"] != 2*dlqEvents {
		t.Errorf("states %v, outcomes by round %v", states, rounds)
	}
	w.command("audit", "-c", path).want(exitOK, fmt.Sprintf("%d outcomes: %d delivered, 0 skipped, 420 dead; 0 duplicates, 0 missing, 0 conflicting", 2*dlqEvents, 2*dlqEvents-420), "")
	w.command("explain", "-c", path, marks["user-1"][0]).want(exitOK, "round 1 at ", "")
	left := w.command("dlq", "list", "-c", path)
	left.want(exitOK, "40 letters, 2 causes", "380 letters closed")

	w.command("dlq", "apply", "-c", path, file).want(exitOK, "nothing to do", "")
	if diff := cmp.Diff(marks, w.tickets()); diff != "" {
		t.Errorf("a second apply sent again (-want +got):\n%s", diff)
	}
	w.command("dlq", "discard", "-c", path, file, "--yes", "--reason", "no names").want(exitOK, "40 letters discarded, 380 closed before", "")
	w.command("dlq", "list", "-c", path).want(exitOK, "0 letters, 0 causes", "420 letters closed")
}

func TestDLQ_killedAndRepeatedOpensNoTicketTwice(t *testing.T) {
	t.Parallel()
	testKilledAndRepeated(t, worldOptions{})
}

func testKilledAndRepeated(t *testing.T, o worldOptions) {
	w, path, marks := refusedTickets(t, o)
	file := filepath.Join(t.TempDir(), "plan.json")
	w.command("dlq", "plan", "--every", "-c", path, "-o", file).want(exitOK, "380", "")
	w.desk.Desk(stubtrengo.Name).SetOutage(func(c stub.Call) int { // so slow that the second comes meanwhile
		if c.Op == openTicket {
			time.Sleep(2 * time.Second)
		}
		return 0
	})
	first := startProcess(t, "dlq", "apply", "-c", path, file)
	await(t, "the first apply to send", func() bool { first.alive(); return len(flat(w.tickets())) >= 1 })
	second := startProcess(t, "dlq", "apply", "-c", path, file)
	second.want(exitFault, "", "letters of "+inbox+" are being sent by another process")
	await(t, "calls in flight", func() bool { first.alive(); return w.desk.Open() >= 5 })
	first.kill()
	w.desk.Desk(stubtrengo.Name).SetOutage(nil)
	w.awaitQuiet()
	arrived := len(flat(w.tickets()))
	states, rounds := w.letterStates()
	inFlight := arrived - rounds["1"]                                          // their outcome was not recorded
	begun := states[letters.Sending] + states[letters.Delivered] - rounds["1"] // the call of some was not even made
	if rounds["1"] == 0 || arrived >= 380 || inFlight < 1 || inFlight > begun || begun > dlqUsers {
		t.Fatalf("after the kill there are %d tickets, outcomes %v, states %v: it was not half way, or more was sent than was begun", arrived, rounds, states)
	}
	again := w.command("dlq", "apply", "-c", path, file)
	again.want(exitOK, "delivered", "")
	twice := 0
	for user, got := range w.tickets() {
		once := slices.Compact(slices.Clone(got))
		if diff := cmp.Diff(marks[user], once); diff != "" {
			t.Errorf("tickets of %s, in order (-want +got):\n%s", user, diff)
		}
		twice += len(got) - len(once)
	}
	t.Logf("after the kill %d tickets were there and %d outcomes; sent twice: %d; the next apply says: %s", arrived, rounds["1"], twice, again.stdout)
	if twice != 0 {
		t.Errorf("%d tickets were opened twice, %d were in flight at the kill", twice, inFlight)
	}
	if want := fmt.Sprintf("%d in flight when an earlier apply ended", begun); !strings.Contains(again.stdout.String(), want) {
		t.Errorf("the next apply does not count %q: %s", want, again.stdout)
	}
	if states, _ := w.letterStates(); states[letters.Delivered] != 380 || states[letters.Sending] != 0 {
		t.Errorf("states %v", states)
	}
}

func flat(m map[string][]string) []string {
	var list []string
	for _, l := range m {
		list = append(list, l...)
	}
	return list
}
