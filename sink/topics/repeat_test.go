package topics_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

func TestRepeatsOf(t *testing.T) {
	id := sink.DigestOf("m-1")
	hex := string(id.AppendHex(nil))
	for name, tt := range map[string]struct {
		outcome, event, reason string
		want                   bool
	}{
		"delivered":                {"delivered", hex, "", true},
		"skipped":                  {"skipped", hex, "", true},
		"skipped as a repeat":      {"skipped", hex, "duplicate", false},
		"skipped for another":      {"skipped", hex, "filtered", true},
		"dead":                     {"dead", hex, "", false},
		"progress":                 {"progress", hex, "", false},
		"a claim":                  {"claim", "", "", false},
		"without a message id":     {"delivered", "", "", false},
		"with what is no digest":   {"delivered", strings.Repeat("x", 32), "", false},
		"with another length":      {"delivered", hex + "00", "", false},
		"a record of someone else": {"", hex, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &kgo.Record{Headers: []kgo.RecordHeader{{Key: "deskstream.event", Value: []byte(tt.event)}}}
			if tt.outcome != "" {
				rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: "deskstream.outcome", Value: []byte(tt.outcome)})
			}
			if tt.reason != "" {
				rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: "deskstream.reason", Value: []byte(tt.reason)})
			}
			got, ok := topics.RepeatsOf(rec)
			if ok != tt.want || ok && got != id {
				t.Errorf("RepeatsOf = %x, %v; want %v", got, ok, tt.want)
			}
		})
	}
}

// What is written is what is read: of each outcome the header says what the object does.
func TestWrite_anOutcomeSaysInItsHeadersWhetherItHasRepeats(t *testing.T) {
	duplicate, filtered := mapping.Duplicate, mapping.Filtered
	for name, tt := range map[string]struct {
		what   sink.Disposition
		reason *mapping.Skip
		want   bool
	}{
		"delivered": {sink.Delivered, nil, true},
		"filtered":  {sink.Skipped, &filtered, true},
		"duplicate": {sink.Skipped, &duplicate, false},
		"dead":      {sink.Dead, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil)
				e := delivered()
				e.Outcome = outcome(tt.what)
				e.Outcome.Reason = tt.reason
				if got := topics.HasRepeats(e.Outcome); got != tt.want {
					t.Errorf("HasRepeats = %v, want %v", got, tt.want)
				}
				b.write(t, e)
				id, ok := topics.RepeatsOf(b.only(t, responses))
				if ok != tt.want || ok && id != e.Outcome.Event.Digest {
					t.Errorf("RepeatsOf = %x, %v; want %v", id, ok, tt.want)
				}
			})
		})
	}
}
