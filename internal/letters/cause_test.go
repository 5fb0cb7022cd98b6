package letters_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
)

const (
	converterTrace = "org.apache.kafka.connect.errors.DataException: Converting byte[] to Kafka Connect data failed due to serialization error: \n" +
		"\tat org.apache.kafka.connect.json.JsonConverter.toConnectData(JsonConverter.java:333)\n" +
		"Caused by: org.apache.kafka.common.errors.SerializationException: java.io.EOFException: end\n\tat a.B\n" +
		"Caused by: com.fasterxml.jackson.core.JsonParseException: Unexpected character ('}' (code 125))\n at [Source: UNKNOWN]\n\tat a.C\n\t... 12 more\n"
	outerOnly = "a.Odd: odd\n\tat a.B.c(B.java:1)\n"
	// The cause of a suppressed exception is not the cause.
	suppressed = "a.Odd: odd\n\tat a.B\n\tSuppressed: a.Close: no\n\t\tat a.C\n\tCaused by: a.Wrong: wrong\n\t\tat a.D\n"
)

func TestParse_theCauseBehindAWrapperIsInTheMessage(t *testing.T) {
	for name, c := range map[string]struct {
		headers       []kgo.RecordHeader
		code, message string
	}{
		"connect's converter": {
			headers("__connect.errors.topic", "staff", "__connect.errors.exception.class.name", "org.apache.kafka.connect.errors.DataException",
				"__connect.errors.exception.message", "Converting byte[] to Kafka Connect data failed due to serialization error: ",
				"__connect.errors.exception.stacktrace", converterTrace),
			"org.apache.kafka.connect.errors.DataException",
			"Converting byte[] to Kafka Connect data failed due to serialization error: com.fasterxml.jackson.core.JsonParseException: Unexpected character ('}' (code 125))",
		},
		"spring's deserializer": {
			headers("kafka_dlt-original-topic", "staff", "kafka_dlt-exception-cause-fqcn", "org.springframework.kafka.support.serializer.DeserializationException",
				"kafka_dlt-exception-message", "failed to deserialize",
				"kafka_dlt-exception-stacktrace", "x.DeserializationException: failed to deserialize\n\tat a.B\r\nCaused by: a.Short: 7 bytes\r\n\tat a.C"),
			"org.springframework.kafka.support.serializer.DeserializationException", "failed to deserialize: a.Short: 7 bytes",
		},
		"spring cloud stream": {
			headers("x-original-topic", "staff", "x-exception-fqcn", "org.springframework.messaging.MessagingException",
				"x-exception-message", "error occurred in message handler [a.Handler@2f089ef8]",
				"x-exception-stacktrace", "org.springframework.messaging.MessagingException: error\n\tat a.B\nCaused by: a.Late: past noon\n\tat a.C"),
			"a.Late", "error occurred in message handler [a.Handler@2f089ef8]: a.Late: past noon",
		},
		"streams, a cause without a text": {
			headers("__streams.errors.topic", "staff", "__streams.errors.exception", "a.Odd", "__streams.errors.message", "odd",
				"__streams.errors.stacktrace", "a.Odd: odd\n\tat a.B\nCaused by: java.lang.NullPointerException\n\tat a.C"),
			"a.Odd", "odd: java.lang.NullPointerException",
		},
		"streams, no message at all": {
			headers("__streams.errors.topic", "staff", "__streams.errors.exception", "a.Odd",
				"__streams.errors.stacktrace", "a.Odd\n\tat a.B\nCaused by: a.Late: past noon\n"),
			"a.Odd", "a.Late: past noon",
		},
		"the last round's trace counts": {
			headers("x-original-topic", "staff", "x-exception-fqcn", "a.Odd", "x-exception-message", "odd", "x-exception-stacktrace", "a.Odd\nCaused by: a.First: first",
				"x-exception-fqcn", "a.Worse", "x-exception-message", "worse", "x-exception-stacktrace", "a.Worse\nCaused by: a.Second: second"),
			"a.Worse", "worse: a.Second: second",
		},
		"smallrye's cause": {
			headers("dead-letter-exception-class-name", "java.util.concurrent.CompletionException", "dead-letter-reason", "failed",
				"dead-letter-cause-class-name", "a.Late", "dead-letter-cause", "past noon", "dead-letter-topic", "staff",
				"dead-letter-exception-class-name", "a.First", "dead-letter-reason", "first", "dead-letter-cause", "first cause", "dead-letter-topic", "x"),
			"java.util.concurrent.CompletionException", "failed: a.Late: past noon",
		},
		"smallrye's deserialisation": {
			headers("dead-letter-exception-class-name", "a.Odd", "dead-letter-topic", "staff", "deserialization-failure-reason", "7 bytes"),
			"a.Odd", "7 bytes",
		},
		"a message that has the cause": {
			headers("kafka_dlt-original-topic", "staff", "kafka_dlt-exception-fqcn", "a.Odd", "kafka_dlt-exception-message", "Listener failed; past noon",
				"kafka_dlt-exception-stacktrace", "a.Odd\nCaused by: a.Late: past noon\n\tat a.B"),
			"a.Odd", "Listener failed; past noon",
		},
		"a trace without a cause":    {streams(outerOnly), "a.Odd", "odd"},
		"a suppressed one's cause":   {streams(suppressed), "a.Odd", "odd"},
		"a ring of causes":           {streams("a.Odd\nCaused by: [CIRCULAR REFERENCE: a.Odd: odd]\n"), "a.Odd", "odd"},
		"a trace that was cut off":   {streams("a.Odd\nCaused by: "), "a.Odd", "odd"},
		"a cause that is very large": {streams("a.Odd\nCaused by: a.Big: x" + strings.Repeat("\u00fc", 400)), "a.Odd", "odd: a.Big: x" + strings.Repeat("\u00fc", 249) + "..."},
	} {
		t.Run(name, func(t *testing.T) {
			l := letters.Parse(&kgo.Record{Value: []byte("{}"), Headers: c.headers})
			if l.Code != c.code || l.Message != c.message {
				t.Errorf("%s: %q\nwant %s: %q", l.Code, l.Message, c.code, c.message)
			}
		})
	}
}

func streams(trace string) []kgo.RecordHeader {
	return headers("__streams.errors.topic", "staff", "__streams.errors.exception", "a.Odd", "__streams.errors.message", "odd", "__streams.errors.stacktrace", trace)
}
