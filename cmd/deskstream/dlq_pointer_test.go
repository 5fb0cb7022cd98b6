package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
)

const sharedLetters = "dlq.shared"

// named is a letter as a broker writes it for a share group: without the record.
func named(prefix, topic string, offset int) *kgo.Record {
	return &kgo.Record{Topic: sharedLetters, Headers: recordHeaders(prefix+"topic", topic, prefix+"partition", "0",
		prefix+"offset", fmt.Sprint(offset), prefix+"group", "shared", prefix+"message", "Offset rejected by client.")}
}

// withPointers is a clinic with a topic of events and letters of a share group and of
// Kafka Streams, of which the first two can be brought home.
func withPointers(t *testing.T) *clinic {
	t.Helper()
	c := newClinic(t)
	for _, topic := range []string{"orders", sharedLetters} {
		if err := c.CreateTopic(topic, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 {
		c.Produce(t, &kgo.Record{
			Topic: "orders", Key: fmt.Appendf(nil, "u-%d", n), Headers: recordHeaders("traceparent", "00-ab"),
			Value: fmt.Appendf(nil, `{"type":"identify","messageId":"m-%d","userId":"u-%d","traits":{"name":"N"}}`, n, n),
		})
	}
	c.Produce(t, &kgo.Record{Topic: "orders", Value: []byte(identify("m-9")), Timestamp: time.Now().Add(2 * journal.ClockSlack)})
	if _, err := c.Admin(t).DeleteRecords(t.Context(), offsetsTo("orders", 2)); err != nil {
		t.Fatal(err)
	}
	copied := named("__dlq.errors.", "orders", 1) // the record has expired, the letter has it
	copied.Key, copied.Value = []byte("u-1"), []byte(`{"type":"identify","messageId":"m-1","userId":"u-1","traits":{"name":"N"}}`)
	c.Produce(t, copied, named("__dlq.errors.", "orders", 3), named("__streams.errors.", "orders", 4),
		named("__dlq.errors.", "orders", 1), named("__dlq.errors.", "orders", 77), named("__dlq.errors.", "payments", 1),
		named("__dlq.errors.", "orders", 5), named("__dlq.errors.", "orders", -1))
	return c
}

func TestDLQ_theRecordThatALetterOnlyNamesIsFetched(t *testing.T) {
	t.Parallel()
	c := withPointers(t)
	got := c.wants(exitOK, "8 letters: 5 no_record, 3 send", "", "plan", "--every", "--topic", sharedLetters, "--to", "crm", "-o", c.plan)
	for _, text := range []string{
		"its record at orders/0/1 has expired: the partition begins at offset 2",
		"its record at orders/0/77 does not exist: the topic ends before it, and may have been recreated",
		"its record at payments/0/1 is gone: there is no topic payments on this cluster",
		"the record at orders/0/5 is younger than the letter: the topic was recreated",
		"the letter does not say where its record is",
	} {
		got.wantAll(t, exitOK, text, "")
	}
	c.wants(exitOK, "3 delivered", "", "apply", "--create-topics", c.plan)
	c.wantWrites(3)
	sources := map[string]string{}
	for _, r := range outcomeRecords(c.Consume(t, responsesTopic)) {
		var o struct {
			Event  struct{ ID string }
			Source struct {
				Topic     string
				Partition int32
				Offset    int64
			}
		}
		if err := json.Unmarshal(r.Value, &o); err != nil {
			t.Fatal(err)
		}
		sources[o.Event.ID] = fmt.Sprintf("%s/%d/%d", o.Source.Topic, o.Source.Partition, o.Source.Offset)
	}
	if diff := cmp.Diff(map[string]string{"m-1": "orders/0/1", "m-3": "orders/0/3", "m-4": "orders/0/4"}, sources); diff != "" {
		t.Errorf("sources by event (-want +got):\n%s", diff)
	}
}

func TestDLQShow_saysWhereTheRecordOfALetterIs(t *testing.T) {
	t.Parallel()
	c := withPointers(t)
	ids := map[int64]string{}
	for _, r := range c.Consume(t, sharedLetters) {
		l := letters.Parse(r)
		ids[r.Offset] = l.ID
	}
	there := c.wants(exitOK, "record       the letter only names it: fetched from orders/0/3", "", "show", "--topic", sharedLetters, ids[1])
	for _, text := range []string{
		"source       orders/0/3", `"messageId": "m-3"`, "key u-3", "headers that came with the record\n  traceparent: 00-ab",
		"headers kip1191\n  __dlq.errors.topic: orders", "Offset rejected by client.",
	} {
		there.wantAll(t, exitOK, text, "")
	}
	gone := c.wants(exitOK, "record       its record at orders/0/1 has expired: the partition begins at offset 2", "", "show", "--topic", sharedLetters, ids[3])
	gone.wantAll(t, exitOK, "source       orders/0/1", "")
	gone.wantAll(t, exitOK, "value\nnull", "")
	copied := c.wants(exitOK, `"messageId": "m-1"`, "", "show", "--topic", sharedLetters, ids[0])
	copied.wantAll(t, exitOK, "record       the letter has it and not its time and headers: its record at orders/0/1 has expired", "")
}

func TestDLQApply_aRecordThatExpiredSinceThePlanIsNotSent(t *testing.T) {
	t.Parallel()
	c := withPointers(t)
	c.wants(exitOK, "3 send", "", "plan", "--every", "--topic", sharedLetters, "--to", "crm", "-o", c.plan)
	if _, err := c.Admin(t).DeleteRecords(t.Context(), offsetsTo("orders", 4)); err != nil {
		t.Fatal(err)
	}
	c.wants(exitFault, "2 delivered, 1 changed since the plan", "what would be sent is no longer what was planned", "apply", "--create-topics", c.plan)
	c.wantWrites(2)
}
