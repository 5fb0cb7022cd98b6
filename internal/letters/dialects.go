package letters

import (
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink/topics"
)

// Dialect names the conventions that a letter's headers follow.
type Dialect string

// The dialects that are read.
const (
	Own       Dialect = "deskstream"
	Connect   Dialect = "connect"   // Kafka Connect, KIP-298
	Spring    Dialect = "spring"    // Spring for Apache Kafka, dead letters and retry topics
	KIP1191   Dialect = "kip1191"   // the broker, for share groups
	Streams   Dialect = "streams"   // Kafka Streams, KIP-1034
	XOriginal Dialect = "xoriginal" // x-original-*, Spring Cloud Stream and others
	SmallRye  Dialect = "smallrye"  // Quarkus
	Karafka   Dialect = "karafka"
	Jitsu     Dialect = "jitsu"
	Benthos   Dialect = "benthos" // Redpanda Connect, its input's metadata
	Unknown   Dialect = "unknown" // no header that is known
)

// names are the headers of one dialect. Where a dialect has several names for one
// thing, the first that is there counts.
type names struct {
	dialect                  Dialect
	topic, partition, offset []string
	timestamp, timestampType []string
	consumer                 []string // group or connector
	stage                    []string
	class, message           []string
	attempts                 []string
}

// foreign are the dialects of others in the order in which they are looked for: a
// letter may speak several, and the first of this list tells its story.
var foreign = []names{
	prefixed(Connect, "__connect.errors.", names{
		topic: []string{"topic"}, partition: []string{"partition"}, offset: []string{"offset"},
		consumer: []string{"connector.name"}, stage: []string{"stage"},
		class: []string{"exception.class.name"}, message: []string{"exception.message"},
	}),
	prefixed(Spring, "kafka_", names{
		topic:     []string{"dlt-original-topic", "original-topic"},
		partition: []string{"dlt-original-partition", "original-partition"},
		offset:    []string{"dlt-original-offset", "original-offset"},
		timestamp: []string{"dlt-original-timestamp", "original-timestamp"},

		timestampType: []string{"dlt-original-timestamp-type", "original-timestamp-type"},
		consumer:      []string{"dlt-original-consumer-group", "original-consumer-group"},
		class:         []string{"dlt-exception-cause-fqcn", "dlt-exception-fqcn", "dlt-key-exception-fqcn", "exception-cause-fqcn", "exception-fqcn"},
		message:       []string{"dlt-exception-message", "dlt-key-exception-message", "exception-message"},
	}, "retry_topic-attempts"),
	prefixed(KIP1191, "__dlq.errors.", names{
		topic: []string{"topic"}, partition: []string{"partition"}, offset: []string{"offset"},
		consumer: []string{"group"}, message: []string{"message"}, attempts: []string{"delivery.count"},
	}),
	prefixed(Streams, "__streams.errors.", names{
		topic: []string{"topic"}, partition: []string{"partition"}, offset: []string{"offset"},
		class: []string{"exception"}, message: []string{"message"},
	}),
	prefixed(XOriginal, "x-", names{
		topic: []string{"original-topic"}, partition: []string{"original-partition"}, offset: []string{"original-offset"},
		timestamp: []string{"original-timestamp"}, timestampType: []string{"original-timestamp-type"},
		class: []string{"exception-fqcn"}, message: []string{"exception-message"},
	}),
	prefixed(SmallRye, "dead-letter-", names{
		topic: []string{"topic"}, partition: []string{"partition"}, offset: []string{"offset"},
		class: []string{"exception-class-name"}, message: []string{"reason"},
	}),
	prefixed(Karafka, "source_", names{
		topic: []string{"topic"}, partition: []string{"partition"}, offset: []string{"offset"},
		consumer: []string{"consumer_group"}, attempts: []string{"attempts"},
	}),
	{dialect: Jitsu, topic: []string{"original_topic"}, consumer: []string{"function_id"}, attempts: []string{"retries"}},
	prefixed(Benthos, "kafka_", names{
		topic: []string{"topic"}, partition: []string{"partition"}, offset: []string{"offset"}, timestamp: []string{"timestamp_ms"},
	}),
}

