package letters

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

const (
	ownPrefix     = "dlq."
	versionHeader = ownPrefix + "version"
	ownVersion    = "1"
)

// ownHeaders are the headers that this program added: from the last dlq.version on.
// What stands before came with the record, even if it looks the same.
func ownHeaders(headers []kgo.RecordHeader) ([]kgo.RecordHeader, bool) {
	for i := len(headers) - 1; i >= 0; i-- {
		if headers[i].Key == versionHeader {
			return headers[i:], true
		}
	}
	return nil, false
}

// readOwn reads the headers of our own namespace.
func (l *Letter) readOwn(headers []kgo.RecordHeader) {
	l.Dialect = Own
	var version string
	numbers := map[string]string{}
	for _, h := range headers {
		if !strings.HasPrefix(h.Key, ownPrefix) {
			continue
		}
		if field := l.textOf(h.Key); field != nil {
			*field = string(h.Value)
			continue
		}
		switch h.Key {
		case versionHeader:
			version = string(h.Value)
		case "dlq.source.timestamp":
			if at, err := time.Parse(time.RFC3339, string(h.Value)); err == nil {
				l.Source.Timestamp = sink.KnownTime(at)
			}
		case "dlq.steps":
			l.readJSON(h, &l.Steps)
		case "dlq.steps.next":
			l.readJSON(h, &l.Next)
		case "dlq.source.partition", "dlq.source.offset", "dlq.source.epoch", "dlq.http.status", "dlq.attempts", "dlq.redrive.round":
			numbers[h.Key] = string(h.Value)
		}
	}
	if version != ownVersion {
		l.Fault = "dlq.version is " + strconv.Quote(version) + ", which this program does not know"
	}
	l.readNumbers(numbers)
	l.Source.Known = true
	l.check()
}

// readJSON reads a header into a value.
func (l *Letter) readJSON(h kgo.RecordHeader, v any) {
	if err := json.Unmarshal(h.Value, v); err != nil {
		l.damaged(h.Key, string(h.Value))
	}
}

// textOf is the field that a header's text goes into, nil for headers of another kind.
func (l *Letter) textOf(name string) *string {
	switch name {
	case "dlq.id":
		return &l.ID
	case "dlq.source.topic":
		return &l.Source.Topic
	case "dlq.source.timestamp.type":
		return &l.Source.TimestampType
	case "dlq.source.group":
		return &l.Source.Group
	case "dlq.source.cluster":
		return &l.Source.Cluster
	case "dlq.source.topic_id":
		return &l.Source.TopicID
	case "dlq.destination":
		return &l.Destination
	case "dlq.config.hash":
		return &l.ConfigHash
	case "dlq.rule":
		return &l.Rule
	case "dlq.rule.hash":
		return &l.RuleHash
	case "dlq.app.version":
		return &l.AppVersion
	case "dlq.stage":
		return &l.Stage
	case "dlq.class":
		return &l.Class
	case "dlq.code":
		return &l.Code
	case "dlq.message":
		return &l.Message
	case "dlq.fingerprint":
		return &l.Fingerprint
	case "dlq.retryable":
		return &l.Retryable
	case "dlq.first.attempt.at":
		return &l.FirstTry
	case "dlq.last.attempt.at":
		return &l.LastTry
	case "dlq.lane":
		return &l.Lane
	case "dlq.event.id":
		return &l.EventID
	case "dlq.event.type":
		return &l.EventType
	case "dlq.redrive.plan":
		return &l.PlanID
	default:
		return nil
	}
}

// readNumbers reads the headers that are numbers. Those that place the event or count
// its rounds have to be there.
func (l *Letter) readNumbers(texts map[string]string) {
	for _, n := range []struct {
		name     string
		bits     int
		needed   bool
		takeOver func(int64)
	}{
		{"dlq.source.partition", 32, true, func(n int64) { l.Source.Partition = int32(n) }},
		{"dlq.source.offset", 64, true, func(n int64) { l.Source.Offset = n }},
		{"dlq.source.epoch", 32, false, func(n int64) { epoch := int32(n); l.Source.Epoch = &epoch }},
		{"dlq.redrive.round", 32, true, func(n int64) { l.Round = int(n) }},
		{"dlq.http.status", 32, false, func(n int64) { l.Status = int(n) }},
		{"dlq.attempts", 32, false, func(n int64) { l.Attempts = int(n) }},
	} {
		text, there := texts[n.name]
		value, err := strconv.ParseInt(text, 10, n.bits)
		switch {
		case err == nil && value >= 0:
			n.takeOver(value)
		case there || n.needed:
			l.damaged(n.name, text)
		}
	}
}

// check finds what a letter of ours must have and has not.
func (l *Letter) check() {
	if _, ok := KeyOf(l.ID); !ok {
		l.damaged("dlq.id", l.ID)
		l.ID = ""
	}
	if _, ok := topics.ParseTopicID([]byte(l.Source.TopicID)); !ok {
		l.damaged("dlq.source.topic_id", l.Source.TopicID)
	}
	for name, text := range map[string]string{
		"dlq.source.topic": l.Source.Topic, "dlq.destination": l.Destination,
		"dlq.stage": l.Stage, "dlq.class": l.Class, "dlq.code": l.Code,
	} {
		if text == "" {
			l.damaged(name, text)
		}
	}
}

// maxQuoted is how much of a header a fault quotes, in bytes.
const maxQuoted = 100

// damaged notes the first fault by name.
func (l *Letter) damaged(name, text string) {
	fault := "the header " + name + " is missing or empty"
	if text != "" {
		fault = "the header " + name + " is " + strconv.Quote(text[:min(len(text), maxQuoted)])
	}
	if l.Fault == "" || strings.HasPrefix(l.Fault, "the header ") && fault < l.Fault {
		l.Fault = fault
	}
}
