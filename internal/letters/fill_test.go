package letters_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
)

func shareGroup() []kgo.RecordHeader {
	return headers("__dlq.errors.topic", "staff", "__dlq.errors.partition", "2", "__dlq.errors.offset", "40", "__dlq.errors.group", "sharers")
}

func TestFill_givesWhatTheLetterLacks(t *testing.T) {
	record := func() *kgo.Record {
		return &kgo.Record{
			Topic: "staff", Partition: 2, Offset: 40, Timestamp: hired, Key: []byte("k"), Value: []byte("v"),
			Headers: headers("tenant", "a", "tenant", "b"),
		}
	}
	all := record().Headers
	for name, c := range map[string]struct {
		letter *kgo.Record
		needs  bool
		want   []kgo.RecordHeader // before those of the letter; nil for the letter's own
	}{
		"a share group's pointer":           {&kgo.Record{Headers: shareGroup()}, true, all},
		"a share group's copy":              {&kgo.Record{Key: []byte("k"), Value: []byte("v"), Headers: shareGroup()}, true, all},
		"a streams pointer, headers kept":   {&kgo.Record{Headers: slices.Concat(all, streamsRound("staff", "2", "40"))}, true, nil},
		"a streams pointer, one changed":    {&kgo.Record{Headers: slices.Concat(headers("tenant", "c"), streamsRound("staff", "2", "40"))}, true, nil},
		"a streams pointer, none kept":      {&kgo.Record{Headers: streamsRound("staff", "2", "40")}, true, all},
		"smallrye, which lacks only a time": {&kgo.Record{Key: []byte("k"), Value: []byte("v"), Headers: smallRyeRound("staff", "E", "m", "2", "40")}, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := letters.Parse(c.letter)
			if l.NeedsRecord() != c.needs {
				t.Fatalf("NeedsRecord is %v", l.NeedsRecord())
			}
			want := slices.Concat(c.want, c.letter.Headers)
			if !letters.Fill(c.letter, &l, record()) {
				t.Fatal("the record is not taken")
			}
			if diff := cmp.Diff(want, c.letter.Headers); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			original := letters.Original(c.letter, &l)
			if string(original.Key) != "k" || string(original.Value) != "v" || !original.Timestamp.Equal(hired) || l.NeedsRecord() {
				t.Errorf("the event is %s=%s of %v, needs its record %v", original.Key, original.Value, original.Timestamp, l.NeedsRecord())
			}
		})
	}
}

// A letter of Kafka Streams can be read and given up by Kafka Streams again.
func TestFill_addsNoHeadersTwiceOfARecordThatWasALetter(t *testing.T) {
	first := streamsRound("staff", "2", "40")
	rec := &kgo.Record{Headers: slices.Concat(first, streamsRound("dlq", "0", "1"))}
	want := slices.Clone(rec.Headers)
	l := letters.Parse(rec)
	letters.Fill(rec, &l, &kgo.Record{Timestamp: hired, Value: []byte("v"), Headers: first})
	if diff := cmp.Diff(want, rec.Headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

// A share group can read the letters of another one.
func TestFill_aRecordThatIsALetterTellsTheSource(t *testing.T) {
	for name, c := range map[string]struct {
		inner *kgo.Record
		want  letters.Source
		// What the source has that the letter still lacks.
		needs, pointer, bare bool
	}{
		"a pointer of a share group": {&kgo.Record{Headers: headers("__dlq.errors.topic", "staff", "__dlq.errors.partition", "7",
			"__dlq.errors.offset", "70", "__dlq.errors.group", "first")}, of(staff(7, 70), "first"), true, true, true},
		"a copy of a share group": {&kgo.Record{Value: []byte("v"), Headers: headers("__dlq.errors.topic", "staff", "__dlq.errors.partition", "7",
			"__dlq.errors.offset", "70", "__dlq.errors.group", "first")}, of(staff(7, 70), "first"), true, false, true},
		"an event with headers of another program": {
			&kgo.Record{Value: []byte("v"), Timestamp: hired, Headers: headers("kafka_topic", "raw", "kafka_partition", "1", "kafka_offset", "2")},
			at(letters.Source{Known: true, Place: letters.Place{Topic: "staff-dlt", Offset: 1}}, hired.UnixMilli(), "second"), false, false, false,
		},
	} {
		rec := &kgo.Record{Headers: headers("__dlq.errors.topic", "staff-dlt", "__dlq.errors.partition", "0", "__dlq.errors.offset", "1",
			"__dlq.errors.group", "second")}
		l := letters.Parse(rec)
		if !letters.Fill(rec, &l, c.inner) {
			t.Fatalf("%s: not taken", name)
		}
		if diff := cmp.Diff(c.want, l.Source); diff != "" || l.NeedsRecord() != c.needs || l.Pointer != c.pointer || l.Bare != c.bare || l.Destination != "second" {
			t.Errorf("%s: needs its record %v, given up by %s, source (-want +got):\n%s", name, l.NeedsRecord(), l.Destination, diff)
		}
	}
}

func TestFill_takesNothingOfAnotherRecord(t *testing.T) {
	rec := &kgo.Record{Key: []byte("k"), Value: []byte("v"), Headers: shareGroup()}
	l := letters.Parse(rec)
	if letters.Fill(rec, &l, &kgo.Record{Timestamp: hired, Key: []byte("k"), Value: []byte("w"), Headers: headers("a", "b")}) {
		t.Error("a record with another value is taken for the letter's")
	}
	if !l.Source.Timestamp.IsZero() || len(rec.Headers) != len(shareGroup()) || string(rec.Value) != "v" {
		t.Errorf("the letter was changed: %+v", rec)
	}
}

func TestLetter_onlyWhatIsMissingIsFetched(t *testing.T) {
	for name, h := range map[string][]kgo.RecordHeader{
		"spring, which tells the time": springRound("staff", "payroll", "a.Odd", "odd", 2, 40),
		"no dead letter":               headers("trace", "7"),
		"no place":                     headers("topic_poisoned", "staff", "reason_poisoned", "m"),
	} {
		if l := letters.Parse(&kgo.Record{Value: []byte("{}"), Headers: h}); l.NeedsRecord() {
			t.Errorf("%s: its record is needed", name)
		}
	}
}

func TestAdvice_ofLettersWithoutARecordIsOfWhatWroteThem(t *testing.T) {
	const brokers = "errors.deadletterqueue.copy.record.enable"
	for name, c := range map[string]struct {
		headers     []kgo.RecordHeader
		says, never string
	}{
		"share group":               {shareGroup(), brokers, "discard"},
		"streams":                   {streamsRound("staff", "2", "40"), "dlq plan --to NAME fetches it", brokers},
		"streams, a punctuator":     {streamsRound("", "-1", "-1"), "punctuator", "dlq plan"},
		"share group without place": {headers("__dlq.errors.topic", "staff"), "names none", "dlq plan"},
	} {
		l := letters.Parse(&kgo.Record{Headers: c.headers})
		if got := letters.Advice(&l); !strings.Contains(got, c.says) || strings.Contains(got, c.never) {
			t.Errorf("%s: %s", name, got)
		}
	}
}
