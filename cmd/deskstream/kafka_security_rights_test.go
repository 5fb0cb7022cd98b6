//go:build kafka

package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/stub"
	stubkustomer "github.com/deskstream/deskstream/internal/stub/kustomer"
)

// right is one operation on one resource.
type right struct{ operation, resource, name string }

func (r right) String() string { return fmt.Sprintf("%s %s %s", r.operation, r.resource, r.name) }

// documentedRights are the rights of a block of docs/operations.md, with the names of the
// job in the place of the default ones.
func (j *job) documentedRights(block string) []right {
	j.t.Helper()
	names := map[string]string{
		"events": j.source(), "events.responses": j.responses(), "dlq.events.deskstream": j.letters(),
		"dlq.events.deskstream.state": j.letters() + ".state", "deskstream.crm": j.group(),
		"deskstream.crm.reprocess": j.group() + ".reprocess", callsTopic: j.prefix + callsTopic, "events.responses.keys": j.responses() + ".keys",
	}
	var rights []right
	for _, m := range fence.FindAllStringSubmatch(readFile(j.t, "../../docs/operations.md"), -1) {
		if m[1] != "sh rights_"+block {
			continue
		}
		for line := range strings.Lines(m[2]) {
			on := regexp.MustCompile(`--(topic|group) (\S+)`).FindStringSubmatch(line)
			if on == nil || names[on[2]] == "" {
				j.t.Fatalf("no resource that the test knows in %q", line)
			}
			for _, op := range regexp.MustCompile(`--operation (\w+)`).FindAllStringSubmatch(line, -1) {
				rights = append(rights, right{op[1], on[1], names[on[2]]})
			}
		}
	}
	if len(rights) == 0 {
		j.t.Fatalf("docs/operations.md has no block %s", block)
	}
	return rights
}

func (r right) acl(t *testing.T) *kadm.ACLBuilder {
	t.Helper()
	op, err := kmsg.ParseACLOperation(r.operation)
	if err != nil {
		t.Fatal(err)
	}
	b := kadm.NewACLs().Allow("User:app").AllowHosts("*").Operations(op).ResourcePatternType(kadm.ACLPatternLiteral)
	if r.resource == "group" {
		return b.Groups(r.name)
	}
	return b.Topics(r.name)
}

// grant gives the user app rights, and returns when the broker knows of them.
func (s *secured) grant(t *testing.T, rights ...right) {
	t.Helper()
	admin := s.Admin(t)
	for _, r := range rights {
		results, err := admin.CreateACLs(t.Context(), r.acl(t))
		if err != nil || len(results) != 1 || results[0].Err != nil {
			t.Fatalf("granting %v: %v %+v", r, err, results)
		}
		await(t, "the broker to grant "+r.String(), func() bool { return s.isGranted(t, admin, r) })
	}
}

// revoke takes rights from the user app, and returns when the broker has forgotten them.
func (s *secured) revoke(t *testing.T, rights ...right) {
	t.Helper()
	admin := s.Admin(t)
	for _, r := range rights {
		results, err := admin.DeleteACLs(t.Context(), r.acl(t))
		if err != nil || len(results) != 1 || results[0].Err != nil {
			t.Fatalf("revoking %v: %v %+v", r, err, results)
		}
		await(t, "the broker to revoke "+r.String(), func() bool { return !s.isGranted(t, admin, r) })
	}
}

func (s *secured) isGranted(t *testing.T, admin *kadm.Client, r right) bool {
	t.Helper()
	results, err := admin.DescribeACLs(t.Context(), r.acl(t))
	if err != nil {
		t.Fatal(err)
	}
	return len(results) == 1 && len(results[0].Described) > 0
}

// The rights in docs/operations.md are enough, and none of them is too much: each is
// taken away in turn, and then something fails that names it.
func testRights(t *testing.T, s *secured) {
	t.Run("run", func(t *testing.T) {
		for _, protocol := range []string{"classic", "consumer"} {
			t.Run(protocol, func(t *testing.T) { testRightsOfRun(t, s, protocol) })
		}
	})
	t.Run("calls", func(t *testing.T) { testRightsOfCalls(t, s) })
	t.Run("keys", func(t *testing.T) { testRightsOfKeys(t, s) })
	t.Run("create topics", func(t *testing.T) { testRightsOfCreate(t, s) })
	t.Run("letters", func(t *testing.T) { testRightsOfLetters(t, s) })
	t.Run("plan", func(t *testing.T) {
		j := newJob(t, s)
		j.createTopics()
		path := j.asApp()
		j.produce(j.config(entry{"PLAINTEXT", ""}.yaml(s)), 0, 3)
		j.testEach(j.documentedRights("plan"), func() *process {
			return startProcess(t, "plan", "-c", path, "--offline", "--last", "3")
		}, nil)
	})
	t.Run("produce", func(t *testing.T) {
		j := newJob(t, s)
		j.createTopics()
		path := j.asApp()
		// Who may see the topic gets further, and is refused in another way.
		see := right{"Describe", "topic", j.source()}
		s.grant(t, see)
		s.revoke(t, j.documentedRights("produce")...)
		startProcess(t, "produce", "-c", path, j.events(0, 1)).wantExit(exitFault, "no right to Write topic "+j.source())
		s.revoke(t, see)
		j.testEach(j.documentedRights("produce"), func() *process {
			return startProcess(t, "produce", "-c", path, j.events(0, 3))
		}, nil)
	})
}

