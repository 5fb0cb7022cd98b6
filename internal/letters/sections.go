package letters

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Section is the headers of a letter that belong together: those of one dialect, or,
// with the dialect "", those that came with the record.
type Section struct {
	Dialect Dialect  `json:"dialect,omitempty"`
	Headers []Header `json:"headers"`
}

// Header is a header with its value as text.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Sections parts a letter's headers, in their order, by the dialects that they are of.
func Sections(headers []kgo.RecordHeader) []Section {
	var sections []Section
	at := map[Dialect]int{}
	ours := len(headers)
	if own, ok := ownHeaders(headers); ok {
		ours -= len(own)
	}
	for i, h := range headers {
		dialect := dialectOf(h.Key)
		if dialect == Own && i < ours {
			dialect = "" // it came with the record
		}
		place, there := at[dialect]
		if !there {
			place = len(sections)
			at[dialect] = place
			sections = append(sections, Section{Dialect: dialect})
		}
		sections[place].Headers = append(sections[place].Headers, Header{h.Key, Show(h.Value)})
	}
	return sections
}

// headerPrefixes are how the headers of the dialects begin.
var headerPrefixes = []struct {
	prefix  string
	dialect Dialect
}{
	{ownPrefix, Own},
	{"__connect.errors.", Connect},
	{"__dlq.errors.", KIP1191},
	{"__streams.errors.", Streams},
	{"kafka_dlt-", Spring},
	{"kafka_original-", Spring},
	{"kafka_exception-", Spring},
	{"kafka_key-exception-", Spring},
	{"kafka_deliveryAttempt", Spring},
	{"retry_topic-", Spring},
	{"x-original-", XOriginal},
	{"x-exception-", XOriginal},
	{"dead-letter-", SmallRye},
	{"deserialization-failure-", SmallRye},
	{"reason_poisoned", Watermill},
	{"topic_poisoned", Watermill},
	{"handler_poisoned", Watermill},
	{"subscriber_poisoned", Watermill},
	{"_watermill_message_uuid", Watermill},
	{"source_", Karafka},
	{"kafka_topic", Benthos},
	{"kafka_partition", Benthos},
	{"kafka_offset", Benthos},
	{"kafka_timestamp_ms", Benthos},
}

func dialectOf(header string) Dialect {
	for _, p := range headerPrefixes {
		if strings.HasPrefix(header, p.prefix) {
			return p.dialect
		}
	}
	return ""
}

// Show is a value for people: text as it is, a binary number with its size, and other
// bytes in hex.
func Show(value []byte) string {
	if printable(value) {
		return string(value)
	}
	if n, ok := number(value); ok {
		return fmt.Sprintf("%d (binary, %d bytes)", n, len(value))
	}
	return "0x" + hex.EncodeToString(value)
}

func printable(value []byte) bool {
	return utf8.Valid(value) && !strings.ContainsFunc(string(value), func(r rune) bool {
		return !unicode.IsPrint(r) && r != '\n' && r != '\t'
	})
}
