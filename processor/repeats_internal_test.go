package processor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// What a takeover reads of a partition whose committed offset is 100 and whose checkpoint says 1,000.
func TestLedger_outcomesThatOthersRepeat(t *testing.T) {
	type written struct {
		offset, at int64
		round      int
		outcome    string
	}
	for name, tt := range map[string]struct {
		written []written
		want    bool
	}{
		"below the committed offset":               {[]written{{99, 10, 0, "delivered"}}, true},
		"skipped":                                  {[]written{{99, 10, 0, "skipped"}}, true},
		"dead":                                     {[]written{{99, 10, 0, "dead"}}, false},
		"a letter sent again":                      {[]written{{99, 10, 0, "dead"}, {99, 11, 1, "delivered"}}, true},
		"settled and not committed":                {[]written{{100, 1000, 0, "delivered"}}, true},
		"of a record that is delivered again":      {[]written{{100, 999, 0, "delivered"}}, false},
		"settled as dead, its letter sent again":   {[]written{{100, 1000, 0, "dead"}, {100, 1001, 1, "delivered"}}, true},
		"the same, read from two places at once":   {[]written{{100, 1001, 1, "delivered"}, {100, 1000, 0, "dead"}}, true},
		"a letter of what is delivered again":      {[]written{{100, 999, 0, "dead"}, {100, 1001, 1, "delivered"}}, false},
		"beyond the time":                          {[]written{{99, 1, 0, "delivered"}}, false},
		"a repeat, which is of a record before it": {[]written{{99, 10, 0, "skipped duplicate"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			part := &partition{topicPartition: topicPartition{topic: "events"}, n: 1, origin: ledgerOrigin, committed: 100}
			reads := newLedgerReads("g", ledgerTopic)
			reads.dedup = time.Hour
			reads.want(part, 1000, 2000)
			reads.wantRepeats(part, 5, 2000)
			if begin := reads.begin()[0]; begin != 5 {
				t.Fatalf("the read begins at %d, want 5", begin)
			}
			for _, w := range tt.written {
				r := outcomeOf(w.offset)
				r.Offset, r.Timestamp = w.at, time.Now()
				if w.at == 1 {
					r.Timestamp = time.Now().Add(-2 * time.Hour)
				}
				outcome, reason, _ := strings.Cut(w.outcome, " ")
				for i := range r.Headers {
					switch r.Headers[i].Key {
					case "deskstream.outcome":
						r.Headers[i].Value = []byte(outcome)
					case "deskstream.round":
						r.Headers[i].Value = fmt.Append(nil, w.round)
					}
				}
				if reason != "" {
					r.Headers = append(r.Headers, kgo.RecordHeader{Key: "deskstream.reason", Value: []byte(reason)})
				}
				reads.take(r)
			}
			id, ok := topics.RepeatsOf(outcomeOf(tt.written[0].offset))
			if got := reads.seen(part).has(id, time.Now()); !ok || got != tt.want {
				t.Errorf("known = %v, want %v", got, tt.want)
			}
		})
	}
}

// Where only repeats are read, no event is settled, and no step is of the present.
func TestLedger_whatIsReadForRepeatsSaysNothingElse(t *testing.T) {
	part := &partition{topicPartition: topicPartition{topic: "events"}, n: 1, origin: ledgerOrigin, committed: 100}
	for from, want := range map[int64]int{1000: 0, 10: 1} {
		reads := newLedgerReads("g", ledgerTopic)
		reads.dedup = time.Hour
		reads.want(part, from, 2000)
		reads.wantRepeats(part, 5, 2000)
		steps := 0
		reads.onRecord = func(string, sink.StepRecord) { steps++ }
		r := outcomeOf(100)
		r.Offset = 10
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: "deskstream.progress", Value: []byte(`{"steps":[{"name":"ticket","state":"done"}]}`)})
		reads.take(r)
		if settled := reads.done(part) != nil; settled != (want == 1) || steps != want {
			t.Errorf("from %d: settled %v, %d steps; want %d", from, settled, steps, want)
		}
	}
}

// An event with progress has written something: it is no repeat, and waits for none. Others wait
// for it, unless they wait for an earlier one.
func TestRepeats_whatHasBegunGoesOn(t *testing.T) {
	open := func(p *repeats, begun bool) *record {
		r := &record{Record: &kgo.Record{Value: []byte(`{"messageId":"m-1"}`)}, decoder: mapping.JSON}
		if begun {
			r.progress = &sink.Progress{}
		}
		p.takeIn(mapping.PlainReader, &lane{}, r)
		return r
	}
	p := newRepeats(time.Hour)
	p.seen.add(sink.DigestOf("m-1"), time.Now())
	begun := open(p, true)
	if begun.message.isRepeat() || begun.message.waits() {
		t.Errorf("an event with progress: repeat %v, waits %v", begun.message.isRepeat(), begun.message.waits())
	}
	if other := open(p, false); !other.message.isRepeat() {
		t.Error("one without is no repeat of a known one")
	}

	p = newRepeats(time.Hour)
	first, begun, third := open(p, false), open(p, true), open(p, false)
	if begun.message.isRepeat() || begun.message.waits() || !third.message.waits() {
		t.Errorf("waits: with progress %v, without %v", begun.message.waits(), third.message.waits())
	}
	released := p.settled(first, &sink.Outcome{Outcome: sink.Delivered})
	if len(released) != 1 || released[0] != third || !third.message.isRepeat() || third.message.waits() || begun.message.isRepeat() {
		t.Errorf("released %v, repeat %v, with progress %v", released, third.message.isRepeat(), begun.message.isRepeat())
	}
}
