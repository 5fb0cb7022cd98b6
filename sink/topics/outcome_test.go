package topics_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

func TestWrite_outcomeHasTheHeadersOfTheContract(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		e := delivered()
		e.Source.Headers = []kgo.RecordHeader{
			{Key: "other", Value: []byte("x")},
			{Key: "traceparent", Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")},
		}
		e.Outcome.Round = 2
		b.write(t, e)

		got := b.only(t, responses)
		want := []kgo.RecordHeader{
			{Key: "deskstream.group", Value: []byte("deskstream.crm")},
			{Key: "deskstream.source", Value: []byte("events/7/118")},
			{Key: "deskstream.source.epoch", Value: []byte("4")},
			{Key: "deskstream.source.topic_id", Value: []byte("AQIDBAUGBwgJCgsMDQ4PEA")},
			{Key: "deskstream.cluster", Value: []byte("cluster-1")},
			{Key: "deskstream.destination", Value: []byte("crm")},
			{Key: "deskstream.outcome", Value: []byte("delivered")},
			{Key: "deskstream.round", Value: []byte("2")},
			{Key: "deskstream.event", Value: []byte("a461b472cb41a9ec3dee5c90cf8e4a78")},
			{Key: "traceparent", Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")},
		}
		if diff := cmp.Diff(want, got.Headers); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		if got.Partition != 1 || string(got.Key) != "user-7" {
			t.Errorf("partition %d, key %q; want 7 %% 3 = 1, the lane", got.Partition, got.Key)
		}
	})
}

// A reader need not tell a header that is missing from one that is empty.
func TestWrite_outcomeHasEmptyHeadersForWhatIsNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		e := delivered()
		e.Origin = topics.Origin{}
		e.Outcome.Event = sink.EventInfo{}
		b.write(t, e)
		rec := b.only(t, responses)
		for _, name := range []string{"deskstream.source.topic_id", "deskstream.cluster", "deskstream.event"} {
			if count(rec, name) != 1 || header(t, rec, name) != "" {
				t.Errorf("%s is there %d times, as %q; want it once and empty", name, count(rec, name), header(t, rec, name))
			}
		}
		if entry, ok := topics.ParseEntry(rec); !ok || !entry.Unknown() {
			t.Errorf("read back %v as %+v", ok, entry)
		}
	})
}

func TestWrite_outcomeOfARecordThatStandsAloneHasANullKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		e := delivered()
		e.Lane = ""
		b.write(t, e)
		if key := b.only(t, responses).Key; key != nil {
			t.Errorf("key %q, want null", key)
		}
	})
}

func TestWrite_outcomeIsTheObjectOfTheContract(t *testing.T) {
	const (
		head = `{"event":{"id":"m-1","type":"track","name":null,"lane":null},"destination":{"name":"crm","type":"kustomer"},` +
			`"outcome":"delivered","calls":[{"method":"POST","url":"https://x.test/v1/t?a=1&b=2","attempts":1`
		tail = `}],"ids":{"customer_id":"42"},"warnings":[],"error":null,"reason":null,"dlq_id":null,"round":0,"source":null,` +
			`"at":"2026-01-02T03:04:06.001Z","schema":1}`
	)
	for name, tt := range map[string]struct {
		bodies bool
		want   string
	}{
		"with bodies":    {true, head + `,"request":{"name":"<b>"},"response":{"id":42}` + tail},
		"without bodies": {false, head + tail},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, func(cfg *topics.Config) { cfg.Bodies = tt.bodies })
				e := delivered()
				e.Outcome.At = sink.Time{Time: time.Date(2026, 1, 2, 3, 4, 6, 1e6, time.UTC)}
				b.write(t, e)
				if diff := cmp.Diff(tt.want, string(b.only(t, responses).Value)); diff != "" {
					t.Errorf("value (-want +got):\n%s", diff)
				}
				if e.Outcome.Calls[0].Request.IsZero() {
					t.Error("the caller's outcome lost its bodies")
				}
			})
		})
	}
}

// The answer to a call over Kafka is what the call is for.
func TestWrite_aResultStaysWithoutBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(cfg *topics.Config) { cfg.Bodies = false })
		e := delivered()
		id, status := "c-1", 200
		e.Outcome.CorrelationID, e.Outcome.Status = &id, &status
		e.Outcome.Result, e.Outcome.Cursor = sink.RawJSONOf(mapping.Obj()), sink.RawJSONOf(mapping.Obj())
		b.write(t, e)
		if value := string(b.only(t, responses).Value); !strings.Contains(value, `"correlationId":"c-1","status":200,"result":{},"cursor":{},`) || strings.Contains(value, `"response"`) {
			t.Errorf("value %s", value)
		}
	})
}

