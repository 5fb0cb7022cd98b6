package letters

import (
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
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
	Watermill Dialect = "watermill" // its poison queue
	Karafka   Dialect = "karafka"
	Jitsu     Dialect = "jitsu"
	Benthos   Dialect = "benthos" // Redpanda Connect, its input's metadata
	Unknown   Dialect = "unknown" // no header that is known
)

// AllDialects are the dialects that are read.
func AllDialects() []Dialect {
	all := []Dialect{Own}
	for i := range foreign {
		if d := foreign[i].dialect; !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return append(all, Unknown)
}

// names are the headers of one dialect. Where a dialect has several names for one
// thing, any of them counts.
type names struct {
	dialect                  Dialect
	topic, partition, offset []string
	timestamp, timestampType []string
	consumer                 []string // group or connector
	stage                    []string
	cause                    []string // the class of the exception behind the one that was thrown
	class, message           []string
	stacktrace               []string
	attempts                 []string
	// others mark a letter of the dialect that does not name its topic.
	others []string
	// newestFirst marks a dialect of which a later round puts its headers in front.
	newestFirst bool
}

// foreign are the dialects of others in the order in which they are looked for: a
// letter may speak several, and the first of this list tells its story.
var foreign = []names{
	prefixed(Connect, "__connect.errors.", names{
		topic: []string{"topic"}, partition: []string{"partition"}, offset: []string{"offset"},
		consumer: []string{"connector.name"}, stage: []string{"stage"},
		class: []string{"exception.class.name"}, message: []string{"exception.message"}, stacktrace: []string{"exception.stacktrace"},
	}),
	spring(),
	prefixed(KIP1191, "__dlq.errors.", names{
		topic: []string{"topic"}, partition: []string{"partition"}, offset: []string{"offset"},
		consumer: []string{"group"}, message: []string{"message"}, attempts: []string{"delivery.count"},
	}),
	prefixed(Streams, "__streams.errors.", names{
		topic: []string{"topic"}, partition: []string{"partition"}, offset: []string{"offset"},
		class: []string{"exception"}, message: []string{"message"}, stacktrace: []string{"stacktrace"},
	}),
	prefixed(XOriginal, "x-", names{
		topic: []string{"original-topic"}, partition: []string{"original-partition"}, offset: []string{"original-offset"},
		timestamp: []string{"original-timestamp"}, timestampType: []string{"original-timestamp-type"},
		class: []string{"exception-fqcn"}, message: []string{"exception-message"}, stacktrace: []string{"exception-stacktrace"},
	}),
	smallRye(),
	{
		dialect: Watermill, topic: []string{"topic_poisoned"}, others: []string{"reason_poisoned"},
		consumer: []string{"handler_poisoned"}, message: []string{"reason_poisoned"},
	},
	prefixed(Karafka, "source_", names{
		topic: []string{"topic"}, partition: []string{"partition"}, offset: []string{"offset"},
		consumer: []string{"consumer_group"}, attempts: []string{"attempts"},
	}),
	{dialect: Jitsu, topic: []string{"original_topic"}, consumer: []string{"function_id"}, attempts: []string{"retries"}},
	prefixed(Benthos, "kafka_", names{
		topic: []string{"topic"}, partition: []string{"partition"}, offset: []string{"offset"}, timestamp: []string{"timestamp_ms"},
	}),
}

// The counts of Spring for Apache Kafka: one is the number of the attempt to come, the
// other the number of deliveries so far.
const (
	nextAttempt     = "retry_topic-attempts"
	deliveryAttempt = "kafka_deliveryAttempt"
)

// spring are the names of dead letters and those of retry topics. A record may have passed
// both, in any order.
func spring() names {
	n := prefixed(Spring, "kafka_", names{
		topic:     []string{"dlt-original-topic", "original-topic"},
		partition: []string{"dlt-original-partition", "original-partition"},
		offset:    []string{"dlt-original-offset", "original-offset"},
		timestamp: []string{"dlt-original-timestamp", "original-timestamp"},

		timestampType: []string{"dlt-original-timestamp-type", "original-timestamp-type"},
		consumer:      []string{"dlt-original-consumer-group", "original-consumer-group"},
		cause:         []string{"dlt-exception-cause-fqcn", "exception-cause-fqcn"},
		class:         []string{"dlt-exception-fqcn", "dlt-key-exception-fqcn", "exception-fqcn", "key-exception-fqcn"},
		message:       []string{"dlt-exception-message", "dlt-key-exception-message", "exception-message", "key-exception-message"},
		stacktrace:    []string{"dlt-exception-stacktrace", "dlt-key-exception-stacktrace", "exception-stacktrace", "key-exception-stacktrace"},
	})
	n.timestamp = append(n.timestamp, "retry_topic-original-timestamp")
	n.attempts = []string{nextAttempt, deliveryAttempt}
	return n
}

// smallRye are the names of SmallRye Reactive Messaging, which writes no stack trace.
func smallRye() names {
	n := prefixed(SmallRye, "dead-letter-", names{
		topic: []string{"topic"}, partition: []string{"partition"}, offset: []string{"offset"},
		class: []string{"exception-class-name"}, message: []string{"reason"},
	})
	n.newestFirst = true
	return n
}

// prefixed puts a prefix before all names.
func prefixed(dialect Dialect, prefix string, n names) names {
	n.dialect = dialect
	for _, list := range [][]string{
		n.topic, n.partition, n.offset, n.timestamp, n.timestampType, n.consumer, n.stage, n.cause, n.class, n.message, n.stacktrace, n.attempts,
	} {
		for i := range list {
			list[i] = prefix + list[i]
		}
	}
	return n
}

// in reports whether a record's headers speak the dialect.
func (n *names) in(headers []kgo.RecordHeader) bool {
	_, topic := first(headers, n.topic)
	_, other := first(headers, n.others)
	return topic || other
}

// origin is the value of a header that the first round wrote.
func (n *names) origin(headers []kgo.RecordHeader, names []string) ([]byte, bool) {
	if n.newestFirst {
		return last(headers, names)
	}
	return first(headers, names)
}

// latest is the value of a header that the last round wrote.
func (n *names) latest(headers []kgo.RecordHeader, names []string) ([]byte, bool) {
	if n.newestFirst {
		return first(headers, names)
	}
	return last(headers, names)
}

// Dialects are all dialects that a record's headers speak, ours first; none for a
// record that is no dead letter by its headers.
func Dialects(headers []kgo.RecordHeader) []Dialect {
	var found []Dialect
	if _, ok := ownHeaders(headers); ok {
		found = append(found, Own)
	}
	for i := range foreign {
		if foreign[i].in(headers) {
			found = append(found, foreign[i].dialect)
		}
	}
	return found
}

// readForeign reads the headers of other programs. Of headers that are there more than
// once, as after several rounds, those of the first round tell the origin, and those of
// the last the error and who gave up.
func (l *Letter) readForeign(rec *kgo.Record) {
	l.Dialect = Unknown
	for i := range foreign {
		if foreign[i].in(rec.Headers) {
			l.read(rec.Headers, &foreign[i])
			break
		}
	}
	l.Bare = l.Dialect == KIP1191
	// A punctuator of Streams names no topic, and has no record.
	l.KeptTime = (l.Dialect == Connect || l.Dialect == Streams) && l.Source.Topic != "" && rec.Attrs.TimestampType() == 0
	// Brokers and Kafka Streams may leave the record out. A tombstone without a key looks the
	// same, and is found to be one where it is.
	l.Pointer = (l.Dialect == KIP1191 || l.Dialect == Streams) && rec.Key == nil && rec.Value == nil
	l.Fingerprint = hash(8, string(l.Dialect), l.Destination, l.Stage, l.Code, topics.Normalised(l.Message))
}

func (l *Letter) read(headers []kgo.RecordHeader, n *names) {
	l.Dialect = n.dialect
	l.readSource(headers, n)
	l.Destination = text(n.latest(headers, n.consumer))
	l.Stage = text(n.latest(headers, n.stage))
	l.readError(headers, n)
	l.readAttempts(headers, n)
}

// readSource reads where the event was read first.
func (l *Letter) readSource(headers []kgo.RecordHeader, n *names) {
	l.Source.Topic = text(n.origin(headers, n.topic))
	partition, okPartition := numberOf(n.origin(headers, n.partition))
	offset, okOffset := numberOf(n.origin(headers, n.offset))
	okPartition = okPartition && partition >= 0 && partition == int64(int32(partition))
	okOffset = okOffset && offset >= 0 // Connect and Streams write -1 for an offset that they do not know
	if okPartition {
		l.Source.Partition = int32(partition)
	}
	if okOffset {
		l.Source.Offset = offset
	}
	l.Source.Known = l.Source.Topic != "" && okPartition && okOffset
	if ms, ok := numberOf(n.origin(headers, n.timestamp)); ok {
		l.Source.Timestamp = sink.KnownTime(time.UnixMilli(ms).UTC())
	}
	l.Source.TimestampType = text(n.origin(headers, n.timestampType))
	l.Source.Group = text(n.origin(headers, n.consumer))
}

// readAttempts reads how often the consumer tried, as the last count says.
func (l *Letter) readAttempts(headers []kgo.RecordHeader, n *names) {
	at := lastIndex(headers, n.attempts)
	if at < 0 {
		return
	}
	attempts, ok := number(headers[at].Value)
	if headers[at].Key == nextAttempt {
		attempts--
	}
	if ok && attempts >= 0 && attempts == int64(int32(attempts)) {
		l.Attempts = int(attempts)
	}
}

// first is the value of the first header with one of the names.
func first(headers []kgo.RecordHeader, names []string) ([]byte, bool) {
	at := slices.IndexFunc(headers, func(h kgo.RecordHeader) bool { return slices.Contains(names, h.Key) })
	if at < 0 {
		return nil, false
	}
	return headers[at].Value, true
}

// last is the value of the last header with one of the names.
func last(headers []kgo.RecordHeader, names []string) ([]byte, bool) {
	at := lastIndex(headers, names)
	if at < 0 {
		return nil, false
	}
	return headers[at].Value, true
}

// lastIndex is where the last header with one of the names is, -1 for none.
func lastIndex(headers []kgo.RecordHeader, names []string) int {
	for i := len(headers) - 1; i >= 0; i-- {
		if slices.Contains(names, headers[i].Key) {
			return i
		}
	}
	return -1
}

func text(value []byte, _ bool) string { return strings.ToValidUTF8(string(value), "\uFFFD") }

func numberOf(value []byte, there bool) (int64, bool) {
	if !there {
		return 0, false
	}
	return number(value)
}