// asApp is a configuration with the user that has no rights but those granted.
func (j *job) asApp(source ...string) string {
	j.t.Helper()
	return j.config(entry{"SASL_PLAINTEXT", passwordSettings("plain", "app", passwordOf("app"))}.yaml(j.s), source...)
}

// testEach starts a command that ends, with all rights and without each. works looks at
// what it did with all.
func (j *job) testEach(rights []right, start func() *process, works func()) {
	j.t.Helper()
	j.s.grant(j.t, rights...)
	defer j.s.revoke(j.t, rights...)
	if p := start(); p.wait() != exitOK {
		j.t.Fatalf("with all rights: exit code %d\n%s", p.wait(), p.stderr)
	}
	if works != nil {
		works()
	}
	for _, r := range rights {
		j.s.revoke(j.t, r)
		p := start()
		if p.wait() != exitFault || !strings.Contains(p.stderr.String(), "no right to "+r.String()) {
			j.t.Errorf("without the right to %v: exit code %d\n%s", r, p.wait(), p.stderr)
		}
		j.s.grant(j.t, r)
	}
}

func testRightsOfRun(t *testing.T, s *secured, protocol string) {
	j := newJob(t, s)
	j.createTopics()
	s.CreateTopic(t, j.letters()+".state", 1, "cleanup.policy", "compact")
	path := j.asApp("  group_protocol: " + protocol)
	needed, settings := j.documentedRights("run"), j.documentedRights("settings")
	if protocol == "classic" {
		settings = slices.DeleteFunc(settings, func(r right) bool { return r.resource == "group" })
	}
	settings = append(settings, j.documentedRights("holds")...)
	all := append(slices.Clone(needed), settings...)
	s.grant(t, all...)
	defer s.revoke(t, all...)

	owner := j.config(entry{"PLAINTEXT", ""}.yaml(s))
	j.produce(owner, 0, 5)
	p := j.run(path)
	j.awaitCommitted(p)
	p.stop()
	j.wantOutcomes(5)
	if strings.Contains(p.stderr.String(), "AUTHORIZATION_FAILED") || strings.Contains(p.stderr.String(), "no right") {
		t.Errorf("something was refused with all rights:\n%s", p.stderr)
	}
	check := startProcess(t, "check", "--connect", "-c", path)
	if code := check.wait(); code != exitOK {
		t.Errorf("check --connect gave %d with all rights\n%s", code, check.stdout)
	}

	for _, r := range needed {
		s.revoke(t, r)
		missing := "no right to " + r.String()
		j.run(path).wantExit(exitFault, missing)
		if check := startProcess(t, "check", "--connect", "-c", path); check.wait() != exitFault || !strings.Contains(check.stdout.String(), missing) {
			t.Errorf("check --connect does not tell %q:\n%s", missing, check.stdout)
		}
		s.grant(t, r)
	}
	for i, r := range settings {
		s.revoke(t, r)
		p := j.run(path)
		p.awaitLog("no right to " + r.String())
		p.awaitLog("partitions assigned")
		j.produce(owner, 5+i, 1)
		j.awaitCommitted(p)
		p.stop()
		s.grant(t, r)
	}
	j.wantOutcomes(5 + len(settings)) // each is delivered without the right, too
}

// testRightsOfCalls has a destination take calls, with the rights of run and those of the topic.
func testRightsOfCalls(t *testing.T, s *secured) {
	j := newJob(t, s)
	j.createTopics()
	topic := j.prefix + callsTopic
	if _, err := s.Admin(t).CreateTopic(t.Context(), 2, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, "calls.yaml", readFile(t, j.asApp())+"    calls: {topic: "+topic+", allow: [GET /v1/teams]}\n")
	needed, calls := j.documentedRights("run"), j.documentedRights("calls")
	s.grant(t, needed...)
	s.grant(t, calls...)
	defer s.revoke(t, needed...)
	s.Produce(t, &kgo.Record{Topic: topic, Key: []byte("c-1"), Value: []byte(`{"type":"call","destination":"` + crm + `","method":"GET","path":"/v1/teams","correlationId":"c-1"}`)})
	p := j.run(path)
	await(t, "the outcome of the call", func() bool { p.alive(); return len(outcomeRecords(s.Consume(t, j.responses()))) == 1 })
	p.stop()
	s.revoke(t, calls...)
	missing := "no right to " + calls[0].String()
	j.run(path).wantExit(exitFault, missing)
	if check := startProcess(t, "check", "--connect", "-c", path); check.wait() != exitFault || !strings.Contains(check.stdout.String(), missing) {
		t.Errorf("check --connect does not tell %q:\n%s", missing, check.stdout)
	}
}

