package letters_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// written is the letter of a dead event as the program's own writer writes it.
func written(t *testing.T, src *kgo.Record, round int) *kgo.Record {
	t.Helper()
	c := kafkatest.Kafka(t, kafkatest.Topic("out", 1), kafkatest.Topic("dlq", 1))
	w := topics.NewWriter(topics.Config{
		Responses: "out", DeadLetters: "dlq", Dialects: []topics.Dialect{topics.Connect, topics.Spring, topics.KIP1191},
		Group: "deskstream.crm", Destination: "crm", DestinationType: "kustomer", AppVersion: "1.2",
	}, c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner())), slog.New(slog.DiscardHandler))
	id, typ, status := "m-1", "track", 422
	out := sink.Outcome{
		Event: sink.EventInfo{ID: &id, Type: &typ}, Outcome: sink.Dead, Round: round,
		Error: &sink.ErrorInfo{Stage: sink.StageRequest, Class: sink.Rejected, Code: "http_422", HTTPStatus: &status, Message: "no"},
	}
	done := make(chan error, 1)
	w.Write(context.WithoutCancel(t.Context()), topics.Entry{
		ConfigHash: "c0ffee",
		Source:     src, Origin: eventOrigin, Lane: "user-7", Outcome: &out, Attempts: 2, Plan: "p-1",
		FirstAttempt: time.UnixMilli(1000), LastAttempt: time.UnixMilli(2000), Progress: taken,
	}, func(_ int64, err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return c.Consume(t, "dlq")[0]
}

// taken is what was done of the event that written writes.
var taken = &sink.Progress{
	Steps: []sink.StepRecord{{StepInfo: sink.StepInfo{Name: "ticket", State: sink.StepDone}, IDs: map[string]string{"ticket_id": "42"}}},
	Next:  &sink.Announcement{Step: "note", Mark: sink.Mark{"floor": "7"}, At: sink.Time{Time: time.UnixMilli(0).UTC()}},
}

var eventOrigin = topics.Origin{Cluster: "c-1", TopicID: topics.TopicID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}

func eventRecord() *kgo.Record {
	return &kgo.Record{
		Topic: "events", Partition: 3, Offset: 118, Timestamp: time.UnixMilli(1_767_323_045_678).UTC(), LeaderEpoch: 4,
		Key: []byte("user-7"), Value: []byte(`{"type":"track"}`),
		Attrs: kgo.NewRecordAttrs(kgo.RecordAttrsOpts{TimestampType: 1}),
		// What stands before ours looks like ours and came with the record.
		Headers: headers("traceparent", "00-x", "dlq.version", "7", "dlq.id", "another", "__connect.errors.topic", "elsewhere"),
	}
}

func TestParse_readsWhatTheWriterWrites(t *testing.T) {
	rec := written(t, eventRecord(), 2)
	got := letters.Parse(rec)
	epoch := int32(4)
	place := topics.Place{Origin: eventOrigin, Topic: "events", Partition: 3, Offset: 118, Epoch: epoch}
	want := letters.Letter{
		ID: topics.LetterID(place, "crm", 2), Dialect: letters.Own,
		At: letters.Place{Topic: "dlq", Timestamp: rec.Timestamp},
		Source: letters.Source{
			Place: letters.Place{Topic: "events", Partition: 3, Offset: 118, Timestamp: eventRecord().Timestamp},
			Known: true, TimestampType: "LogAppendTime", Group: "deskstream.crm", Cluster: "c-1",
			TopicID: "AQIDBAUGBwgJCgsMDQ4PEA", Epoch: &epoch,
		},
		Destination: "crm", Stage: "request", Class: "rejected", Code: "http_422", Status: 422, Message: "no",
		Fingerprint: got.Fingerprint, Retryable: "after_fix", Attempts: 2,
		FirstTry: "1970-01-01T00:00:01.000Z", LastTry: "1970-01-01T00:00:02.000Z",
		ConfigHash: "c0ffee", AppVersion: "1.2", Lane: "user-7", EventID: "m-1", EventType: "track", Round: 2, PlanID: "p-1",
		Steps: taken.Steps, Next: taken.Next,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("letter (-want +got):\n%s", diff)
	}
	if at := got.Source.Record(); at != place {
		t.Errorf("the record is at %+v, want %+v", at, place)
	}
	if !got.Own() || got.Fingerprint == "" {
		t.Errorf("own %v, fingerprint %q", got.Own(), got.Fingerprint)
	}
}

func TestOriginal_isTheRecordThatWasRead(t *testing.T) {
	rec := written(t, eventRecord(), 0)
	l := letters.Parse(rec)
	came := letters.Section{Headers: []letters.Header{{"traceparent", "00-x"}, {"dlq.version", "7"}, {"dlq.id", "another"}}}
	if diff := cmp.Diff(came, letters.Sections(rec.Headers)[0]); diff != "" {
		t.Errorf("headers that came with the record (-want +got):\n%s", diff)
	}
	got, want := letters.Original(rec, &l), eventRecord()
	if got.Topic != want.Topic || got.Partition != want.Partition || got.Offset != want.Offset || !got.Timestamp.Equal(want.Timestamp) ||
		string(got.Key) != string(want.Key) || string(got.Value) != string(want.Value) || got.Attrs.TimestampType() != 1 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(got.Headers) != len(rec.Headers) {
		t.Errorf("%d headers, want the letter's %d", len(got.Headers), len(rec.Headers))
	}
	again := written(t, got, 1) // a second death keeps the first origin
	second := letters.Parse(again)
	if diff := cmp.Diff(l.Source, second.Source); diff != "" {
		t.Errorf("origin after a second death (-first +second):\n%s", diff)
	}
	if second.Round != 1 || second.ID == l.ID {
		t.Errorf("round %d, id %s after %s", second.Round, second.ID, l.ID)
	}
	if first, latest := letters.Dialects(rec.Headers), letters.Dialects(again.Headers); !cmp.Equal(first, latest) {
		t.Errorf("dialects %v became %v", first, latest)
	}
}

func TestParse_saysWhatIsWrongWithALetterOfOurs(t *testing.T) {
	whole := written(t, eventRecord(), 0)
	for name, c := range map[string]struct {
		change func(h *kgo.RecordHeader) bool // false: leave it out
		fault  string
	}{
		"version": {func(h *kgo.RecordHeader) bool {
			if h.Key == "dlq.version" {
				h.Value = []byte("2")
			}
			return true
		}, `dlq.version is "2", which this program does not know`},
		"id":          {func(h *kgo.RecordHeader) bool { return h.Key != "dlq.id" }, "the header dlq.id is missing"},
		"destination": {func(h *kgo.RecordHeader) bool { return h.Key != "dlq.destination" }, "the header dlq.destination is missing"},
		"offset": {func(h *kgo.RecordHeader) bool {
			if h.Key == "dlq.source.offset" {
				h.Value = []byte("-3")
			}
			return true
		}, `the header dlq.source.offset is "-3"`},
		"steps": {func(h *kgo.RecordHeader) bool {
			if h.Key == "dlq.steps" {
				h.Value = []byte("ticket")
			}
			return true
		}, `the header dlq.steps is "ticket"`},
		"round": {func(h *kgo.RecordHeader) bool { return h.Key != "dlq.redrive.round" }, "the header dlq.redrive.round is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &kgo.Record{Topic: "dlq", Value: whole.Value}
			for _, h := range whole.Headers[3:] { // without what came with the record
				if c.change(&h) {
					rec.Headers = append(rec.Headers, h)
				}
			}
			l := letters.Parse(rec)
			if l.Own() || !strings.Contains(l.Fault, c.fault) {
				t.Errorf("own %v, fault %q, want %q", l.Own(), l.Fault, c.fault)
			}
			if _, ok := letters.KeyOf(l.ID); !ok {
				t.Errorf("id %q is none", l.ID)
			}
		})
	}
}

