package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink/topics"
)

// audited is a cluster with n source records, of which group deskstream.crm has
// committed all but the last, and no outcomes yet.
func audited(t *testing.T, n int) *box {
	t.Helper()
	b := newBox(t, kafkatest.Topic(eventsTopic, 1), kafkatest.Topic(responsesTopic, 1), kafkatest.Topic(lettersTopic, 1),
		kafkatest.Topic(lettersTopic+".state", 1, "cleanup.policy", "compact"))
	for i := range n {
		b.Produce(t, &kgo.Record{Topic: eventsTopic, Value: []byte(identify(fmt.Sprintf("m-%d", i)))})
	}
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: eventsTopic, At: int64(n - 1), LeaderEpoch: -1})
	if err := b.Admin(t).CommitAllOffsets(t.Context(), "deskstream.crm", offsets); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *box) outcome(offset int, outcome, round string) {
	b.t.Helper()
	b.Produce(b.t, outcomeRecord(fmt.Sprintf("%s/0/%d", eventsTopic, offset), outcome, round,
		fmt.Sprintf(`{"event":{"id":"m-%d"},"destination":{"name":"crm"},"outcome":%q,"round":%s,"at":"2026-01-02T03:04:06.001Z","source":{"topic":"events","partition":0,"offset":%d}}`,
			offset, outcome, round, offset)))
}

func (b *box) run(args ...string) result {
	b.t.Helper()
	return runCommand(b.t, "", append([]string{args[0], "-c", b.file}, args[1:]...)...)
}

func TestAudit_allIsThere(t *testing.T) {
	t.Parallel()
	b := audited(t, 6)
	b.run("audit").want(t, exitOK, "events/0  nothing to audit", "")
	for _, o := range []int{4, 2, 3, 2} { // the group began at 2, and 2 is there twice
		b.outcome(o, "delivered", "0")
	}
	got := b.run("audit")
	got.want(t, exitOK, "events/0  offsets 2 to 4  3 delivered, 0 skipped, 0 dead, 1 duplicates, 0 reprocessed", "")
	got.want(t, exitOK, "3 outcomes: 3 delivered, 0 skipped, 0 dead; 1 duplicates, 0 missing, 0 conflicting", "")
}

func TestAudit_listsWhatIsMissingOrDiffers(t *testing.T) {
	t.Parallel()
	b := audited(t, 8)
	for _, o := range []struct {
		offset         int
		outcome, round string
	}{{0, "delivered", "0"}, {1, "skipped", "0"}, {3, "delivered", "0"}, {3, "dead", "0"}, {4, "dead", "0"}, {5, "dead", "0"}, {6, "delivered", "0"}} {
		b.outcome(o.offset, o.outcome, o.round)
	}
	cluster := "" // the cluster's id is part of a letter's
	if m, err := b.Admin(t).BrokerMetadata(t.Context()); err == nil {
		cluster = m.Cluster
	}
	for _, offset := range []int{3, 5} {
		id := topics.LetterID(topics.Place{Origin: topics.Origin{Cluster: cluster}, Topic: eventsTopic, Offset: int64(offset)}, "crm", 0)
		b.Produce(t, ownLetter(offset, "dlq.id", id, "dlq.source.partition", "0"))
	}
	for n, s := range []letters.State{
		{ID: idOf(1), Status: letters.Delivered, Round: 1, Destination: "crm", At: time.Now(), Source: &letters.Place{Topic: eventsTopic, Offset: 4}},
		{ID: idOf(2), Status: letters.Delivered, Round: 1, Destination: "crm", At: time.Now(), Source: &letters.Place{Topic: eventsTopic, Offset: 5}},
	} {
		rec, err := s.Record(lettersTopic+".state", 1)
		if err != nil {
			t.Fatal(n, err)
		}
		b.Produce(t, rec)
	}
	b.outcome(5, "skipped", "1")
	got := b.run("audit")
	for _, text := range []string{
		"events/0/2 at crm, round 0: missing: it has no outcome",
		"events/0/3 at crm, round 0: conflicting: it has outcomes that differ",
		"events/0/4 at crm, round 0: missing: it is dead and has no letter",
		"events/0/4 at crm, round 1: missing: its letter " + idOf(1) + " was applied, and it has no outcome of that round",
		"events/0/5 at crm, round 1: conflicting: its letter " + idOf(2) + " is delivered, its outcome is not",
		"3 missing, 2 conflicting",
	} {
		got.want(t, exitMissing, text, "")
	}
}

