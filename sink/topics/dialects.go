package topics

import (
	"math"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/sink"
)

// The prefixes of the dialects' headers. The names with two underscores are Kafka's.
const (
	connectPrefix   = "__connect.errors."
	springPrefix    = "kafka_dlt-"
	kip1191Prefix   = "__dlq.errors."
	streamsPrefix   = "__streams.errors."
	xOriginalPrefix = "x-original-"
	xErrorPrefix    = "x-exception-"
)

// dialectHeader reports whether a header's name is one of a dialect's.
func dialectHeader(name string) bool {
	for _, prefix := range []string{connectPrefix, springPrefix, kip1191Prefix, streamsPrefix, xOriginalPrefix, xErrorPrefix} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// translate adds the headers of one dialect. There are no stack traces in any.
func (l *letter) translate(h *headerList, d Dialect) {
	switch d {
	case Connect:
		l.connect(h)
	case Spring:
		l.spring(h)
	case KIP1191:
		l.kip1191(h)
	case XOriginal:
		l.xOriginal(h)
	case Streams:
		l.streams(h)
	}
}

// connect writes what Kafka Connect's DeadLetterQueueReporter does, all text.
func (l *letter) connect(h *headerList) {
	topic, partition, offset := l.originTexts()
	h.once(connectPrefix+"topic", topic)
	h.once(connectPrefix+"partition", partition)
	h.once(connectPrefix+"offset", offset)
	h.once(connectPrefix+"connector.name", []byte(l.w.cfg.Destination))
	h.once(connectPrefix+"task.id", []byte("0"))
	h.once(connectPrefix+"stage", []byte(connectStage(l.err.Stage)))
	h.once(connectPrefix+"class.name", []byte(l.w.cfg.DestinationType))
	h.once(connectPrefix+"exception.class.name", []byte(l.err.Code))
	h.once(connectPrefix+"exception.message", l.shortMessage())
}

func connectStage(stage sink.Stage) string {
	switch stage {
	case sink.StageDecode:
		return "VALUE_CONVERTER"
	case sink.StageMap, sink.StageLookup:
		return "TRANSFORMATION"
	default:
		return "TASK_PUT"
	}
}

// spring writes what Spring's DeadLetterPublishingRecoverer does: numbers are binary,
// most significant byte first, the timestamp in milliseconds.
func (l *letter) spring(h *headerList) {
	src := l.entry.Source
	h.once(springPrefix+"original-topic", []byte(src.Topic))
	h.once(springPrefix+"original-partition", bigEndian32(src.Partition))
	h.once(springPrefix+"original-offset", bigEndian64(src.Offset))
	h.once(springPrefix+"original-timestamp", bigEndian64(millis(src.Timestamp)))
	h.once(springPrefix+"original-timestamp-type", []byte(timestampType(src)))
	h.once(springPrefix+"original-consumer-group", []byte(l.w.cfg.Group))
	h.once(springPrefix+"exception-fqcn", []byte(l.err.Code))
	h.once(springPrefix+"exception-message", l.shortMessage())
}

// kip1191 writes what brokers do for share groups, all text. The delivery count is
// 16 bits there.
func (l *letter) kip1191(h *headerList) {
	topic, partition, offset := l.originTexts()
	count := min(max(l.entry.Attempts, 0), math.MaxInt16)
	h.once(kip1191Prefix+"topic", topic)
	h.once(kip1191Prefix+"partition", partition)
	h.once(kip1191Prefix+"offset", offset)
	h.once(kip1191Prefix+"group", []byte(l.w.cfg.Group))
	h.once(kip1191Prefix+"delivery.count", []byte(strconv.Itoa(count)))
	h.once(kip1191Prefix+"message", []byte(cut(string(l.err.Code)+": "+l.err.Message, maxDialectMessage)))
}

// xOriginal writes numbers as text, as most tools with these names do.
func (l *letter) xOriginal(h *headerList) {
	topic, partition, offset := l.originTexts()
	src := l.entry.Source
	h.once(xOriginalPrefix+"topic", topic)
	h.once(xOriginalPrefix+"partition", partition)
	h.once(xOriginalPrefix+"offset", offset)
	h.once(xOriginalPrefix+"timestamp", strconv.AppendInt(nil, millis(src.Timestamp), 10))
	h.once(xOriginalPrefix+"timestamp-type", []byte(timestampType(src)))
	h.once(xErrorPrefix+"fqcn", []byte(l.err.Code))
	h.once(xErrorPrefix+"message", l.shortMessage())
}

// streams writes what Kafka Streams does, all text.
func (l *letter) streams(h *headerList) {
	topic, partition, offset := l.originTexts()
	h.once(streamsPrefix+"exception", []byte(l.err.Code))
	h.once(streamsPrefix+"message", l.shortMessage())
	h.once(streamsPrefix+"topic", topic)
	h.once(streamsPrefix+"partition", partition)
	h.once(streamsPrefix+"offset", offset)
}

func (l *letter) originTexts() (topic, partition, offset []byte) {
	src := l.entry.Source
	return []byte(src.Topic), strconv.AppendInt(nil, int64(src.Partition), 10), strconv.AppendInt(nil, src.Offset, 10)
}

// shortMessage is the message as dialects have it; dlq.message has more of it.
func (l *letter) shortMessage() []byte { return []byte(cut(l.err.Message, maxDialectMessage)) }
