package letters_test

import (
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
)

var hired = time.UnixMilli(1_767_001_002_003).UTC()

// staff is a place in the topic of the events.
func staff(partition int32, offset int64) letters.Source {
	return letters.Source{Known: true, Place: letters.Place{Topic: "staff", Partition: partition, Offset: offset}}
}

// springRound are the headers of one round of DeadLetterPublishingRecoverer.
func springRound(topic, group, cause, message string, partition int32, offset int64) []kgo.RecordHeader {
	return headers("kafka_dlt-exception-fqcn", "org.springframework.kafka.listener.ListenerExecutionFailedException",
		"kafka_dlt-exception-cause-fqcn", cause, "kafka_dlt-exception-message", "Listener failed; "+message,
		"kafka_dlt-exception-stacktrace", "org.springframework.kafka.listener.ListenerExecutionFailedException: Listener failed; "+message+
			"\n\tat a.B.c(B.java:7)\nCaused by: "+cause+": "+message+"\n\t... 9 more\n",
		"kafka_dlt-original-topic", topic, "kafka_dlt-original-partition", int32BE(partition), "kafka_dlt-original-offset", int64BE(offset),
		"kafka_dlt-original-timestamp", int64BE(hired.UnixMilli()+offset), "kafka_dlt-original-timestamp-type", "CreateTime",
		"kafka_dlt-original-consumer-group", group)
}

// retryHop are the headers that a hop of a retry topic adds.
func retryHop(attempt int32) []kgo.RecordHeader {
	return headers("retry_topic-original-timestamp", string(big.NewInt(hired.UnixMilli()).Bytes()),
		"retry_topic-attempts", int32BE(attempt), "retry_topic-backoff-timestamp", string(big.NewInt(hired.UnixMilli()+9000).Bytes()))
}

func retryOrigin() []kgo.RecordHeader {
	return headers("kafka_exception-fqcn", "org.springframework.kafka.listener.ListenerExecutionFailedException",
		"kafka_exception-cause-fqcn", "a.Late", "kafka_exception-message", "too late",
		"kafka_original-topic", "staff", "kafka_original-partition", int32BE(2), "kafka_original-offset", int64BE(40),
		"kafka_original-timestamp", int64BE(hired.UnixMilli()), "kafka_original-timestamp-type", "CreateTime",
		"kafka_dlt-original-consumer-group", "payroll")
}

func smallRyeRound(topic, class, reason, partition, offset string) []kgo.RecordHeader {
	return headers("dead-letter-exception-class-name", class, "dead-letter-reason", reason,
		"dead-letter-topic", topic, "dead-letter-partition", partition, "dead-letter-offset", offset)
}

func connectRound(topic, connector, message, offset string) []kgo.RecordHeader {
	return headers("__connect.errors.topic", topic, "__connect.errors.partition", "2", "__connect.errors.offset", offset,
		"__connect.errors.connector.name", connector, "__connect.errors.task.id", "0", "__connect.errors.stage", "TASK_PUT",
		"__connect.errors.class.name", "a.Sink", "__connect.errors.exception.class.name", "a.Refused",
		"__connect.errors.exception.message", message, "__connect.errors.exception.stacktrace", "a.Refused: "+message+"\n\tat a.Sink.put(Sink.java:3)\n")
}

func streamsRound(topic, partition, offset string) []kgo.RecordHeader {
	return headers("__streams.errors.exception", "a.Odd", "__streams.errors.message", "odd", "__streams.errors.stacktrace", "a.Odd: odd\n\tat a.B",
		"__streams.errors.topic", topic, "__streams.errors.partition", partition, "__streams.errors.offset", offset)
}

// at gives a source the time that headers tell, and the group.
func at(s letters.Source, ms int64, group string) letters.Source {
	s.Timestamp, s.TimestampType, s.Group = time.UnixMilli(ms).UTC(), "CreateTime", group
	return s
}

func of(s letters.Source, group string) letters.Source { s.Group = group; return s }

