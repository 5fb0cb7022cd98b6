package letters_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
)

func headers(pairs ...string) []kgo.RecordHeader {
	list := make([]kgo.RecordHeader, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, kgo.RecordHeader{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return list
}

func int32BE(n int32) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }

func int64BE(n int64) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) }

// What a letter says, as far as the dialects of others can say it.
type told struct {
	Dialect   letters.Dialect
	Source    letters.Source
	Consumer  string
	Stage     string
	Code      string
	Message   string
	Attempts  int
	IsPointer bool
}

func source(known bool, partition int32, offset int64) letters.Source {
	return letters.Source{Known: known, Place: letters.Place{Topic: "orders", Partition: partition, Offset: offset}}
}

func TestParse_readsTheDialectsOfOthers(t *testing.T) {
	at := time.UnixMilli(1_767_323_045_678).UTC()
	spring := source(true, 7, 1<<40+118)
	spring.Timestamp, spring.TimestampType, spring.Group = at, "CreateTime", "billing"
	retried := source(true, 1, 2)
	retried.Group = "billing"
	connect := source(true, 3, 118)
	connect.Group = "http-sink"
	lost := source(false, 0, 0)
	lost.Group = "http-sink"
	kip := source(true, 3, 118)
	kip.Group = "shared"
	x := source(true, 3, 118)
	x.Timestamp, x.TimestampType = at, "LogAppendTime"
	karafka := source(true, 3, 118)
	karafka.Group = "billing"
	jitsu := source(false, 0, 0)
	jitsu.Group = "f-1"
	benthos := source(true, 3, 118)
	benthos.Timestamp = at
	for name, c := range map[string]struct {
		headers []kgo.RecordHeader
		want    told
	}{
		"connect": {
			headers("__connect.errors.topic", "orders", "__connect.errors.partition", "3", "__connect.errors.offset", "118",
				"__connect.errors.connector.name", "http-sink", "__connect.errors.task.id", "0", "__connect.errors.stage", "TASK_PUT",
				"__connect.errors.class.name", "org.example.HttpSink", "__connect.errors.exception.class.name", "org.example.RetriableException",
				"__connect.errors.exception.message", "503", "__connect.errors.exception.stacktrace", "at ..."),
			told{letters.Connect, connect, "http-sink", "TASK_PUT", "org.example.RetriableException", "503", 0, false},
		},
		"connect, place unknown": {
			headers("__connect.errors.topic", "orders", "__connect.errors.partition", "-1", "__connect.errors.offset", "-1",
				"__connect.errors.connector.name", "http-sink"),
			told{letters.Connect, lost, "http-sink", "", "", "", 0, false},
		},
		"spring, binary numbers, two hops": {
			headers("kafka_dlt-original-topic", "orders", "kafka_dlt-original-partition", int32BE(7),
				"kafka_dlt-original-offset", int64BE(1<<40+118), "kafka_dlt-original-timestamp", int64BE(at.UnixMilli()),
				"kafka_dlt-original-timestamp-type", "CreateTime", "kafka_dlt-original-consumer-group", "billing",
				"kafka_dlt-exception-fqcn", "org.springframework.kafka.listener.ListenerExecutionFailedException",
				"kafka_dlt-exception-cause-fqcn", "java.lang.IllegalStateException", "kafka_dlt-exception-message", "first",
				"kafka_dlt-original-topic", "orders-dlt", "kafka_dlt-original-partition", int32BE(0),
				"kafka_dlt-original-offset", int64BE(5), "kafka_dlt-exception-message", "second", "retry_topic-attempts", int32BE(4)),
			told{letters.Spring, spring, "billing", "", "java.lang.IllegalStateException", "second", 3, false},
		},
		"spring, retry topic, one byte of attempts": {
			headers("kafka_original-topic", "orders", "kafka_original-partition", int32BE(1), "kafka_original-offset", int64BE(2),
				"kafka_original-consumer-group", "billing", "kafka_exception-fqcn", "E", "kafka_exception-message", "m", "retry_topic-attempts", "\x03"),
			told{letters.Spring, retried, "billing", "", "E", "m", 2, false},
		},
		"kip1191": {
			headers("__dlq.errors.topic", "orders", "__dlq.errors.partition", "3", "__dlq.errors.offset", "118", "__dlq.errors.group", "shared",
				"__dlq.errors.delivery.count", "5", "__dlq.errors.message", "Offset delivery count exceeded the threshold."),
			told{letters.KIP1191, kip, "shared", "", "", "Offset delivery count exceeded the threshold.", 5, false},
		},
		"streams": {
			headers("__streams.errors.exception", "E", "__streams.errors.message", "m", "__streams.errors.stacktrace", "at ...",
				"__streams.errors.topic", "orders", "__streams.errors.partition", "3", "__streams.errors.offset", "118"),
			told{letters.Streams, source(true, 3, 118), "", "", "E", "m", 0, false},
		},
		"x-original, as text": {
			headers("x-original-topic", "orders", "x-original-partition", "3", "x-original-offset", "118",
				"x-original-timestamp", "1767323045678", "x-original-timestamp-type", "LogAppendTime", "x-exception-fqcn", "E", "x-exception-message", "m"),
			told{letters.XOriginal, x, "", "", "E", "m", 0, false},
		},
		"x-original, binary": {
			headers("x-original-topic", "orders", "x-original-partition", int32BE(3), "x-original-offset", int64BE(118),
				"x-original-timestamp", int64BE(at.UnixMilli()), "x-original-timestamp-type", "LogAppendTime", "x-exception-fqcn", "E", "x-exception-message", "m"),
			told{letters.XOriginal, x, "", "", "E", "m", 0, false},
		},
		"x-original, BigInteger of Java": {
			headers("x-original-topic", "orders", "x-original-partition", "\x03", "x-original-offset", "\x76",
				"x-original-timestamp", int64BE(at.UnixMilli())[2:], "x-original-timestamp-type", "LogAppendTime", "x-exception-fqcn", "E", "x-exception-message", "m"),
			told{letters.XOriginal, x, "", "", "E", "m", 0, false},
		},
		"smallrye": {
			headers("dead-letter-reason", "m", "dead-letter-exception-class-name", "E", "dead-letter-topic", "orders",
				"dead-letter-partition", "3", "dead-letter-offset", "118"),
			told{letters.SmallRye, source(true, 3, 118), "", "", "E", "m", 0, false},
		},
		"karafka": {
			headers("source_topic", "orders", "source_partition", "3", "source_offset", "118", "source_consumer_group", "billing", "source_attempts", "2"),
			told{letters.Karafka, karafka, "billing", "", "", "", 2, false},
		},
		"jitsu": {
			headers("original_topic", "orders", "retries", "2", "function_id", "f-1"),
			told{letters.Jitsu, jitsu, "f-1", "", "", "", 2, false},
		},
		"benthos": {
			headers("kafka_topic", "orders", "kafka_partition", "3", "kafka_offset", "118", "kafka_timestamp_ms", "1767323045678"),
			told{letters.Benthos, benthos, "", "", "", "", 0, false},
		},
		"several: the first of the list tells the story": {
			headers("kafka_topic", "x", "x-original-topic", "y", "__connect.errors.topic", "orders", "__connect.errors.partition", "3",
				"__connect.errors.offset", "118", "__connect.errors.connector.name", "http-sink"),
			told{letters.Connect, connect, "http-sink", "", "", "", 0, false},
		},
		"a time that no JSON can name": {
			headers("kafka_topic", "orders", "kafka_partition", "3", "kafka_offset", "118", "kafka_timestamp_ms", "99999999999999999"),
			told{Dialect: letters.Benthos, Source: source(true, 3, 118)},
		},
		"none": {headers("dlq.id", "x", "content-type", "json"), told{Dialect: letters.Unknown}},
		"a number that is no number": {
			headers("x-original-topic", "orders", "x-original-partition", "three", "x-original-offset", "ninebytes"),
			told{Dialect: letters.XOriginal, Source: source(false, 0, 0)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := letters.Parse(&kgo.Record{Topic: "dlq", Partition: 1, Offset: 9, Value: []byte("{}"), Headers: c.headers})
			got := told{l.Dialect, l.Source, l.Destination, l.Stage, l.Code, l.Message, l.Attempts, l.Pointer}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("letter (-want +got):\n%s", diff)
			}
			if _, ok := letters.KeyOf(l.ID); !ok || l.Own() || l.Fault != "" {
				t.Errorf("id %q, own %v, fault %q", l.ID, l.Own(), l.Fault)
			}
		})
	}
}

