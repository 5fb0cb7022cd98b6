package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// interrupted is a clinic whose commands are ended at one of their steps. A step is a
// request that changes something: records for Kafka, or a write at the help desk.
type interrupted struct {
	*clinic
	admin *kadm.Client
	peers *peers
	old   []string // ids of the letters

	mu    sync.Mutex
	steps int
	at    int    // the step at which the command is ended, 0 for none
	end   func() // ends it
	// undone is whether that step does not take effect.
	undone bool
}

// The users whose letters are applied. Two letters are of one; one dies again.
const (
	refusedUser = "u-3"
	toApply     = 4
)

func newInterrupted(t *testing.T) *interrupted {
	t.Helper()
	c := &interrupted{peers: &peers{open: map[net.Conn]bool{}}}
	c.clinic = newClinic(t, kafkatest.Topic(eventsTopic, 4), kafkatest.Fake(kfake.ListenFn(c.peers.listen)))
	c.admin = c.Admin(t)
	desk := httptest.NewUnstartedServer(http.HandlerFunc(c.serve))
	desk.Listener = &listener{desk.Listener, c.peers}
	desk.Start()
	t.Cleanup(desk.Close)
	c.file = withBrokers(t, deskConfig(t, desk.URL, "crm"), c.Brokers)
	id := topics.TopicID(c.TopicInfo(eventsTopic).TopicID)
	for i, user := range []string{"u-1", "u-1", "u-2", refusedUser} {
		r := userLetter(i+1, user)
		r.Headers = append(r.Headers, recordHeaders("dlq.source.cluster", "kfake", "dlq.source.topic_id", id.String())...)
		c.Produce(t, r)
		c.old = append(c.old, idOf(i+1))
	}
	c.before = func(body string) {
		if c.step() {
			panic(http.ErrAbortHandler)
		}
		c.clinic.mu.Lock()
		defer c.clinic.mu.Unlock()
		c.status = 0
		if strings.Contains(body, refusedUser) {
			c.status = http.StatusUnprocessableEntity
		}
	}
	return c
}

// watch counts the steps from now on.
func (c *interrupted) watch() {
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if c.step() {
			return nil, errors.New("the process is dead"), true
		}
		return nil, nil, false
	})
}

// step counts a step, ends the command if it is the one, and reports whether the step does not
// take effect.
func (c *interrupted) step() bool {
	c.mu.Lock()
	c.steps++
	now := c.steps == c.at
	c.mu.Unlock()
	if now {
		c.end()
	}
	return now && c.undone
}

// reached reports whether a command has come to the step that it was to be ended at.
func (c *interrupted) reached() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.steps >= c.at
}

// endedBy is a way to end a command at a step.
type endedBy struct {
	name   string
	undone bool
	run    func(c *interrupted, args ...string) result
}

const stoppedAtAStep = "stopped"

var endings = []endedBy{
	{stoppedAtAStep, false, (*interrupted).stopped},
	{"killed before a step", true, (*interrupted).killed},
	{"killed after a step", false, (*interrupted).killed},
}

// stopped runs a command that is told to stop at the step.
func (c *interrupted) stopped(args ...string) result {
	return c.runUntil(func(cancel context.CancelFunc) { c.end = cancel }, args...)
}

// runUntil is post.runUntil.
func (c *interrupted) runUntil(stop func(context.CancelFunc), args ...string) result {
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	stop(cancel)
	c.watch()
	return runWith(ctx, func(string) (string, bool) { return "", false }, "", append([]string{"dlq", args[0], "-c", c.file}, args[1:]...)...)
}