func TestParse_theFirstRoundTellsTheOriginAndTheLastTheError(t *testing.T) {
	own := headers("trace", "7")
	untyped := at(staff(2, 40), hired.UnixMilli(), "")
	untyped.TimestampType = ""
	poisoned := letters.Source{Place: letters.Place{Topic: "staff"}, Group: "onboarding"}
	for name, c := range map[string]struct {
		headers []kgo.RecordHeader
		want    told
	}{
		"smallrye": {
			slices.Concat(smallRyeRound("staff", "a.Odd", "odd", "2", "40"), own),
			told{letters.SmallRye, staff(2, 40), "", "", "a.Odd", "odd", 0, false},
		},
		"smallrye, second round in front": {
			slices.Concat(smallRyeRound("dead-letter-topic-in", "a.Worse", "worse", "0", "3"), smallRyeRound("staff", "a.Odd", "odd", "2", "40"), own),
			told{letters.SmallRye, staff(2, 40), "", "", "a.Worse", "worse", 0, false},
		},
		"smallrye, third round": {
			slices.Concat(smallRyeRound("c", "a.Worst", "worst", "1", "1"), smallRyeRound("b", "a.Worse", "worse", "0", "3"), smallRyeRound("staff", "a.Odd", "odd", "2", "40")),
			told{letters.SmallRye, staff(2, 40), "", "", "a.Worst", "worst", 0, false},
		},
		"spring": {
			slices.Concat(own, springRound("staff", "payroll", "a.Odd", "odd", 2, 40)),
			told{letters.Spring, at(staff(2, 40), hired.UnixMilli()+40, "payroll"), "payroll", "", "a.Odd", "Listener failed; odd", 0, false},
		},
		"spring, deliveries counted": {
			slices.Concat(own, headers("kafka_deliveryAttempt", int32BE(6)), springRound("staff", "payroll", "a.Odd", "odd", 2, 40)),
			told{letters.Spring, at(staff(2, 40), hired.UnixMilli()+40, "payroll"), "payroll", "", "a.Odd", "Listener failed; odd", 6, false},
		},
		"spring, second round by another group": {
			slices.Concat(own, springRound("staff", "payroll", "a.Odd", "odd", 2, 40), springRound("staff-dlt", "clerk", "a.Worse", "worse", 0, 5)),
			told{letters.Spring, at(staff(2, 40), hired.UnixMilli()+40, "payroll"), "clerk", "", "a.Worse", "Listener failed; worse", 0, false},
		},
		"spring, retry topics after three calls": {
			slices.Concat(own, retryOrigin(), retryHop(2), retryHop(3), retryHop(4)),
			told{letters.Spring, at(staff(2, 40), hired.UnixMilli(), "payroll"), "payroll", "", "a.Late", "too late", 3, false},
		},
		"spring, retry topics after one call": {
			slices.Concat(retryOrigin(), retryHop(2)),
			told{letters.Spring, at(staff(2, 40), hired.UnixMilli(), "payroll"), "payroll", "", "a.Late", "too late", 1, false},
		},
		"spring, retry topics without the record's time": {
			slices.Concat(headers("kafka_original-topic", "staff", "kafka_original-partition", int32BE(2), "kafka_original-offset", int64BE(40)), retryHop(2)),
			told{letters.Spring, untyped, "", "", "", "", 1, false},
		},
		"spring, retry topics and then a dead letter of another group": {
			slices.Concat(retryOrigin(), retryHop(2), retryHop(3), headers("kafka_deliveryAttempt", int32BE(10)), springRound("staff-dlt", "clerk", "a.Worse", "worse", 0, 5)),
			told{letters.Spring, at(staff(2, 40), hired.UnixMilli(), "payroll"), "clerk", "", "a.Worse", "Listener failed; worse", 10, false},
		},
		"connect, second round by another connector": {
			slices.Concat(own, connectRound("staff", "one", "no room", "40"), connectRound("staff-dlq", "two", "no door", "0")),
			told{letters.Connect, of(staff(2, 40), "one"), "two", "TASK_PUT", "a.Refused", "no door", 0, false},
		},
		"streams": {
			slices.Concat(own, streamsRound("staff", "2", "40")),
			told{letters.Streams, staff(2, 40), "", "", "a.Odd", "odd", 0, false},
		},
		"streams, a punctuator": {
			streamsRound("", "-1", "-1"),
			told{letters.Streams, letters.Source{}, "", "", "a.Odd", "odd", 0, false},
		},
		"watermill": {
			headers("topic_poisoned", "staff", "handler_poisoned", "onboarding", "reason_poisoned", "no desk left",
				"_watermill_message_uuid", "9f1c", "subscriber_poisoned", "kafka.Subscriber", "trace", "7"),
			told{letters.Watermill, poisoned, "onboarding", "", "", "no desk left", 0, false},
		},
		"watermill, a reason alone": {
			headers("reason_poisoned", "no desk left"),
			told{letters.Watermill, letters.Source{}, "", "", "", "no desk left", 0, false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := letters.Parse(&kgo.Record{Topic: "dlq", Value: []byte("{}"), Headers: c.headers})
			got := told{l.Dialect, l.Source, l.Destination, l.Stage, l.Code, l.Message, l.Attempts, l.Pointer}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("letter (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParse_causesOfTwoConsumersAreTwo(t *testing.T) {
	first := slices.Concat(connectRound("staff", "one", "no room", "40"), connectRound("dlq", "two", "no door", "0"))
	second := slices.Concat(connectRound("staff", "one", "no room", "40"), connectRound("dlq", "three", "no door", "0"))
	if a, b := letters.Parse(&kgo.Record{Headers: first}), letters.Parse(&kgo.Record{Headers: second}); a.Fingerprint == b.Fingerprint {
		t.Errorf("letters given up by %s and %s have one fingerprint", a.Destination, b.Destination)
	}
}

// Connect and Kafka Streams write the record's timestamp on the letter.
func TestParse_knowsWhoseTimestampTheLetterHas(t *testing.T) {
	for name, c := range map[string]struct {
		headers []kgo.RecordHeader
		attrs   kgo.RecordAttrs
		want    bool
	}{
		"connect":                           {headers: connectRound("staff", "one", "no", "40"), want: true},
		"streams":                           {headers: streamsRound("staff", "2", "40"), want: true},
		"streams, a punctuator":             {headers: streamsRound("", "-1", "-1")},
		"connect, place unknown":            {headers: headers("__connect.errors.topic", "staff", "__connect.errors.partition", "-1"), want: true},
		"connect, a topic of LogAppendTime": {headers: connectRound("staff", "one", "no", "40"), attrs: kgo.NewRecordAttrs(kgo.RecordAttrsOpts{TimestampType: 1})},
		"spring":                            {headers: springRound("staff", "payroll", "a.Odd", "odd", 2, 40)},
		"smallrye":                          {headers: smallRyeRound("staff", "a.Odd", "odd", "2", "40")},
	} {
		if l := letters.Parse(&kgo.Record{Attrs: c.attrs, Headers: c.headers}); l.KeptTime != c.want {
			t.Errorf("%s: KeptTime is %v", name, l.KeptTime)
		}
	}
}

func TestSections_namesTheDialectOfEachHeader(t *testing.T) {
	for header, want := range map[string]letters.Dialect{
		"kafka_deliveryAttempt": letters.Spring, "kafka_key-exception-message": letters.Spring, "retry_topic-attempts": letters.Spring,
		"deserialization-failure-reason": letters.SmallRye, "dead-letter-cause": letters.SmallRye,
		"reason_poisoned": letters.Watermill, "topic_poisoned": letters.Watermill, "handler_poisoned": letters.Watermill,
		"subscriber_poisoned": letters.Watermill, "_watermill_message_uuid": letters.Watermill, "trace": "",
	} {
		if got := letters.Sections(headers(header, "x")); len(got) != 1 || got[0].Dialect != want {
			t.Errorf("%s is in %v, want %q", header, got, want)
		}
	}
}
