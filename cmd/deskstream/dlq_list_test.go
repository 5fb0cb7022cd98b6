package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/letters"
)

// box is a cluster with letters, and a file for it.
type box struct {
	*kafkatest.Cluster
	t    *testing.T
	file string
}

func newBox(t *testing.T, opts ...kafkatest.Option) *box {
	t.Helper()
	c := kafkatest.Kafka(t, opts...)
	return &box{Cluster: c, t: t, file: withBrokers(t, deskConfig(t, "http://127.0.0.1:1", "crm"), c.Brokers)}
}

func (b *box) dlq(args ...string) result {
	b.t.Helper()
	return runCommand(b.t, "", append([]string{"dlq", args[0], "-c", b.file}, args[1:]...)...)
}

func recordHeaders(pairs ...string) []kgo.RecordHeader {
	list := make([]kgo.RecordHeader, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, kgo.RecordHeader{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return list
}

// ownLetter is a letter with the headers that a test looks at.
func ownLetter(n int, change ...string) *kgo.Record {
	set := map[string]string{}
	for i := 0; i < len(change); i += 2 {
		set[change[i]] = change[i+1]
	}
	pairs := []string{
		"dlq.version", "1", "dlq.id", fmt.Sprintf("%032x", n), "dlq.source.topic", "events", "dlq.source.partition", "3",
		"dlq.source.offset", fmt.Sprint(n), "dlq.source.group", "deskstream.crm", "dlq.destination", "crm", "dlq.stage", "request",
		"dlq.class", "rejected", "dlq.code", "http_422", "dlq.http.status", "422", "dlq.message", "no such tag",
		"dlq.fingerprint", "aaaa", "dlq.retryable", "after_fix", "dlq.lane", "user-7", "dlq.event.id", fmt.Sprintf("m-%d", n),
		"dlq.event.type", "track", "dlq.redrive.round", "0",
	}
	for i := 0; i < len(pairs); i += 2 {
		if value, there := set[pairs[i]]; there {
			pairs[i+1] = value
		}
	}
	return &kgo.Record{
		Topic: lettersTopic, Key: []byte("user-7"), Value: []byte(identify(fmt.Sprintf("m-%d", n))), Headers: recordHeaders(pairs...),
		Timestamp: time.UnixMilli(1_767_323_045_000).Add(time.Duration(n) * time.Minute),
	}
}

// groups are the groups of dlq list --json, as "fingerprint count".
func groups(t *testing.T, stdout string) []string {
	t.Helper()
	var list []string
	var doc struct {
		Data struct{ Groups []letters.Group }
	}
	if err := json.Unmarshal([]byte(stdout), &doc); err != nil {
		t.Fatal(err)
	}
	for _, g := range doc.Data.Groups {
		list = append(list, fmt.Sprintf("%s %d", g.Fingerprint, g.Count))
	}
	return list
}

func TestDLQList_groupsByCause(t *testing.T) {
	t.Parallel()
	b := newBox(t, kafkatest.Topic(lettersTopic, 2))
	second := ownLetter(4, "dlq.fingerprint", "bbbb", "dlq.code", "contact_not_found", "dlq.class", "invalid", "dlq.stage", "lookup", "dlq.http.status", "0")
	second.Partition = 1
	b.Produce(t, ownLetter(1), ownLetter(2), second, ownLetter(3), ownLetter(3))
	got := b.dlq("list")
	got.want(t, exitOK, `aaaa  3 letters  crm rejected http_422
  from    2026-01-02T03:05:05Z to 2026-01-02T03:07:05Z
  error   no such tag
  sample  00000000000000000000000000000001  track m-1 user-7 events/3/1
  to do   the help desk refused a field: the message names it`, "1 letter there twice")
	got.want(t, exitOK, "bbbb  1 letter  crm invalid contact_not_found", "note")
	got.want(t, exitOK, "4 letters, 2 causes", "note")
}

func TestDLQList_everyFilterPicks(t *testing.T) {
	t.Parallel()
	b := newBox(t, kafkatest.Topic(lettersTopic, 1))
	b.Produce(t, ownLetter(1), ownLetter(2, "dlq.id", "ffff0000000000000000000000000000", "dlq.fingerprint", "bbbb", "dlq.destination", "inbox",
		"dlq.class", "invalid", "dlq.code", "missing_identity", "dlq.http.status", "0", "dlq.event.type", "page", "dlq.lane", "user-8", "dlq.source.partition", "4"))
	for _, args := range [][]string{
		{"--id", "ffff"},
		{"--fingerprint", "bb"},
		{"--destination", "inbox"},
		{"--class", "invalid"},
		{"--code", "missing_identity"},
		{"--status", "0"},
		{"--type", "page"},
		{"--user", "user-8"},
		{"--partition", "4"},
		{"--offset", "2"},
		{"--offset", "2-9"},
		{"--since", "2026-01-02T03:06:00Z"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			got := runCommand(t, "", append([]string{"dlq", "list", "-c", b.file, "--json"}, args...)...)
			if diff := cmp.Diff([]string{"bbbb 1"}, groups(t, got.stdout)); diff != "" {
				t.Errorf("groups (-want +got):\n%s\n%s", diff, got.stderr)
			}
		})
	}
	got := b.dlq("list", "--json", "--until", "2026-01-02T03:06:00Z")
	if diff := cmp.Diff([]string{"aaaa 1"}, groups(t, got.stdout)); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
	b.dlq("list", "--since", "soon").want(t, exitUsage, "", `--since: "soon" is no duration`)
	b.dlq("list", "--offset", "9-2").want(t, exitUsage, "", `--offset: "9-2" is no offset`)
}

func TestDLQList_leavesOutWhatIsClosed(t *testing.T) {
	t.Parallel()
	b := newBox(t, kafkatest.Topic(lettersTopic, 1), kafkatest.Topic(lettersTopic+".state", 3, "cleanup.policy", "compact"))
	b.Produce(t, ownLetter(1), ownLetter(2), ownLetter(3))
	for _, s := range []letters.State{
		{ID: fmt.Sprintf("%032x", 1), Status: letters.Discarded, At: time.Now()},
		{ID: fmt.Sprintf("%032x", 2), Status: letters.Sending, At: time.Now()},
	} {
		rec, err := s.Record(lettersTopic+".state", 3)
		if err != nil {
			t.Fatal(err)
		}
		b.Produce(t, rec)
	}
	b.dlq("list").want(t, exitOK, "of them 1 open, 1 sending", "1 letter closed")
	b.dlq("list", "--all").want(t, exitOK, "of them 1 open, 1 sending, 1 discarded", "")
}

func TestDLQList_saysWhatIsWrongWithTheTopic(t *testing.T) {
	t.Parallel()
	b := newBox(t)
	b.dlq("list").want(t, exitFault, "", "topic "+lettersTopic+" does not exist on this cluster")

	b = newBox(t, kafkatest.Topic(lettersTopic, 1, "cleanup.policy", "compact"))
	b.Produce(t, ownLetter(1), ownLetter(2), ownLetter(3, "dlq.version", "9"), &kgo.Record{Topic: lettersTopic, Value: []byte("hello")})
	if _, err := b.Admin(t).DeleteRecords(t.Context(), offsetsTo(lettersTopic, 1)); err != nil {
		t.Fatal(err)
	}
	got := b.dlq("list")
	for _, text := range []string{
		"is compacted: of letters with the same key only the latest is kept",
		"the first 1 offsets of 1 partition",
		"1 record of " + lettersTopic + " without a dead-letter header that is known here",
		"1 letter of " + lettersTopic + " with headers of ours that cannot be used",
	} {
		got.want(t, exitOK, "unknown", text)
	}
	got.want(t, exitOK, `its headers cannot be used (dlq.version is "9", which this program does not know)`, "note")

	c := newBox(t, kafkatest.Topic(lettersTopic, 1), kafkatest.Topic(lettersTopic+".state", 1))
	c.Produce(t, &kgo.Record{Topic: lettersTopic + ".state", Key: []byte("k"), Value: []byte("v")})
	c.dlq("list").want(t, exitOK, "0 letters", "1 record of "+lettersTopic+".state not the state of a letter and left out")
}

func offsetsTo(topic string, offset int64) kadm.Offsets {
	var to kadm.Offsets
	to.Add(kadm.Offset{Topic: topic, At: offset})
	return to
}