// killed runs a command in a process of its own that is killed at the step.
func (c *interrupted) killed(args ...string) result {
	before := c.peers.now()
	var p *process
	started := make(chan struct{})
	c.end = func() {
		<-started
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	c.watch()
	p = startProcess(c.t, append([]string{"dlq", args[0], "-c", c.file}, args[1:]...)...)
	close(started)
	<-p.ended
	await(c.t, "what the process had sent to be taken", func() bool {
		return !slices.ContainsFunc(slices.Collect(maps.Keys(c.peers.now())), func(conn net.Conn) bool { return !before[conn] })
	})
	c.evict()
	return result{p.cmd.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String()}
}

// evict takes a dead member out of the group that is the lock, which its session does otherwise.
func (c *interrupted) evict() {
	c.t.Helper()
	const group = "deskstream.crm.reprocess"
	found, err := c.admin.DescribeGroups(c.t.Context(), group)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, m := range found[group].Members {
		req := kmsg.NewPtrLeaveGroupRequest()
		member := kmsg.NewLeaveGroupRequestMember()
		req.Group, member.MemberID = group, m.MemberID
		req.Members = append(req.Members, member)
		if _, err := req.RequestWith(c.t.Context(), c.Client(c.t)); err != nil {
			c.t.Fatal(err)
		}
	}
}

// revived are the outcomes of round 1, by the offset of the record.
func (c *interrupted) revived() map[int64][]sink.Disposition {
	c.t.Helper()
	found := map[int64][]sink.Disposition{}
	for _, r := range outcomeRecords(c.Consume(c.t, responsesTopic)) {
		e, ok := topics.ParseEntry(r)
		if !ok || e.Round != 1 {
			c.t.Fatalf("an outcome that is none of round 1: %+v", e)
		}
		found[e.Offset] = append(found[e.Offset], e.Outcome)
	}
	return found
}

// lettersThere are the letters on the topic, by id.
func (c *interrupted) lettersThere() map[string]letters.Letter {
	c.t.Helper()
	found := map[string]letters.Letter{}
	for _, r := range c.Consume(c.t, lettersTopic) {
		l := letters.Parse(r)
		found[l.ID] = l
	}
	return found
}

// wantNoneLost fails the test when a letter is closed without what closes it, or not there.
func (c *interrupted) wantNoneLost() {
	c.t.Helper()
	states, outcomes, there := c.states(), c.revived(), c.lettersThere()
	for i, id := range c.old {
		l, ok := there[id]
		if !ok {
			c.t.Errorf("letter %s is gone", id)
		}
		s, _ := journal.StateOf(states, &l, topics.TopicID{})
		outcome := outcomes[int64(i+1)]
		switch s.Status {
		case "", letters.Open, letters.Sending, letters.Discarded:
		case letters.Delivered:
			if !slices.Contains(outcome, sink.Delivered) {
				c.t.Errorf("letter %s is delivered, and its outcomes are %v", id, outcome)
			}
		case letters.Died:
			if _, ok := there[s.Next]; !ok || !slices.Contains(outcome, sink.Dead) {
				c.t.Errorf("letter %s died, its new letter %s is there: %v, its outcomes are %v", id, s.Next, ok, outcome)
			}
		default:
			c.t.Errorf("letter %s is %s", id, s.Status)
		}
	}
	if got := c.audit(); got.code != exitOK {
		c.t.Errorf("audit ends with %d: %s%s", got.code, got.stdout, got.stderr)
	}
}

func (c *interrupted) audit() result { return runCommand(c.t, "", "audit", "-c", c.file) }

// open are the ids of letters that are not closed, as dlq list counts them.
func (c *interrupted) open() int {
	c.t.Helper()
	n := 0
	for _, g := range groups(c.t, c.dlq("list", "--json").stdout) {
		var of int
		if _, err := fmt.Sscanf(g[strings.LastIndex(g, " ")+1:], "%d", &of); err != nil {
			c.t.Fatal(err)
		}
		n += of
	}
	return n
}

// everyStep runs a case with its command ended at the first step, the second, and so on. steps
// is how many an undisturbed command has at least.
func everyStep(t *testing.T, steps int, test func(t *testing.T, c *interrupted, ending endedBy)) {
	for _, ending := range endings {
		t.Run(ending.name, func(t *testing.T) {
			t.Parallel()
			if ending.name != stoppedAtAStep {
				needsProcess(t)
			}
			for at := 1; ; at++ {
				ended := true
				ok := t.Run(fmt.Sprint(at), func(t *testing.T) {
					c := newInterrupted(t)
					c.at, c.undone = at, ending.undone
					test(t, c, ending)
					ended = c.reached()
				})
				if !ok {
					return
				}
				if !ended {
					if at <= steps {
						t.Errorf("the command had %d steps, want %d at least", at-1, steps)
					}
					return
				}
			}
		})
	}
}

func TestDLQApply_endedAtAnyStepLosesNoLetter(t *testing.T) {
	t.Parallel()
	// A state, the write, the outcome and a state again, and a new letter of the last one. What goes
	// at the same time for several letters behind the canary may be one request.
	everyStep(t, 4+5, func(t *testing.T, c *interrupted, ending endedBy) {
		c.wants(exitOK, "1 behind, 3 send", "", "plan", "--every", "-o", c.plan)
		first := ending.run(c, "apply", "--max-fail", "1", c.plan)
		reached := c.reached()
		written, outcome := c.written(), c.revived()
		c.wantNoneLost()
		if open := c.open(); first.code == exitOK || !reached && open != 1 {
			t.Errorf("exit code %d and %d letters open", first.code, open)
		}
		if reached {
			c.dlq("apply", "--max-fail", "1", c.plan)
			c.wantNoneLost()
		}
		// What is left is the new letter of the one that died again.
		states, outcomes := c.states(), c.revived()
		for i, id := range c.old {
			want := letters.Delivered
			if i+1 == toApply {
				want = letters.Died
			}
			if got := states.Status(id); got != want {
				t.Errorf("letter %s is %s, want %s", id, got, want)
			}
		}
		if len(outcomes) != toApply || c.open() != 1 {
			t.Errorf("outcomes of %d letters, and %d are open; want %d and 1: %v", len(outcomes), c.open(), toApply, outcomes)
		}
		for n, times := range c.written() {
			want := 1
			if written[n] > 0 && len(outcome[n]) == 0 { // in flight, or its outcome was
				want = 2
			}
			if times != want || want == 2 && ending.name == stoppedAtAStep {
				t.Errorf("letter %d was written %d times, want %d: at the end of the first apply %d, with the outcomes %v", n, times, want, written[n], outcome[n])
			}
		}
		if n := len(c.written()); n != toApply-1 {
			t.Errorf("%d letters were written, want %d", n, toApply-1)
		}
		c.wants(exitOK, "nothing to do", "", "apply", c.plan)
	})
}

// written is how often each letter was written at the help desk, by the offset of its record.
func (c *interrupted) written() map[int64]int {
	c.t.Helper()
	c.clinic.mu.Lock()
	defer c.clinic.mu.Unlock()
	times := map[int64]int{}
	for _, body := range c.writes {
		var event struct{ Name string }
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			c.t.Fatal(err)
		}
		var n int64
		if _, err := fmt.Sscanf(event.Name, "N%d", &n); err != nil {
			c.t.Fatal(err)
		}
		times[n]++
	}
	return times
}

func TestDLQDiscard_endedAtAnyStepLosesNoLetter(t *testing.T) {
	t.Parallel()
	everyStep(t, 2, func(t *testing.T, c *interrupted, ending endedBy) {
		discard := []string{"discard", "--offset", "1-2", "--yes", "--reason", "test"}
		first := ending.run(c, discard...)
		c.wantNoneLost()
		done := 0
		for _, id := range c.old {
			if c.states().Status(id) == letters.Discarded {
				done++
			}
		}
		if open := c.open(); open != toApply-done || first.code == exitOK && done != 2 {
			t.Errorf("exit code %d, %d letters discarded and %d open, of %d", first.code, done, open, toApply)
		}
		c.wants(exitOK, output.Count(2-done, "letter")+" discarded", "", discard...)
		if open := c.open(); open != toApply-2 {
			t.Errorf("%d letters are open, want those that were not meant: %d", open, toApply-2)
		}
		c.wantNoneLost()
	})
}