func TestParse_aPointerIsNoTombstone(t *testing.T) {
	h := headers("__dlq.errors.topic", "orders", "__dlq.errors.partition", "3", "__dlq.errors.offset", "118")
	if l := letters.Parse(&kgo.Record{Headers: h}); !l.Pointer {
		t.Error("a record without key and value is not seen to be a pointer")
	}
	if l := letters.Parse(&kgo.Record{Headers: h, Key: []byte("k")}); l.Pointer {
		t.Error("a copied tombstone is taken for a pointer")
	}
}

func TestParse_foreignLettersAreToldApart(t *testing.T) {
	h := headers("__streams.errors.topic", "orders", "__streams.errors.message", `no "Ann" in 17`)
	same := headers("__streams.errors.topic", "orders", "__streams.errors.message", `no "Bob" in 4`)
	a, b := letters.Parse(&kgo.Record{Topic: "dlq", Offset: 1, Headers: h}), letters.Parse(&kgo.Record{Topic: "dlq", Offset: 2, Headers: same})
	if a.ID == b.ID || a.ID != letters.Parse(&kgo.Record{Topic: "dlq", Offset: 1, Headers: h}).ID {
		t.Errorf("ids %s and %s: want two, the same each time", a.ID, b.ID)
	}
	if a.Fingerprint != b.Fingerprint {
		t.Error("letters of one cause have two fingerprints")
	}
}
