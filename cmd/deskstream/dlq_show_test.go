package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/explain"
	"github.com/deskstream/deskstream/internal/kafkatest"
)

// outcomeRecord is an outcome on the responses topic.
func outcomeRecord(source, outcome, round, value string) *kgo.Record {
	return &kgo.Record{
		Topic: responsesTopic, Key: []byte("user-7"), Value: []byte(value),
		Headers: recordHeaders("deskstream.group", "deskstream.crm", "deskstream.source", source, "deskstream.source.epoch", "0",
			"deskstream.destination", "crm", "deskstream.outcome", outcome, "deskstream.round", round),
	}
}

const diedOutcome = `{"event":{"id":"m-1"},"outcome":"dead","round":0,"at":"2026-01-02T03:04:06.001Z","schema":1,
"error":{"stage":"request","class":"rejected","code":"http_422","http_status":422,"message":"no such tag"},
"calls":[{"method":"POST","url":"https://x.test/v1/customers","status":422,"attempts":2,"request":{"name":"N"},"response":{"errors":[1]}}]}`

func TestDLQShow_tellsTheWholeStory(t *testing.T) {
	t.Parallel()
	b := newBox(t, kafkatest.Topic(lettersTopic, 2), kafkatest.Topic(responsesTopic, 1), kafkatest.Topic(statesTopic, 1, "cleanup.policy", "compact"))
	letter := ownLetter(1)
	letter.Headers = append(recordHeaders("traceparent", "00-ab"), letter.Headers...)
	letter.Headers = append(letter.Headers, recordHeaders("kafka_dlt-original-partition", "\x00\x00\x00\x03")...)
	b.Produce(t, letter, ownLetter(2, "dlq.id", "00000000000000000000000000000012"))
	b.Produce(t, outcomeRecord("events/3/1", "dead", "0", diedOutcome), outcomeRecord("events/3/9", "dead", "0", `{"outcome":"other"}`))
	got := b.dlq("show", "00000000000000000000000000000001")
	for _, text := range []string{
		"status       open", "event        track m-1 of user-7", "source       events/3/1 group deskstream.crm",
		"error        request rejected http_422 no such tag", "round 0 at 2026-01-02T03:04:06.001Z: dead rejected http_422: no such tag",
		"POST https://x.test/v1/customers -> 422 after 2 attempts", `request {"name":"N"}`, `response {"errors":[1]}`,
		"headers that came with the record\n  traceparent: 00-ab", "headers deskstream\n  dlq.version: 1",
		"headers spring\n  kafka_dlt-original-partition: 3 (binary, 4 bytes)", "key user-7", "\"type\": \"identify\"",
	} {
		got.want(t, exitOK, text, "")
	}
	if strings.Contains(got.stdout, "other") {
		t.Errorf("an outcome of another event is shown:\n%s", got.stdout)
	}
	var doc struct{ Data explain.Shown }
	if err := json.Unmarshal([]byte(b.dlq("show", "00000000000000000000000000000001", "--json").stdout), &doc); err != nil || len(doc.Data.Outcomes) != 1 {
		t.Errorf("JSON: %v, %d outcomes", err, len(doc.Data.Outcomes))
	}
	b.dlq("show", "0000").want(t, exitUsage, "", "more than one letter has an id that begins with 0000")
	b.dlq("show", "ffff").want(t, exitFault, "", "no letter on "+lettersTopic+" has the id ffff")
}

func TestDLQShow_aForeignLetterThatIsNoJSON(t *testing.T) {
	t.Parallel()
	b := newBox(t, kafkatest.Topic("orders-dlt", 1), kafkatest.Topic(responsesTopic, 1))
	b.Produce(t, &kgo.Record{
		Topic: "orders-dlt", Value: []byte("\x00\x01\xff\xfe\x00\x01\xff\xfe\x00"),
		Headers: recordHeaders("kafka_dlt-original-topic", "orders", "kafka_dlt-original-partition", "\x00\x00\x00\x03",
			"kafka_dlt-original-offset", "\x00\x00\x00\x00\x00\x00\x00\x76", "kafka_dlt-exception-fqcn", "E"),
	})
	var id string
	for line := range strings.Lines(b.dlq("list", "--topic", "orders-dlt").stdout) {
		if rest, is := strings.CutPrefix(line, "  sample  "); is {
			id = strings.Fields(rest)[0]
		}
	}
	b.dlq("show", "--topic", "orders-dlt", id).want(t, exitOK, `"0x0001fffe0001fffe00"`, "")
	b.dlq("show", "--topic", "orders-dlt", id).want(t, exitOK, "source       orders/3/118", "")
}
