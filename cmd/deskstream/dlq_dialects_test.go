package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink/topics"
)

const foreignLetters = "staff-dlq"

// abroad is a clinic with a source topic and a topic of another program's letters.
func abroad(t *testing.T) *clinic {
	t.Helper()
	c := newClinic(t)
	for _, topic := range []string{"events", foreignLetters} {
		if err := c.CreateTopic(topic, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func hire(n int) string {
	return fmt.Sprintf(`{"type":"identify","messageId":"m-%d","userId":"u-%d","traits":{"name":"N"}}`, n, n)
}

// hired is a record of the source.
func hired(n int, age time.Duration) *kgo.Record {
	return &kgo.Record{
		Topic: "events", Key: fmt.Appendf(nil, "u-%d", n), Value: []byte(hire(n)), Timestamp: time.Now().Add(-age),
		Headers: recordHeaders("traceparent", fmt.Sprintf("00-ab%d", n)),
	}
}

// sorry is a letter with the record and the headers of a dialect that begin with prefix.
func sorry(prefix, topic string, n int, more ...string) *kgo.Record {
	return &kgo.Record{
		Topic: foreignLetters, Key: fmt.Appendf(nil, "u-%d", n), Value: []byte(hire(n)),
		Headers: recordHeaders(append([]string{prefix + "topic", topic, prefix + "partition", "0", prefix + "offset", fmt.Sprint(n)}, more...)...),
	}
}

const (
	ofStreams  = "__streams.errors."
	ofConnect  = "__connect.errors."
	ofShares   = "__dlq.errors."
	ofSmallRye = "dead-letter-"
)

func TestDLQ_lettersOfOneRecordAreOneSend(t *testing.T) {
	t.Parallel()
	c := abroad(t)
	c.Produce(t,
		sorry(ofStreams, "events", 0, ofStreams+"message", "serializer"), sorry(ofStreams, "events", 1),
		sorry(ofStreams, "events", 0, ofStreams+"message", "production"), sorry(ofStreams, "events", 1),
		sorry(ofConnect, "events", 0), // another program gave the same record up
		sorry(ofStreams, "other", 0))  // another topic's record
	got := c.wants(exitOK, "6 letters: 3 send, 3 settle", "", "plan", "--every", "--topic", foreignLetters, "--to", "crm", "-o", c.plan)
	got.wantAll(t, exitOK, "it is settled with letter ", "")
	c.wants(exitOK, "3 delivered, 3 settled with another letter of their record", "", "apply", "--create-topics", c.plan)
	c.wantWrites(3)
	states := letters.States{}
	for _, r := range c.Consume(t, foreignLetters+".state") {
		states.Take(r)
	}
	for _, r := range c.Consume(t, foreignLetters) {
		if l := letters.Parse(r); states.Status(l.ID) != letters.Delivered {
			t.Errorf("the letter at %s is %s", l.At, states.Status(l.ID))
		}
	}
	c.wants(exitOK, "nothing to do", "", "apply", c.plan)
	c.wantWrites(3)
}

// The audit looks for the outcome of the round that a state names.
func TestDLQApply_aLetterSettledWithAnotherHasTheRoundOfItsOutcome(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	second := userLetter(2, "u-1")
	for i, h := range second.Headers {
		switch h.Key {
		case "dlq.source.offset":
			second.Headers[i].Value = []byte("1")
		case "dlq.redrive.round":
			second.Headers[i].Value = []byte("1")
		}
	}
	c.Produce(t, userLetter(1, "u-1"), second)
	c.wants(exitOK, "1 send, 1 settle", "", "plan", "--every", "-o", c.plan)
	c.wants(exitOK, "1 delivered, 1 settled with another letter", "", "apply", c.plan)
	if s := c.states()[mustKey(t, idOf(2))]; s.Status != letters.Delivered || s.Round != 1 {
		t.Errorf("the state of the second is %s of round %d, want delivered of round 1", s.Status, s.Round)
	}
}

func TestDLQPlan_lettersOfOnePlaceWithTwoTimesAreOfTwoRecords(t *testing.T) {
	t.Parallel()
	c := abroad(t)
	for _, ms := range []string{"1767000000000", "1767000000001", "1767000000000"} {
		c.Produce(t, &kgo.Record{
			Topic: foreignLetters, Value: []byte(hire(0)),
			Headers: recordHeaders("x-original-topic", "events", "x-original-partition", "0", "x-original-offset", "0", "x-original-timestamp", ms),
		})
	}
	c.wants(exitOK, "3 letters: 1 behind, 1 send, 1 settle", "", "plan", "--every", "--topic", foreignLetters, "--to", "crm")
	for n, id := range []string{"AQIDBAUGBwgJCgsMDQ4PEA", "AgIDBAUGBwgJCgsMDQ4PEA", "AQIDBAUGBwgJCgsMDQ4PEA"} { // of the topic
		own := userLetter(n, "u-1")
		for i, h := range own.Headers {
			if h.Key == "dlq.source.offset" {
				own.Headers[i].Value = []byte("9")
			}
		}
		own.Headers = append(own.Headers, recordHeaders("dlq.source.topic_id", id)...)
		c.Produce(t, own)
	}
	c.wants(exitOK, "2 letters: 1 behind, 1 send", "1 letter there twice", "plan", "--every")
}

func TestDLQ_aLetterOfARecordWhoseSendDiesIsDeadToo(t *testing.T) {
	t.Parallel()
	c := abroad(t)
	c.Produce(t, sorry(ofStreams, "events", 0), sorry(ofStreams, "events", 0))
	c.wants(exitOK, "2 letters: 1 send, 1 settle", "", "plan", "--every", "--topic", foreignLetters, "--to", "crm", "-o", c.plan)
	c.answer(422)
	c.wants(exitFault, "1 settled with another letter of their record, 1 died again", "", "apply", "--create-topics", "--max-fail", "1", c.plan)
	next := map[string]int{}
	for _, r := range c.Consume(t, foreignLetters+".state") {
		states := letters.States{}
		states.Take(r)
		for _, s := range states {
			if s.Status == letters.Died {
				next[s.Next]++
			}
		}
	}
	if len(next) != 1 {
		t.Errorf("the new letters of the two are %v, want one", next)
	}
}

func TestDLQPlan_lettersOfOneRecordShareAVerdict(t *testing.T) {
	t.Parallel()
	c := abroad(t)
	c.Produce(t, sorry(ofStreams, "events", 0), sorry(ofStreams, "events", 0), sorry(ofStreams, "events", 1), sorry(ofStreams, "events", 1))
	c.Produce(t, outcomeRecord("events/0/1", "delivered", "0", `{"event":{"type":"track"},"outcome":"delivered"}`))
	c.wants(exitOK, "4 letters: 2 delivered, 1 send, 1 settle", "", "plan", "--every", "--topic", foreignLetters, "--to", "crm", "-o", c.plan)
	// The first is discarded since: nothing settles the second.
	for _, r := range c.Consume(t, foreignLetters)[:1] {
		l := letters.Parse(r)
		state, err := letters.State{ID: l.ID, Status: letters.Discarded, At: time.Now()}.Record(foreignLetters+".state", 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.CreateTopic(foreignLetters+".state", 1, nil); err != nil {
			t.Fatal(err)
		}
		c.Produce(t, state)
	}
	c.wants(exitFault, "1 changed since the plan", "plan again", "apply", c.plan)
	c.wantWrites(0)
}

// A share group may give a record up days after it was delivered.
func TestDLQPlan_aDeliveryLongBeforeTheLetterIsFound(t *testing.T) {
	t.Parallel()
	c := abroad(t)
	for n := range 4 {
		o := outcomeRecord(fmt.Sprintf("events/0/%d", n), "delivered", "0", `{"event":{"type":"track"},"outcome":"delivered"}`)
		o.Timestamp = time.Now().Add(-50 * time.Hour)
		c.Produce(t, o)
	}
	c.Produce(t, sorry(ofShares, "events", 0), sorry(ofSmallRye, "events", 1), sorry(ofConnect, "events", 2),
		&kgo.Record{
			Topic: foreignLetters, Value: []byte(hire(3)), Headers: recordHeaders("kafka_dlt-original-topic", "events",
				"kafka_dlt-original-partition", "0", "kafka_dlt-original-offset", "3"),
		})
	c.wants(exitOK, "4 letters: 4 delivered", "", "plan", "--every", "--topic", foreignLetters, "--to", "crm")
	id := letters.Parse(c.Consume(t, foreignLetters)[0]).ID
	c.wants(exitOK, "round 0 at", "", "show", "--topic", foreignLetters, id)
}

func TestDLQ_timeAndHeadersOfACopiedLetterAreThoseOfItsRecord(t *testing.T) {
	t.Parallel()
	c := abroad(t)
	c.file = writeFile(t, "aged.yaml", strings.Replace(readFile(t, c.file), "    delivery:\n", "    delivery:\n      max_age: 1h\n", 1))
	c.Produce(t, hired(0, 5*time.Hour), hired(1, 5*time.Hour), hired(2, 5*time.Minute), hired(3, 5*time.Hour))
	other := sorry(ofShares, "events", 3)
	other.Value = []byte(hire(9)) // the topic was recreated
	c.Produce(t, sorry(ofShares, "events", 0), sorry(ofSmallRye, "events", 1), sorry(ofShares, "events", 2), other, sorry(ofShares, "events", 8))
	got := c.wants(exitOK, "5 letters: 3 send, 2 still_dead", "2 letters without the time of the event, and the record is not there",
		"plan", "--every", "--topic", foreignLetters, "--to", "crm", "-o", c.plan)
	got.wantAll(t, exitOK, "expired too_old", "")
	var shows []string
	for _, r := range c.Consume(t, foreignLetters) {
		l := letters.Parse(r)
		shows = append(shows, c.dlq("show", "--topic", foreignLetters, l.ID).stdout)
	}
	for i, want := range []string{
		"record       the letter has it: time and headers are fetched from events/0/0",
		"record       the letter has it: the time is fetched from events/0/1",
		"headers that came with the record\n  traceparent: 00-ab2",
		"record       the letter has it and not its time and headers: the record at events/0/3 differs from the letter: the topic was recreated",
		"record       the letter has it and not its time and headers: its record at events/0/8 does not exist",
	} {
		if !strings.Contains(shows[i], want) {
			t.Errorf("show of letter %d lacks %q:\n%s", i, want, shows[i])
		}
	}
	if strings.Contains(shows[1], "traceparent") {
		t.Errorf("headers are added to a letter that keeps its own:\n%s", shows[1])
	}
	c.wants(exitOK, "3 delivered", "", "apply", "--create-topics", c.plan)
	traced := 0
	for _, r := range outcomeRecords(c.Consume(t, responsesTopic)) {
		for _, h := range r.Headers {
			if h.Key == "traceparent" && string(h.Value) == "00-ab2" {
				traced++
			}
		}
	}
	if traced != 1 {
		t.Errorf("%d outcomes carry the record's traceparent, want 1", traced)
	}
}

// Neither -1 nor 0 is a time.
func TestDLQPlan_aRecordWithoutATimeIsFetchedOnce(t *testing.T) {
	t.Parallel()
	c := abroad(t)
	timeless := hired(0, 0)
	timeless.Timestamp = time.UnixMilli(0)
	c.Produce(t, timeless, sorry(ofShares, "events", 0))
	c.wants(exitOK, "1 letter: 1 send", "1 letter without the time of the event", "plan", "--every", "--topic", foreignLetters, "--to", "crm")
	id := letters.Parse(c.Consume(t, foreignLetters)[0]).ID
	c.wants(exitOK, "time and headers are fetched from events/0/0", "", "show", "--topic", foreignLetters, id)
}

// A share group may read the letters of another one.
func TestDLQ_aLetterThatNamesALetterIsFollowed(t *testing.T) {
	t.Parallel()
	c := abroad(t)
	if err := c.CreateTopic("inner", 1, nil); err != nil {
		t.Fatal(err)
	}
	named := func(on, topic string, n int) *kgo.Record {
		r := sorry(ofShares, topic, n)
		r.Topic, r.Key, r.Value = on, nil, nil
		return r
	}
	c.Produce(t, hired(0, time.Minute), named("inner", "events", 0), named("inner", "inner", 1))
	c.Produce(t, named(foreignLetters, "inner", 0), named(foreignLetters, "inner", 1))
	got := c.wants(exitOK, "2 letters: 1 no_record, 1 send", "", "plan", "--every", "--topic", foreignLetters, "--to", "crm", "-o", c.plan)
	got.wantAll(t, exitOK, "the letter names inner/0/1, which is a letter that names another one", "")
	c.wants(exitOK, "1 delivered", "", "apply", "--create-topics", c.plan)
	c.wantWrites(1)
	if e, ok := topics.ParseEntry(outcomeRecords(c.Consume(t, responsesTopic))[0]); !ok || e.Topic != "events" || e.Offset != 0 {
		t.Errorf("the outcome is of %s/%d", e.Topic, e.Offset)
	}
}

// What the letter has is sent without the right to read its record, which only costs the time.
func TestDLQPlan_aRecordThatMayNotBeReadIsDoneWithout(t *testing.T) {
	t.Parallel()
	c := abroad(t)
	c.Produce(t, hired(0, time.Minute), sorry(ofSmallRye, "events", 0), sorry(ofSmallRye, "no topic!", 0))
	c.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		asked := req.(*kmsg.MetadataRequest)
		if len(asked.Topics) != 1 || asked.Topics[0].Topic == nil || *asked.Topics[0].Topic != "events" && *asked.Topics[0].Topic != "no topic!" {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.ErrorCode = asked.Topics[0].Topic, 29 // TOPIC_AUTHORIZATION_FAILED
		if *topic.Topic == "no topic!" {
			topic.ErrorCode = 17 // INVALID_TOPIC_EXCEPTION
		}
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	c.wants(exitOK, "2 letters: 2 send", "2 letters without the time of the event", "plan", "--every", "--topic", foreignLetters, "--to", "crm")
	id := letters.Parse(c.Consume(t, foreignLetters)[0]).ID
	c.wants(exitOK, "record       the letter has it and not its time: its record at events/0/0 cannot be read: ", "", "show", "--topic", foreignLetters, id)
}

func TestDLQPlan_saysWhereAnEarlierDeliveryIsNotRecognised(t *testing.T) {
	t.Parallel()
	c := abroad(t)
	c.Produce(t, sorry(ofStreams, "app-count-repartition", 1), sorry(ofStreams, "app-count-repartition", 2), sorry(ofStreams, "events", 3),
		&kgo.Record{Topic: foreignLetters, Value: []byte(hire(4)), Headers: recordHeaders("topic_poisoned", "events", "reason_poisoned", "m")})
	got := c.wants(exitOK, "4 letters: 4 send", "note: 2 letters of topic app-count-repartition, which is not among source.topics",
		"plan", "--every", "--topic", foreignLetters, "--to", "crm", "-o", c.plan)
	got.wantAll(t, exitOK, "would be sent, round 1: its topic app-count-repartition is not among source.topics", "")
	got.wantAll(t, exitOK, "would be sent, round 1: it does not name its record", "note: 1 letter without the place of the record")
	if n := strings.Count(got.stdout, "not among source.topics"); n != 2 {
		t.Errorf("%d letters are of another topic, want 2:\n%s", n, got.stdout)
	}
	if text, err := os.ReadFile(c.plan); err != nil || strings.Count(string(text), "not among source.topics") != 2 {
		t.Errorf("the plan file does not say it: %v", err)
	}
}

func TestDLQShow_saysWhoseTimestampALetterHas(t *testing.T) {
	t.Parallel()
	c := abroad(t)
	kept := sorry(ofConnect, "events", 0)
	kept.Timestamp = time.Now().Add(-5 * time.Hour)
	nowhere := &kgo.Record{Topic: foreignLetters, Headers: recordHeaders(ofStreams+"topic", "", ofStreams+"partition", "-1", ofStreams+"offset", "-1")}
	c.Produce(t, kept, nowhere)
	records := c.Consume(t, foreignLetters)
	shown := c.wants(exitOK, "timestamp of its event "+output.Time(kept.Timestamp), "", "show", "--topic", foreignLetters, letters.Parse(records[0]).ID)
	if strings.Contains(shown.stdout, "written") || strings.Contains(shown.stdout, "record  ") {
		t.Errorf("a letter of Connect says when it was written, or lacks its record:\n%s", shown.stdout)
	}
	c.wants(exitOK, " written ", "", "show", "--topic", foreignLetters, letters.Parse(records[1]).ID)
	c.wants(exitOK, "letter "+foreignLetters+"/0/1\n", "", "list", "--topic", foreignLetters)
}