// A record without a timestamp has none after it died either: the letter's own time is that of
// its writing, and says nothing of the event's age.
func TestOriginal_anUnknownTimeStaysUnknown(t *testing.T) {
	src := eventRecord()
	src.Timestamp = time.Time{}
	rec := written(t, src, 0)
	for name, earlier := range map[string]string{"as it is written": "", "as earlier releases wrote -1": "1969-12-31T23:59:59.999Z", "and 0": "1970-01-01T00:00:00.000Z"} {
		letter := *rec
		if earlier != "" {
			letter.Headers = append(letter.Headers, kgo.RecordHeader{Key: "dlq.source.timestamp", Value: []byte(earlier)})
		}
		l := letters.Parse(&letter)
		if got := letters.Original(&letter, &l).Timestamp; !l.Own() || !got.IsZero() {
			t.Errorf("%s: own %v, of %v, want no time", name, l.Own(), got)
		}
	}
	if at, ok := headerOf(rec, "kafka_dlt-original-timestamp"); !ok || at != "\xff\xff\xff\xff\xff\xff\xff\xff" {
		t.Errorf("Spring's timestamp is %x, %v; want Kafka's -1", at, ok)
	}
}

func headerOf(rec *kgo.Record, name string) (string, bool) {
	for _, h := range rec.Headers {
		if h.Key == name {
			return string(h.Value), true
		}
	}
	return "", false
}