func TestWrite_outcomeWithoutATimeGetsThePresent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		now := sink.Time{Time: time.Now()}
		b.write(t, delivered())
		if value := string(b.only(t, responses).Value); !strings.Contains(value, `"at":"`+now.String()+`"`) {
			t.Errorf("at is not %s in %s", now, value)
		}
	})
}

func TestWrite_bodyThatTheOtherFormCannotHoldIsLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(cfg *topics.Config) {
			cfg.Encode = func(text []byte) ([]byte, error) {
				if bytes.Contains(text, []byte(`"response"`)) {
					return nil, errors.New("it has a body")
				}
				return append([]byte{0}, text...), nil
			}
		})
		e := delivered()
		b.write(t, e)
		rec := b.only(t, responses)
		text, encoded := bytes.CutPrefix(rec.Value, []byte{0})
		if !encoded {
			t.Fatalf("the value is not in the other form: %s", rec.Value)
		}
		rec.Value = text
		call := readOutcome(t, rec).Calls[0]
		if !call.Response.IsZero() || !call.Truncated {
			t.Errorf("call %+v, want no bodies and the mark of it", call)
		}
	})
}

func TestWrite_outcomeThatIsTooLargeShrinks(t *testing.T) {
	tests := map[string]struct {
		change func(*topics.Entry)
		check  func(*testing.T, *kgo.Record, sink.Outcome)
	}{
		"bodies go first": {
			func(e *topics.Entry) { e.Outcome.Calls[0].Response = sink.RawJSONOf(mapping.Str(letters(40 << 10))) },
			func(t *testing.T, _ *kgo.Record, out sink.Outcome) {
				if len(out.Calls) != 1 || !out.Calls[0].Response.IsZero() || !out.Calls[0].Truncated {
					t.Errorf("calls %+v, want one, truncated, without bodies", out.Calls)
				}
			},
		},
		"then the calls": {
			func(e *topics.Entry) { e.Outcome.Calls[0].URL = letters(40 << 10) },
			func(t *testing.T, _ *kgo.Record, out sink.Outcome) {
				if len(out.Calls) != 0 || len(out.Warnings) != 1 || out.IDs["customer_id"] != "42" {
					t.Errorf("calls %v, warnings %v, ids %v; want none, one that says so, the ids", out.Calls, out.Warnings, out.IDs)
				}
			},
		},
		"the result with them": {
			func(e *topics.Entry) { e.Outcome.Result = sink.RawJSONOf(mapping.Str(letters(40 << 10))) },
			func(t *testing.T, _ *kgo.Record, out sink.Outcome) {
				if !out.Result.IsZero() || !out.Truncated || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "result") {
					t.Errorf("result of %d bytes, truncated %v, warnings %q; want none, marked, and one that says so", len(out.Result.String()), out.Truncated, out.Warnings)
				}
			},
		},
		"the key at last": {
			func(e *topics.Entry) { e.Lane = letters(40 << 10) },
			func(t *testing.T, rec *kgo.Record, _ sink.Outcome) {
				if len(rec.Key) != sink.MaxText {
					t.Errorf("key of %d bytes, want it cut at %d", len(rec.Key), sink.MaxText)
				}
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				e := delivered()
				tt.change(&e)
				b.write(t, e)
				rec := b.only(t, responses)
				tt.check(t, rec, readOutcome(t, rec))
				if _, ok := topics.ParseEntry(rec); !ok {
					t.Error("the ledger cannot read it")
				}
			})
		})
	}
}

// letters is a text of n bytes that no compression makes small.
func letters(n int) string { return base64.StdEncoding.EncodeToString(random(n))[:n] }

func TestWrite_hostileTraceIsNotContinued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		e := delivered()
		e.Source.Headers = []kgo.RecordHeader{{Key: "traceparent", Value: make([]byte, 100<<10)}}
		b.write(t, e)
		if got := len(b.only(t, responses).Headers); got != 9 {
			t.Errorf("%d headers, want the nine of ours", got)
		}
	})
}