// prefixed puts a prefix before all names; attempts are names without it.
func prefixed(dialect Dialect, prefix string, n names, attempts ...string) names {
	n.dialect = dialect
	for _, list := range [][]string{
		n.topic, n.partition, n.offset, n.timestamp, n.timestampType, n.consumer, n.stage, n.class, n.message, n.attempts,
	} {
		for i := range list {
			list[i] = prefix + list[i]
		}
	}
	n.attempts = append(n.attempts, attempts...)
	return n
}

// Dialects are all dialects that a record's headers speak, ours first; none for a
// record that is no dead letter by its headers.
func Dialects(headers []kgo.RecordHeader) []Dialect {
	var found []Dialect
	if _, ok := ownHeaders(headers); ok {
		found = append(found, Own)
	}
	for i := range foreign {
		if _, ok := first(headers, foreign[i].topic); ok {
			found = append(found, foreign[i].dialect)
		}
	}
	return found
}

// readForeign reads the headers of other programs. Of a header that is there more than
// once, as after several hops, the first tells the origin and the last the latest fault.
func (l *Letter) readForeign(rec *kgo.Record) {
	l.Dialect = Unknown
	for i := range foreign {
		if _, ok := first(rec.Headers, foreign[i].topic); ok {
			l.read(rec.Headers, &foreign[i])
			break
		}
	}
	// Brokers and Kafka Streams may leave the record out. A tombstone without a key looks the
	// same, and is found to be one where it is.
	l.Pointer = (l.Dialect == KIP1191 || l.Dialect == Streams) && rec.Key == nil && rec.Value == nil
	l.Fingerprint = hash(8, string(l.Dialect), l.Destination, l.Stage, l.Code, topics.Normalised(l.Message))
}

func (l *Letter) read(headers []kgo.RecordHeader, n *names) {
	l.Dialect = n.dialect
	l.Source.Topic = text(first(headers, n.topic))
	partition, okPartition := numberOf(first(headers, n.partition))
	offset, okOffset := numberOf(first(headers, n.offset))
	okPartition = okPartition && partition >= 0 && partition == int64(int32(partition))
	okOffset = okOffset && offset >= 0 // Connect writes -1 for an offset that it does not know
	if okPartition {
		l.Source.Partition = int32(partition)
	}
	if okOffset {
		l.Source.Offset = offset
	}
	l.Source.Known = l.Source.Topic != "" && okPartition && okOffset
	if ms, ok := numberOf(first(headers, n.timestamp)); ok && ms > 0 { // neither -1 nor 0 is a time
		l.Source.Timestamp = time.UnixMilli(ms).UTC()
	}
	l.Source.TimestampType = text(first(headers, n.timestampType))
	l.Destination = text(first(headers, n.consumer))
	l.Source.Group = l.Destination
	l.Stage = text(last(headers, n.stage))
	l.Code = text(last(headers, n.class))
	l.Message = text(last(headers, n.message))
	if attempts, ok := numberOf(last(headers, n.attempts)); ok && attempts >= 0 {
		l.Attempts = int(attempts)
	}
}

func first(headers []kgo.RecordHeader, names []string) ([]byte, bool) {
	for _, name := range names {
		for i := range headers {
			if headers[i].Key == name {
				return headers[i].Value, true
			}
		}
	}
	return nil, false
}

func last(headers []kgo.RecordHeader, names []string) ([]byte, bool) {
	for _, name := range names {
		for i := len(headers) - 1; i >= 0; i-- {
			if headers[i].Key == name {
				return headers[i].Value, true
			}
		}
	}
	return nil, false
}

func text(value []byte, _ bool) string { return strings.ToValidUTF8(string(value), "\uFFFD") }

func numberOf(value []byte, there bool) (int64, bool) {
	if !there {
		return 0, false
	}
	return number(value)
}