// testRightsOfKeys has a rule find tickets by keys, with the rights of run and those of the topic.
func testRightsOfKeys(t *testing.T, s *secured) {
	j := newJob(t, s)
	j.createTopics()
	s.CreateTopic(t, j.responses()+".keys", 2, "cleanup.policy", "compact")
	path := writeFile(t, "keys.yaml", readFile(t, j.asApp())+
		"    rules: [{name: r, match: {type: identify}, default: true, contact: {create: true}, ticket: {key: k, subject: s}}]\n")
	needed, ofKeys := j.documentedRights("run"), j.documentedRights("keys")
	s.grant(t, needed...)
	s.grant(t, ofKeys...)
	defer s.revoke(t, needed...)
	defer s.revoke(t, ofKeys...)
	j.produce(j.config(entry{"PLAINTEXT", ""}.yaml(s)), 0, 3)
	p := j.run(path)
	j.awaitCommitted(p)
	p.stop()
	if n := len(s.Consume(t, j.responses()+".keys")); n != 3 {
		t.Errorf("%d keys were written, want 3", n)
	}
	for _, r := range ofKeys {
		s.revoke(t, r)
		missing := "no right to " + r.String()
		j.run(path).wantExit(exitFault, missing)
		if check := startProcess(t, "check", "--connect", "-c", path); check.wait() != exitFault || !strings.Contains(check.stdout.String(), missing) {
			t.Errorf("check --connect does not tell %q:\n%s", missing, check.stdout)
		}
		if forget := startProcess(t, "forget", "--user", "user-0", "-c", path); forget.wait() != exitFault || !strings.Contains(forget.stderr.String(), missing) {
			t.Errorf("forget does not tell %q:\n%s", missing, forget.stderr)
		}
		s.grant(t, r)
	}
}

// testRightsOfLetters tries the commands that read and revive dead letters.
func testRightsOfLetters(t *testing.T, s *secured) {
	j := newJob(t, s)
	j.createTopics()
	s.CreateTopic(t, j.letters()+".state", 2, "cleanup.policy", "compact")
	owner, app := j.config(entry{"PLAINTEXT", ""}.yaml(s)), j.asApp()
	j.produce(owner, 0, 3)
	j.desk.Desk(stubkustomer.Name).SetOutage(func(c stub.Call) int {
		if c.Method == http.MethodPost {
			return http.StatusUnprocessableEntity
		}
		return 0
	})
	p := j.run(owner)
	j.awaitCommitted(p)
	p.stop()
	j.desk.Desk(stubkustomer.Name).SetOutage(nil)
	sample := s.Consume(t, j.letters())
	if len(sample) != 3 {
		t.Fatalf("%d letters were written, want 3", len(sample))
	}
	plan := filepath.Join(t.TempDir(), "plan.json")
	for _, c := range []struct {
		args   []string
		blocks []string
	}{
		{[]string{"dlq", "list"}, []string{"letters"}},
		{[]string{"dlq", "show", letterID(sample[0])}, []string{"letters", "outcomes"}},
		{[]string{"dlq", "plan", "--every", "-o", plan}, []string{"letters", "outcomes"}},
		{[]string{"explain", "m-0"}, []string{"letters", "outcomes", "sources"}},
		{[]string{"audit"}, []string{"letters", "outcomes", "sources", "audit"}},
		{[]string{"dlq", "apply", plan}, []string{"letters", "outcomes", "apply"}},
		{[]string{"dlq", "discard", plan, "--yes", "--reason", "none"}, []string{"letters", "discard"}},
	} {
		t.Run(strings.Join(c.args[:min(2, len(c.args))], " "), func(t *testing.T) {
			j := *j
			j.t = t
			var rights []right
			for _, block := range c.blocks {
				rights = append(rights, j.documentedRights(block)...)
			}
			j.testEach(rights, func() *process { return startProcess(t, append(slices.Clone(c.args), "-c", app)...) }, nil)
		})
	}
	states := letters.States{}
	for _, r := range s.Consume(t, j.letters()+".state") {
		if origin := states.Take(r); origin != letters.Ours {
			t.Fatalf("a record on the state topic is of origin %d: %s", origin, r.Value)
		}
	}
	for _, r := range sample {
		if got := states.Status(letterID(r)); got != letters.Delivered {
			t.Errorf("letter %s is %s, want delivered", letterID(r), got)
		}
	}
}

func letterID(r *kgo.Record) string { l := letters.Parse(r); return l.ID }

func testRightsOfCreate(t *testing.T, s *secured) {
	for i := range newJob(t, s).documentedRights("create") {
		j := newJob(t, s)
		create := j.documentedRights("create")
		all := append(append(j.documentedRights("run"), j.documentedRights("settings")...), create...)
		t.Run(create[i].operation+" "+strings.TrimPrefix(create[i].name, j.prefix), func(t *testing.T) {
			s.grant(t, all...)
			defer s.revoke(t, all...)
			path := j.asApp()
			s.revoke(t, create[i])
			j.run(path, "--create-topics").wantExit(exitFault, "no right to "+create[i].String())
			s.grant(t, create[i])
			p := j.run(path, "--create-topics")
			p.awaitLog("partitions assigned")
			p.stop()
		})
	}
}
