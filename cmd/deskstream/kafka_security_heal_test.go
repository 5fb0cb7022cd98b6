//go:build kafka

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// What the cluster refuses to a running pipeline is waited for, shows, and ends with
// its cause: no event is lost, repeated or dead-lettered, and nothing is restarted.
func testHeals(t *testing.T, s *secured) {
	t.Run("rights", func(t *testing.T) {
		for _, protocol := range []string{"classic", "consumer"} {
			t.Run(protocol, func(t *testing.T) { testRightsComeBack(t, s, protocol) })
		}
	})
	t.Run("password", func(t *testing.T) {
		for _, protocol := range []string{"classic", "consumer"} {
			t.Run(protocol, func(t *testing.T) { testPasswordComesBack(t, s, protocol) })
		}
	})
}

// eventsEach is how many events are produced before, while and after something is refused.
const eventsEach = 20

func testRightsComeBack(t *testing.T, s *secured, protocol string) {
	j := newJob(t, s)
	j.createTopics()
	open := j.config(entry{"PLAINTEXT", ""}.yaml(s))
	rights := append(j.documentedRights("run"), j.documentedRights("settings")...)
	s.grant(t, rights...)
	p := j.run(j.asApp("  group_protocol: " + protocol))
	p.awaitLog("partitions assigned")
	produced := 0
	produce := func() { j.produce(open, produced, eventsEach); produced += eventsEach }
	produce()
	j.awaitCommitted(p)
	for _, revoked := range slices.Concat([][]right{rights}, each1(j.documentedRights("run"))) {
		said := len(p.stderr.String())
		s.revoke(t, revoked...)
		produce()
		j.awaitTrouble(p, revoked)
		produce()
		s.grant(t, revoked...)
		produce()
		j.awaitCommitted(p)
		wantTerse(t, p.stderr.String()[said:])
	}
	p.stop()
	j.wantOutcomes(produced)
	s.revoke(t, rights...)
}

// each1 are lists of one right.
func each1(rights []right) [][]right {
	var lists [][]right
	for _, r := range rights {
		lists = append(lists, []right{r})
	}
	return lists
}

// awaitTrouble waits until a pipeline shows that something is refused. What is not
// needed at present, such as the right to write dead letters, shows nowhere.
func (j *job) awaitTrouble(p *process, revoked []right) {
	j.t.Helper()
	if len(revoked) == 1 {
		switch r := revoked[0]; {
		case r.name == j.letters(), r.name == j.responses() && r.operation == "Read":
			return
		case r.name == j.responses():
			p.awaitLog("topic write failed and is repeated")
			return
		}
	}
	await(j.t, "/readyz to tell of the trouble", func() bool {
		p.alive()
		_, body := get(j.t, p.listening()+"/readyz")
		return strings.Contains(body, `"trouble":"`)
	})
}

// wantTerse fails the test when a message was logged again and again for the same cause.
func wantTerse(t *testing.T, log string) {
	t.Helper()
	times := map[string]int{}
	for line := range strings.Lines(log) {
		var entry struct{ Level, Msg, Err, Topic string }
		if json.Unmarshal([]byte(line), &entry) == nil && (entry.Level == "WARN" || entry.Level == "ERROR") {
			times[entry.Msg+": "+entry.Err]++
		}
	}
	for text, n := range times {
		if n > 3 {
			t.Errorf("logged %d times: %s", n, text)
		}
	}
}

func testPasswordComesBack(t *testing.T, s *secured, protocol string) {
	j := newJob(t, s)
	j.createTopics()
	open := j.config(entry{"PLAINTEXT", ""}.yaml(s))
	p := j.run(j.config(entry{"SASL_PLAINTEXT", passwordSettings("scram-sha-512", "scram512", passwordOf("scram512"))}.yaml(s), "  group_protocol: "+protocol))
	p.awaitLog("partitions assigned")
	j.produce(open, 0, eventsEach)
	j.awaitCommitted(p)
	s.setScram(t, "scram512", kadm.ScramSha512, "another")
	defer s.setScram(t, "scram512", kadm.ScramSha512, passwordOf("scram512"))
	j.awaitTrouble(p, nil)
	j.produce(open, eventsEach, eventsEach)
	s.setScram(t, "scram512", kadm.ScramSha512, passwordOf("scram512"))
	j.awaitCommitted(p)
	wantTerse(t, p.stderr.String())
	p.stop()
	j.wantOutcomes(2 * eventsEach)
}
