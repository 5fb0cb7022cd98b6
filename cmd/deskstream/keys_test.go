package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	stubtrengo "github.com/deskstream/deskstream/internal/stub/trengo"
)

func TestKeys_eachTicketIsOpenedOnceAndClosedOnce(t *testing.T) {
	t.Parallel()
	newBills(t, worldOptions{sources: 4, others: 4}, 20).live(4)
}

// What run has put on record, plan and dlq find; deliver does not, and says so; forget removes it.
func TestKeys_commandsKnowThem(t *testing.T) {
	t.Parallel()
	b := newBills(t, worldOptions{sources: 4, others: 4}, 20)
	b.join()
	b.produce("Billed")
	b.settledAll()
	again := func(invoice string) string {
		return fmt.Sprintf(`{"type":"track","event":"Billed","userId":"user-0","messageId":"again","properties":{"invoice":%q},"context":{"traits":{"email":"user-0@example.com"}}}`, invoice)
	}
	command := func(stdin string, args ...string) result {
		return runCommand(t, stdin, append(args, "-c", b.file)...)
	}
	label := func(got result, want bool) {
		t.Helper()
		if opens := strings.Contains(got.stdout, `"POST","url":"`+b.door+stubtrengo.Path+`/tickets"`); opens == want {
			t.Errorf("it opens a ticket: %v, want %v\n%s", opens, !want, got.stdout)
		}
	}
	refused := regexp.MustCompile(`/tickets/\d*7"`) // a ticket whose label was
	invoice, got := "", result{}
	for n := 0; invoice == "" || refused.MatchString(got.stdout); n++ {
		invoice = fmt.Sprintf("I-%d", n)
		got = command(again(invoice), "plan")
	}
	got.want(t, exitOK, `"name":"label:billing","state":"skipped"`, "") // a look shows that it is on
	label(got, true)
	label(command(again("I-new"), "plan"), false)
	label(command(again(invoice), "plan", "--offline"), false)

	// The letters are those whose label was refused.
	plan := filepath.Join(t.TempDir(), "plan.json")
	got = command("", "dlq", "plan", "--every", "-o", plan)
	got.want(t, exitOK, ", open\n", "written to")
	letters := strings.Count(got.stdout, "  its key names ticket ")
	if letters < 2 || letters != strings.Count(got.stdout, "  before: ticket done: ticket_id ") {
		t.Errorf("of %d letters it shows the ticket of the key:\n%s", letters, got.stdout)
	}
	command("", "dlq", "apply", "--create-topics", plan).
		want(t, exitOK, fmt.Sprintf("%d delivered", letters), "live events may open a ticket for the key of a letter meanwhile")

	opened := len(b.desk.Desk(stubtrengo.Name).Tickets())
	got = command(again(invoice)+"\n"+again(invoice), "deliver")
	got.want(t, exitOK, `"outcome":"delivered"`, "keys of the rules of trengo are kept for this run only")
	if n := len(b.desk.Desk(stubtrengo.Name).Tickets()) - opened; n != 1 {
		t.Errorf("deliver opened %d tickets for two events of a key, want 1", n)
	}

	command("", "forget").want(t, exitUsage, "", "--user is missing")
	command("", "forget", "--user", "nobody").want(t, exitOK, "0 keys removed from events.responses.keys", "")
	got = command("", "forget", "--user", "user-0")
	got.want(t, exitOK, "10 keys removed from events.responses.keys", "")
	for _, topic := range []string{"events ", "events.responses ", "dlq.events.deskstream "} {
		if !strings.Contains(got.stdout, "  "+topic) {
			t.Errorf("it does not name the topic %s\n%s", topic, got.stdout)
		}
	}
	if n := b.keysLeft(); n != 10 {
		t.Errorf("%d keys are left, want 10", n)
	}
	command("", "forget", "--user", "user-0").want(t, exitOK, "0 keys removed", "")
	await(t, "the instance to know 10 keys", func() bool { return metric(t, b.instance[0].listening(), "deskstream_keys", inbox) == 10 })
}

// run creates the topic of keys where a rule has one, and takes no other than a compacted one.
func TestKeys_theirTopicIsCompacted(t *testing.T) {
	t.Parallel()
	b := newBills(t, worldOptions{sources: 1, others: 1}, 10)
	runCommand(t, "", "check", "-c", b.file, "--connect").want(t, exitFault, "events.responses.keys        failed   does not exist", "1 check failed")
	runCommand(t, "", "run", "-c", b.file).want(t, exitFault, "", "topic events.responses.keys does not exist: create it or run with --create-topics")
	b.join()
	b.instance[0].awaitLog("partitions assigned")
	runCommand(t, "", "check", "-c", b.file, "--connect").want(t, exitOK, "events.responses.keys", "")
	b.leave()
	if _, err := b.Admin(t).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "cleanup.policy", Value: new("delete")}}, "events.responses.keys"); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "", "run", "-c", b.file).want(t, exitFault, "", "topic events.responses.keys has cleanup.policy delete and would lose the keys of open tickets: set cleanup.policy=compact")
	runCommand(t, "", "check", "-c", b.file, "--connect").want(t, exitFault, "set cleanup.policy=compact", "1 check failed")
}
