package journal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
)

// named is a letter of a broker that only names a record.
func named(topic string, partition int32, offset int64, at time.Time) *journal.Pointer {
	r := &kgo.Record{Timestamp: at, Headers: []kgo.RecordHeader{
		{Key: "__dlq.errors.topic", Value: []byte(topic)},
		{Key: "__dlq.errors.partition", Value: fmt.Append(nil, partition)},
		{Key: "__dlq.errors.offset", Value: fmt.Append(nil, offset)},
	}}
	l := letters.Parse(r)
	return &journal.Pointer{Record: r, Letter: &l}
}

func resolve(t *testing.T, d *journaltest.Deployment, list ...*journal.Pointer) {
	t.Helper()
	if err := d.Open().Resolve(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

func TestResolve_readsTheRecordsThatLettersName(t *testing.T) {
	d := deployment(t)
	first, second, later := d.Event(0, "m-1", "u"), d.Event(1, "m-2", "v"), d.Event(0, "m-3", "u")
	a, b, again := named("events", 0, 0, first.Timestamp), named("events", 1, 0, second.Timestamp), named("events", 0, 0, first.Timestamp)
	c := named("events", 0, 1, later.Timestamp)
	resolve(t, d, a, b, again, c)
	for _, tt := range []struct {
		p    *journal.Pointer
		want *kgo.Record
	}{{a, first}, {b, second}, {again, first}, {c, later}} {
		if tt.p.Missing != "" || string(tt.p.Record.Value) != string(tt.want.Value) || string(tt.p.Record.Key) != string(tt.want.Key) || tt.p.Letter.Pointer {
			t.Errorf("%s: missing %q, value %s, key %s", tt.p.Letter.Source, tt.p.Missing, tt.p.Record.Value, tt.p.Record.Key)
		}
		if !tt.p.Letter.Source.Timestamp.Equal(tt.want.Timestamp) {
			t.Errorf("%s has the time %v, want that of the record, %v", tt.p.Letter.Source, tt.p.Letter.Source.Timestamp, tt.want.Timestamp)
		}
	}
}

// A letter whose record is gone must not be taken for one with a null value.
func TestResolve_saysWhyARecordCannotBeRead(t *testing.T) {
	d := deployment(t)
	for _, id := range []string{"m-1", "m-2", "m-3"} {
		d.Event(0, id, "u")
	}
	d.Expire(journaltest.Events, 0, 1)
	cl := d.Client(t, kgo.TransactionalID("tx"), kgo.DefaultProduceTopic(journaltest.Events), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Partition: 1}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := cl.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	nothing := &journal.Pointer{Record: &kgo.Record{}, Letter: &letters.Letter{Dialect: letters.Streams, Pointer: true}}
	for why, p := range map[string]*journal.Pointer{
		"has expired":                 named("events", 0, 0, day),
		"does not exist: the topic":   named("events", 0, 3, day),
		"does not exist":              named("events", 9, 0, day),
		"there is no topic":           named("nowhere", 0, 0, day),
		"there is no topic not/a/one": named("not/a/one", 0, 0, day),
		"compacted or aborted":        named("events", 1, 0, day),
		"younger than the letter":     named("events", 0, 2, day.Add(-time.Hour)),
		"does not say where":          nothing,
	} {
		resolve(t, d, p)
		if !strings.Contains(p.Missing, why) || p.Record.Value != nil {
			t.Errorf("missing %q with value %q, want %q and none", p.Missing, p.Record.Value, why)
		}
	}
}

// A clock that is a little behind is no reason to take a record for another one's.
func TestResolve_theClockOfALettersWriterMayBeBehind(t *testing.T) {
	d := deployment(t)
	r := d.Event(0, "m-1", "u")
	p := named("events", 0, 0, r.Timestamp.Add(-journal.ClockSlack))
	if resolve(t, d, p); p.Missing != "" {
		t.Errorf("missing: %s", p.Missing)
	}
}

// hop writes a letter that names the record at an offset of the same topic.
func hop(d *journaltest.Deployment, offset int64) {
	p := named(journaltest.DeadLetters, 0, offset, day)
	p.Record.Topic = journaltest.DeadLetters
	d.Write(p.Record)
}

func TestResolve_followsLettersThatNameLettersSomeWay(t *testing.T) {
	d := deployment(t)
	d.Event(0, "m-1", "u")
	last := named("events", 0, 0, day)
	last.Record.Topic = journaltest.DeadLetters
	d.Write(last.Record)
	for i := range int64(5) {
		hop(d, i)
	}
	for hops, missing := range []bool{false, false, false, false, true} {
		p := named(journaltest.DeadLetters, 0, int64(hops), day)
		resolve(t, d, p)
		if (p.Missing != "") != missing {
			t.Errorf("behind %d letters more: missing %q", hops, p.Missing)
		}
		if !missing && p.Letter.Source.String() != "events/0/0" {
			t.Errorf("behind %d letters more: found at %s", hops, p.Letter.Source)
		}
	}
}

func TestResolve_lettersThatNameEachOtherEnd(t *testing.T) {
	d := deployment(t)
	hop(d, 1)
	hop(d, 0)
	p := named(journaltest.DeadLetters, 0, 0, day)
	if resolve(t, d, p); !strings.Contains(p.Missing, "names another one") {
		t.Errorf("missing %q", p.Missing)
	}
}

func TestDescribe_saysWhatOfTheRecordTheLetterHas(t *testing.T) {
	source := letters.Source{Place: letters.Place{Topic: "events"}}
	for name, tt := range map[string]struct {
		needed  letters.Letter
		missing string
		want    string
	}{
		"only named":                    {letters.Letter{Pointer: true}, "", "fetched from events/0/0"},
		"only named, gone":              {letters.Letter{Pointer: true}, "it is gone", "it is gone"},
		"without headers":               {letters.Letter{Bare: true}, "", "time and headers are fetched from events/0/0"},
		"without headers, gone":         {letters.Letter{Bare: true}, "it is gone", "not its time and headers: it is gone"},
		"without a time":                {letters.Letter{}, "", "the time is fetched from events/0/0"},
		"without a time, which is gone": {letters.Letter{}, "it is gone", "not its time: it is gone"},
	} {
		p := journal.Pointer{Letter: &letters.Letter{Source: source}, Missing: tt.missing}
		if got := p.Describe(tt.needed); !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s: %q, want the end %q", name, got, tt.want)
		}
	}
}
