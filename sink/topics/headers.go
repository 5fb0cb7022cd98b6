package topics

import (
	"encoding/binary"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
)

// headerList collects a letter's headers.
type headerList struct {
	list []kgo.RecordHeader
	// kept are the original's headers: the names in it are not written again by once.
	kept []kgo.RecordHeader
}

func (h *headerList) text(key, value string) {
	h.list = append(h.list, kgo.RecordHeader{Key: key, Value: []byte(value)})
}

// optional adds nothing for an empty value.
func (h *headerList) optional(key, value string) {
	if value != "" {
		h.text(key, value)
	}
}

// moment adds nothing for the zero time.
func (h *headerList) moment(key string, at time.Time) {
	if !at.IsZero() {
		h.text(key, sink.Time{Time: at}.String())
	}
}

// millis is a record's timestamp as Kafka has it, -1 for an unknown one.
func millis(at time.Time) int64 {
	if at.IsZero() {
		return -1
	}
	return at.UnixMilli()
}

// once adds a header unless the original has one of that name: the first that wrote
// it knew the true origin.
func (h *headerList) once(key string, value []byte) {
	if !slices.ContainsFunc(h.kept, func(k kgo.RecordHeader) bool { return k.Key == key }) {
		h.list = append(h.list, kgo.RecordHeader{Key: key, Value: value})
	}
}

func bigEndian32(n int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func bigEndian64(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

// cutMark ends a text that was cut.
const cutMark = "\u2026"

// cut makes a text valid UTF-8 of at most limit bytes, the mark of the cut included.
func cut(text string, limit int) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	if len(text) <= limit {
		return text
	}
	end := limit - len(cutMark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + cutMark
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
