package topics_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// letterOf writes a dead entry and gives its letter.
func letterOf(t *testing.T, e topics.Entry, dialects ...topics.Dialect) *kgo.Record {
	t.Helper()
	var letter *kgo.Record
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(cfg *topics.Config) { cfg.Dialects = dialects })
		b.write(t, e)
		letter = b.only(t, deadLetters)
	})
	return letter
}

func headers(pairs ...string) []kgo.RecordHeader {
	list := make([]kgo.RecordHeader, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, kgo.RecordHeader{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return list
}

// ownHeaders are those of dead(), written at midnight of 2000, when bubbles begin.
var ownHeaders = headers(
	"dlq.version", "1",
	"dlq.id", "a769e2835e08afea3f25f605ddfb6533",
	"dlq.source.topic", "events",
	"dlq.source.partition", "7",
	"dlq.source.offset", "118",
	"dlq.source.timestamp", "2026-01-02T03:04:05.678Z",
	"dlq.source.timestamp.type", "CreateTime",
	"dlq.source.group", "deskstream.crm",
	"dlq.source.cluster", "cluster-1",
	"dlq.source.topic_id", "AQIDBAUGBwgJCgsMDQ4PEA",
	"dlq.source.epoch", "4",
	"dlq.destination", "crm",
	"dlq.config.hash", "c0ffee",
	"dlq.app.version", "1.2.3",
	"dlq.stage", "request",
	"dlq.class", "rejected",
	"dlq.code", "http_422",
	"dlq.fault", "event",
	"dlq.http.status", "422",
	"dlq.message", "name is too long: 300 of 255",
	"dlq.fingerprint", "78fb19b9cd3ba9ce",
	"dlq.retryable", "after_fix",
	"dlq.attempts", "2",
	"dlq.first.attempt.at", "2026-01-02T03:04:06.000Z",
	"dlq.last.attempt.at", "2026-01-02T03:04:07.500Z",
	"dlq.at", "2000-01-01T00:00:00.000Z",
	"dlq.lane", "user-7",
	"dlq.event.id", "m-1",
	"dlq.event.type", "track",
	"dlq.redrive.round", "0",
)

func TestWrite_letterHasOurHeaders(t *testing.T) {
	if diff := cmp.Diff(ownHeaders, letterOf(t, dead()).Headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

// stepsTaken is what is on record of an event that took one step and may have taken another.
func stepsTaken() *sink.Progress {
	return &sink.Progress{
		Claim: 3, Steps: []sink.StepRecord{{StepInfo: sink.StepInfo{Name: "ticket", State: sink.StepDone}, IDs: map[string]string{"ticket_id": "42"}}},
		Next: &sink.Announcement{Step: "note", Mark: sink.Mark{"floor": "7"}, At: sink.Time{Time: time.UnixMilli(0)}},
	}
}

func TestWrite_letterSaysWhatWasDone(t *testing.T) {
	e := dead()
	e.Progress = stepsTaken()
	e.Progress.Rule, e.Progress.RuleHash, e.Outcome.Rule = "payment-failed", "0123456789abcdef", "payment-failed"
	letter := letterOf(t, e)
	for name, want := range map[string]string{
		"dlq.rule":       "payment-failed",
		"dlq.rule.hash":  "0123456789abcdef",
		"dlq.steps":      `[{"name":"ticket","state":"done","ids":{"ticket_id":"42"}}]`,
		"dlq.steps.next": `{"step":"note","mark":{"floor":"7"},"at":"1970-01-01T00:00:00.000Z"}`,
	} {
		if got := header(t, letter, name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}

func TestWrite_letterSpeaksTheDialects(t *testing.T) {
	tests := map[topics.Dialect][]kgo.RecordHeader{
		topics.Connect: headers(
			"__connect.errors.topic", "events",
			"__connect.errors.partition", "7",
			"__connect.errors.offset", "118",
			"__connect.errors.connector.name", "crm",
			"__connect.errors.task.id", "0",
			"__connect.errors.stage", "TASK_PUT",
			"__connect.errors.class.name", "kustomer",
			"__connect.errors.exception.class.name", "http_422",
			"__connect.errors.exception.message", "name is too long: 300 of 255",
		),
		// 2026-01-02T03:04:05.678Z is 1767323045678 = 0x19b7ca98f2e milliseconds.
		topics.Spring: headers(
			"kafka_dlt-original-topic", "events",
			"kafka_dlt-original-partition", "\x00\x00\x00\x07",
			"kafka_dlt-original-offset", "\x00\x00\x00\x00\x00\x00\x00\x76",
			"kafka_dlt-original-timestamp", "\x00\x00\x01\x9b\x7c\xa9\x8f\x2e",
			"kafka_dlt-original-timestamp-type", "CreateTime",
			"kafka_dlt-original-consumer-group", "deskstream.crm",
			"kafka_dlt-exception-fqcn", "http_422",
			"kafka_dlt-exception-message", "name is too long: 300 of 255",
		),
		topics.KIP1191: headers(
			"__dlq.errors.topic", "events",
			"__dlq.errors.partition", "7",
			"__dlq.errors.offset", "118",
			"__dlq.errors.group", "deskstream.crm",
			"__dlq.errors.delivery.count", "2",
			"__dlq.errors.message", "http_422: name is too long: 300 of 255",
		),
		topics.XOriginal: headers(
			"x-original-topic", "events",
			"x-original-partition", "7",
			"x-original-offset", "118",
			"x-original-timestamp", "1767323045678",
			"x-original-timestamp-type", "CreateTime",
			"x-exception-fqcn", "http_422",
			"x-exception-message", "name is too long: 300 of 255",
		),
		topics.Streams: headers(
			"__streams.errors.exception", "http_422",
			"__streams.errors.message", "name is too long: 300 of 255",
			"__streams.errors.topic", "events",
			"__streams.errors.partition", "7",
			"__streams.errors.offset", "118",
		),
	}
	for dialect, want := range tests {
		t.Run(string(dialect), func(t *testing.T) {
			got := letterOf(t, dead(), dialect).Headers
			if diff := cmp.Diff(want, got[len(ownHeaders):]); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrite_letterKeepsTheOriginal(t *testing.T) {
	tests := map[string]struct{ key, value []byte }{
		"text":   {[]byte("user-7"), []byte(`{"type": 1 }`)},
		"binary": {[]byte{0xff, 0}, []byte{0, 1, 2, 0xfe}},
		"null":   {nil, nil},
		"empty":  {[]byte{}, []byte{}},
	}
	original := headers("b", "1", "a", "\xff\x00", "b", "2", "empty", "")
	original = append(original, kgo.RecordHeader{Key: "null"})
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := dead()
			e.Source.Key, e.Source.Value, e.Source.Headers = tt.key, tt.value, original
			got := letterOf(t, e, topics.Connect)
			if diff := cmp.Diff(tt.key, got.Key); diff != "" {
				t.Errorf("key (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.value, got.Value); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(original, got.Headers[:len(original)]); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if got.Partition != 1 || !got.Timestamp.Equal(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) {
				t.Errorf("partition %d at %v, want 7 %% 2 = 1, now", got.Partition, got.Timestamp)
			}
		})
	}
}

func TestWrite_letterLeavesForeignDialectHeadersToTheirWriter(t *testing.T) {
	e := dead()
	e.Source.Headers = headers("__connect.errors.topic", "first", "dlq.id", "not ours")
	got := letterOf(t, e, topics.Connect)
	if n := count(got, "__connect.errors.topic"); n != 1 || header(t, got, "__connect.errors.topic") != "first" {
		t.Errorf("%d topics for Connect, want the one that was there", n)
	}
	if n := count(got, "dlq.id"); n != 2 || header(t, got, "dlq.id") == "not ours" {
		t.Errorf("%d ids, the last %s; want the original's and then ours", n, header(t, got, "dlq.id"))
	}
}

func TestWrite_letterOfALaterRoundReplacesTheHeadersOfTheOneBefore(t *testing.T) {
	original := headers("mine", "1", "dlq.id", "of another deskstream", "__connect.errors.topic", "first")
	e := dead()
	e.Source.Headers = original
	first := letterOf(t, e, topics.Connect, topics.Spring)

	e = dead()
	e.Source.Headers = append(first.Headers, headers("added.later", "1")...)
	e.Outcome.Round, e.Plan = 1, "plan-9"
	second := letterOf(t, e, topics.Connect, topics.Spring)

	want := append(slices.Clone(original), headers("added.later", "1")...)
	if diff := cmp.Diff(want, second.Headers[:len(want)]); diff != "" {
		t.Errorf("original headers (-want +got):\n%s", diff)
	}
	if got := len(second.Headers) - len(first.Headers); got != 2 {
		t.Errorf("%d headers more than in the first round, want 2: the one added later and the plan", got)
	}
	if header(t, second, "dlq.redrive.round") != "1" || header(t, second, "dlq.redrive.plan") != "plan-9" {
		t.Errorf("round and plan are not in %v", headerNames(second))
	}
	if header(t, second, "dlq.id") == header(t, first, "dlq.id") {
		t.Error("the second round's letter has the first one's id")
	}
}

func TestWrite_letterSaysWhetherRetryingHelps(t *testing.T) {
	for class, want := range map[sink.Class]string{
		sink.Exhausted: "yes", sink.Invalid: "after_fix", sink.Rejected: "after_fix",
		sink.Expired: "no", sink.Unknown: "probe_first",
	} {
		e := dead()
		e.Outcome.Error.Class = class
		if got := header(t, letterOf(t, e), "dlq.retryable"); got != want {
			t.Errorf("%s: retryable %s, want %s", class, got, want)
		}
	}
}

func TestWrite_letterNamesConnectsStage(t *testing.T) {
	for stage, want := range map[sink.Stage]string{
		sink.StageDecode: "VALUE_CONVERTER", sink.StageMap: "TRANSFORMATION",
		sink.StageLookup: "TRANSFORMATION", sink.StageRequest: "TASK_PUT",
	} {
		e := dead()
		e.Outcome.Error.Stage = stage
		if got := header(t, letterOf(t, e, topics.Connect), "__connect.errors.stage"); got != want {
			t.Errorf("%s: stage %s, want %s", stage, got, want)
		}
	}
}

func TestWrite_letterOfAnEventWithoutAttemptsLeavesOutWhatIsNotThere(t *testing.T) {
	e := dead()
	e.FirstAttempt, e.LastAttempt, e.Attempts, e.Lane = time.Time{}, time.Time{}, 0, ""
	e.Outcome.Event = sink.EventInfo{}
	e.Outcome.Error.HTTPStatus = nil
	e.Source.Attrs = kgo.NewRecordAttrs(kgo.RecordAttrsOpts{TimestampType: 1})
	e.Source.LeaderEpoch, e.Origin = -1, topics.Origin{}
	got := letterOf(t, e)
	for _, name := range []string{
		"dlq.http.status", "dlq.first.attempt.at", "dlq.last.attempt.at", "dlq.lane",
		"dlq.event.id", "dlq.event.type", "dlq.redrive.plan",
		"dlq.source.cluster", "dlq.source.topic_id", "dlq.source.epoch",
	} {
		if count(got, name) != 0 {
			t.Errorf("%s is there", name)
		}
	}
	if header(t, got, "dlq.attempts") != "0" || header(t, got, "dlq.source.timestamp.type") != "LogAppendTime" {
		t.Errorf("attempts %s, timestamp type %s", header(t, got, "dlq.attempts"), header(t, got, "dlq.source.timestamp.type"))
	}
}

func TestWrite_letterClampsTheDeliveryCount(t *testing.T) {
	e := dead()
	e.Attempts = 40_000
	got := letterOf(t, e, topics.KIP1191)
	if header(t, got, "__dlq.errors.delivery.count") != "32767" || header(t, got, "dlq.attempts") != "40000" {
		t.Errorf("delivery count %s, attempts %s", header(t, got, "__dlq.errors.delivery.count"), header(t, got, "dlq.attempts"))
	}
}

func TestWrite_letterFingerprintIsThatOfTheCause(t *testing.T) {
	print := func(message string) string {
		e := dead()
		e.Outcome.Error.Message = message
		return header(t, letterOf(t, e), "dlq.fingerprint")
	}
	want := print(`contact 9001 "Ann's" can't be d290f1ee-6c54-4b01-90e6-d288748bf851, 0xff01, after 1.5s, 'x' of a@b.nl`)
	same := print(`contact 17 "Bob" can't be a290f1ee-6c54-4b01-90e6-d288748bf8aa, 0xab99, after 22s, 'yz' of cc@d.com`)
	other := print(`contact 9001 "Ann's" must be d290f1ee-6c54-4b01-90e6-d288748bf851, 0xff01, after 1.5s, 'x' of a@b.nl`)
	if same != want {
		t.Errorf("fingerprints of one cause differ: %s and %s", want, same)
	}
	if other == want {
		t.Error("fingerprints of two causes are the same")
	}
	info := *dead().Outcome.Error
	if topics.Fingerprint("crm", info) == topics.Fingerprint("support-inbox", info) {
		t.Error("fingerprints of two destinations are the same")
	}
}

func count(rec *kgo.Record, name string) int {
	n := 0
	for _, h := range rec.Headers {
		if h.Key == name {
			n++
		}
	}
	return n
}