func TestAudit_offsetsWithoutARecordAreNotMissing(t *testing.T) {
	t.Parallel()
	b := newBox(t, kafkatest.Topic(eventsTopic, 1), kafkatest.Topic(responsesTopic, 1), kafkatest.Topic(lettersTopic, 1),
		kafkatest.Topic(statesTopic, 1, "cleanup.policy", "compact"))
	cl := b.Client(t, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic(eventsTopic))
	for _, commit := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} { // offsets 0, 2 and 4 are records, 2 is aborted
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Value: []byte("{}")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: eventsTopic, At: 6, LeaderEpoch: -1})
	if err := b.Admin(t).CommitAllOffsets(t.Context(), "deskstream.crm", offsets); err != nil {
		t.Fatal(err)
	}
	b.outcome(0, "delivered", "0")
	b.outcome(4, "delivered", "0")
	b.run("audit").want(t, exitOK, "2 delivered, 0 skipped, 0 dead; 0 duplicates, 0 missing", "")
}

func TestAudit_beginsWhereOutcomesAreKept(t *testing.T) {
	t.Parallel()
	b := audited(t, 6)
	for _, o := range []int{1, 2, 0, 3, 4} {
		b.outcome(o, "delivered", "0")
	}
	if _, err := b.Admin(t).DeleteRecords(t.Context(), offsetsTo(responsesTopic, 2)); err != nil { // those of 1 and 2
		t.Fatal(err)
	}
	b.run("audit").want(t, exitOK, "nothing to audit", "the first outcomes of "+responsesTopic+" have expired: events before")
}

func TestExplain_knowsAnEventWhoseRecordHasExpiredByItsOutcome(t *testing.T) {
	t.Parallel()
	b := audited(t, 1)
	const id = `m-\"ü\"`
	b.Produce(t, outcomeRecord("events/0/7", "delivered", "0",
		`{"event":{"id":"`+id+`"},"destination":{"name":"crm"},"outcome":"delivered","round":0,"at":"2026-01-02T03:04:06.001Z","source":{"topic":"events","partition":0,"offset":7}}`))
	b.run("explain", `m-"ü"`).want(t, exitOK, "no longer on the source topics\n\nevents/0/7  crm\n    round 0 at", "")
}

func TestExplain_tellsTheStoryInOrder(t *testing.T) {
	t.Parallel()
	b := audited(t, 3)
	b.Produce(t, &kgo.Record{Topic: eventsTopic, Value: []byte(identify("m-1"))}) // the same id is two events
	b.outcome(1, "dead", "0")
	b.outcome(2, "delivered", "0")
	b.outcome(1, "delivered", "1")
	b.outcome(3, "delivered", "0")
	letter := ownLetter(1, "dlq.source.partition", "0")
	b.Produce(t, letter)
	got := b.run("explain", "m-1")
	for _, text := range []string{
		"event m-1\nread at events/0/1,", "read at events/0/3,", "events/0/3  crm\n",
		"events/0/1  crm\n    round 0 at 2026-01-02T03:04:06.001Z: dead\n    round 1 at 2026-01-02T03:04:06.001Z: delivered\n    letter " + idOf(1) + " at " + lettersTopic + "/0/0\n",
	} {
		got.want(t, exitOK, text, "")
	}
	b.Produce(t, &kgo.Record{Topic: eventsTopic, Value: []byte(identify("m-8"))})
	b.run("explain", "m-8").want(t, exitOK, "\nno outcome: not delivered yet (is run running?)", "")
	if strings.Contains(got.stdout, "no outcome") {
		t.Errorf("an event with outcomes has none:\n%s", got.stdout)
	}
	b.run("explain", "m-9").want(t, exitFault, "", `no event with messageId "m-9" found: check the id, or its records have expired`)
	b.run("explain", "m-1", "--json").want(t, exitOK, `"read":[{"topic":"events"`, "")
}
