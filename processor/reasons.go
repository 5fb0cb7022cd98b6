package processor

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// reasons count why events were skipped or dead-lettered.
type reasons struct{ skipped, dead *prometheus.CounterVec }

func newReasons(destination string) reasons {
	labels := prometheus.Labels{"destination": destination}
	r := reasons{
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "deskstream_skipped_events_total", Help: "Events skipped, by reason.", ConstLabels: labels,
		}, []string{"reason"}),
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "deskstream_dead_events_total", Help: "Events dead-lettered, by class and code of the error.", ConstLabels: labels,
		}, []string{"class", "code"}),
	}
	for _, reason := range skips {
		r.skipped.WithLabelValues(string(reason)) // 0 from the start, so that a rate has a beginning
	}
	return r
}

var skips = [...]mapping.Skip{
	mapping.Tombstone, mapping.TypeNotTaken, mapping.Filtered, mapping.EventNotConfigured, mapping.NothingToUpdate, mapping.Duplicate,
}

// settled counts an outcome that is acknowledged.
func (r reasons) settled(o *sink.Outcome) {
	switch {
	case o.Outcome == sink.Skipped && o.Reason != nil:
		r.skipped.WithLabelValues(string(*o.Reason)).Inc()
	case o.Outcome == sink.Dead && o.Error != nil:
		r.dead.WithLabelValues(string(o.Error.Class), string(o.Error.Code)).Inc()
	}
}

func (r reasons) describe(ch chan<- *prometheus.Desc) {
	r.skipped.Describe(ch)
	r.dead.Describe(ch)
}

func (r reasons) collect(ch chan<- prometheus.Metric) {
	r.skipped.Collect(ch)
	r.dead.Collect(ch)
}

// maxNames is how many names a pipeline logs, and maxNameLength how long each is, in bytes.
const (
	maxNames      = 200
	maxNameLength = 100
)

// unknownNames log once each name of an event that the configuration does not have, and
// each type that no specification has. A renamed event is skipped without any fault, and
// tickets stop: this line is what shows it.
type unknownNames struct {
	log *slog.Logger

	mu           sync.Mutex
	names, types map[string]bool
	full         bool
}

// note logs the name or type of a skipped event if it is the first one.
func (u *unknownNames) note(o *sink.Outcome) {
	if o.Outcome != sink.Skipped || o.Reason == nil {
		return
	}
	switch *o.Reason {
	case mapping.EventNotConfigured:
		if o.Event.Name != nil && u.isNew(&u.names, *o.Event.Name) {
			u.log.Info("event skipped, no event_templates entry has its name", "event", shown(*o.Event.Name))
		}
	case mapping.TypeNotTaken:
		if o.Event.Type != nil && !slices.Contains(knownTypes, *o.Event.Type) && u.isNew(&u.types, *o.Event.Type) {
			u.log.Warn("event skipped, its type is unknown", "type", shown(*o.Event.Type))
		}
	default: // the other reasons are no surprise
	}
}

// knownTypes are those of the RudderStack and Segment specification.
var knownTypes = mapping.Types()

// isNew reports whether a text is seen for the first time. When there are too many, that
// is logged and no further one is new.
func (u *unknownNames) isNew(seen *map[string]bool, text string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.full || (*seen)[text] {
		return false
	}
	if u.full = len(u.names)+len(u.types) == maxNames; u.full {
		u.log.Warn("too many unknown names of events, no more are logged", "limit", maxNames)
		return false
	}
	if *seen == nil {
		*seen = make(map[string]bool)
	}
	(*seen)[text] = true
	return true
}

// shown is a text of an event's as a log shows it.
func shown(text string) string {
	if len(text) > maxNameLength {
		text = text[:maxNameLength]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
	}
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7F }), " ")
}
