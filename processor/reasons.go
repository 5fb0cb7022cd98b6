package processor

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/traces"
)

// reasons count why events were skipped or dead-lettered, by which rules events went, and how old
// they were when they were delivered.
type reasons struct {
	age           prometheus.Histogram
	skipped, dead *prometheus.CounterVec
	misdirected   prometheus.Counter
	rules         ruleCounts
}

func newReasons(destination string, rules []string) reasons {
	labels := prometheus.Labels{"destination": destination}
	r := reasons{
		rules: newRuleCounts(destination, rules),
		age: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "deskstream_delivery_age_seconds", Help: "Age of events when they were delivered, from the Kafka timestamp of their record.", ConstLabels: labels,
			Buckets: ageBuckets, NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}),
		skipped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "deskstream_skipped_events_total", Help: "Events skipped, by reason.", ConstLabels: labels,
		}, []string{"reason"}),
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "deskstream_dead_events_total", Help: "Events dead-lettered, by class and code of the error, and by whose fault it is: event, config, desk, us.", ConstLabels: labels,
		}, []string{"class", "code", "fault"}),
		misdirected: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "deskstream_misdirected_calls_total", Help: "Calls over Kafka that name a destination which the configuration does not have. Each pipeline that reads their topic counts them.", ConstLabels: labels,
		}),
	}
	// All are 0 from the start, so that a rate has a beginning.
	for _, reason := range mapping.Skips() {
		r.skipped.WithLabelValues(string(reason))
	}
	for _, info := range sink.CodeInfos() {
		for _, class := range info.Classes {
			if info.IsExact() {
				r.dead.WithLabelValues(string(class), string(info.Code), string(info.Fault))
			}
		}
	}
	return r
}

// ageBuckets are in seconds, from an idle pipeline to the backlog of a night.
var ageBuckets = []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 24 * 3600}

// settled counts an outcome that is acknowledged, of a record with a Kafka timestamp.
func (r reasons) settled(o *sink.Outcome, timestamp time.Time, traceID string) {
	r.rules.settled(o)
	switch {
	case o.Outcome == sink.Delivered && !timestamp.IsZero():
		r.age.(prometheus.ExemplarObserver).ObserveWithExemplar(max(0, o.At.Sub(timestamp).Seconds()), traces.Exemplar(traceID))
	case o.Outcome == sink.Skipped && o.Reason != nil:
		r.skipped.WithLabelValues(string(*o.Reason)).Inc()
	case o.Outcome == sink.Dead && o.Error != nil:
		r.dead.WithLabelValues(string(o.Error.Class), string(o.Error.Code), string(sink.InfoOfCode(o.Error.Code).Fault)).Inc()
	}
}

func (r reasons) describe(ch chan<- *prometheus.Desc) {
	r.age.Describe(ch)
	r.skipped.Describe(ch)
	r.dead.Describe(ch)
	r.misdirected.Describe(ch)
	r.rules.events.Describe(ch)
	r.rules.warned.Describe(ch)
}

func (r reasons) collect(ch chan<- prometheus.Metric) {
	r.age.Collect(ch)
	r.skipped.Collect(ch)
	r.dead.Collect(ch)
	r.misdirected.Collect(ch)
	r.rules.events.Collect(ch)
	r.rules.warned.Collect(ch)
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
	// inbound is the topic of what help desks send, whose types are others.
	inbound string
	// destinations are those of the configuration, misdirected counts calls to any other.
	destinations []string
	misdirected  prometheus.Counter

	mu                  sync.Mutex
	names, types, unset map[string]bool
	full                bool
}

// note logs the name or type of a skipped event if it is the first one.
func (u *unknownNames) note(o *sink.Outcome) {
	if o.Outcome != sink.Skipped || o.Reason == nil || o.Source != nil && o.Source.Topic == u.inbound {
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
	case mapping.OtherDestination:
		if slices.Contains(u.destinations, o.Event.To) {
			return
		}
		u.misdirected.Inc()
		if u.isNew(&u.unset, o.Event.To) {
			u.log.Warn("call skipped, the configuration has no destination of its name", "to", shown(o.Event.To))
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
	if u.full = len(u.names)+len(u.types)+len(u.unset) == maxNames; u.full {
		u.log.Warn("too many unknown names, no more are logged", "limit", maxNames)
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
