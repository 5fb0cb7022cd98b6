package topics_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

func entryHeaders() []kgo.RecordHeader {
	return headers(
		"deskstream.group", "deskstream.crm",
		"deskstream.source", "events/7/118",
		"deskstream.source.epoch", "-1",
		"deskstream.destination", "crm",
		"deskstream.outcome", "dead",
		"deskstream.round", "3",
	)
}

func TestParseEntry_readsWhatWasSettled(t *testing.T) {
	rec := &kgo.Record{Headers: append(entryHeaders(), headers("traceparent", "00-x", "other", "")...)}
	got, ok := topics.ParseEntry(rec)
	want := topics.LedgerEntry{
		Group: "deskstream.crm", Topic: "events", Partition: 7, Offset: 118,
		Epoch: -1, Destination: "crm", Outcome: sink.Dead, Round: 3,
	}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("ok %v, entry (-want +got):\n%s", ok, diff)
	}
}

func TestParseEntry_splitsTheSourceFromTheRight(t *testing.T) {
	rec := &kgo.Record{Headers: entryHeaders()}
	rec.Headers[1].Value = []byte("a/b/7/118")
	if got, ok := topics.ParseEntry(rec); !ok || got.Topic != "a/b" || got.Partition != 7 || got.Offset != 118 {
		t.Errorf("got %+v, %v; want topic a/b, partition 7, offset 118", got, ok)
	}
}

func TestParseEntry_refusesForeignRecords(t *testing.T) {
	if _, ok := topics.ParseEntry(&kgo.Record{}); ok {
		t.Error("a record without headers was taken")
	}
	for i, h := range entryHeaders() {
		if _, ok := topics.ParseEntry(&kgo.Record{Headers: slices.Delete(entryHeaders(), i, i+1)}); ok {
			t.Errorf("taken without %s", h.Key)
		}
		if _, ok := topics.ParseEntry(&kgo.Record{Headers: append(entryHeaders(), h)}); ok {
			t.Errorf("taken with %s twice", h.Key)
		}
	}
	for name, values := range map[string][]string{
		"deskstream.group":       {""},
		"deskstream.destination": {""},
		"deskstream.source": {
			"", "/", "//", "events", "events/7", "/7/118", "events/7/", "events//118", "events/+7/118", "events/07/118",
			"events/7/-1", "events/-1/118", "events/7/118 ", "events/2147483648/1", "events/7/9223372036854775808", "events/7/0x1",
		},
		"deskstream.source.epoch": {"", "-2", "x", "2147483648", "-0"},
		"deskstream.outcome":      {"", "planned", "Dead"},
		"deskstream.round":        {"", "-1", "1.0", "2147483648"},
	} {
		for _, value := range values {
			list := entryHeaders()
			for i := range list {
				if list[i].Key == name {
					list[i].Value = []byte(value)
				}
			}
			if got, ok := topics.ParseEntry(&kgo.Record{Headers: list}); ok {
				t.Errorf("%s %q was taken as %+v", name, value, got)
			}
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add("deskstream.crm", "events/7/118", "4", "crm", "dead", "0")
	f.Add("", "///", "-", "", "x", "1e3")
	f.Fuzz(func(t *testing.T, group, source, epoch, destination, outcome, round string) {
		rec := &kgo.Record{Headers: headers(
			"deskstream.group", group, "deskstream.source", source, "deskstream.source.epoch", epoch,
			"deskstream.destination", destination, "deskstream.outcome", outcome, "deskstream.round", round,
		)}
		entry, ok := topics.ParseEntry(rec)
		if !ok {
			if entry != (topics.LedgerEntry{}) {
				t.Errorf("refused, but with %+v", entry)
			}
			return
		}
		if entry.Group != group || entry.Partition < 0 || entry.Offset < 0 || entry.Epoch < -1 || entry.Round < 0 {
			t.Errorf("taken as %+v", entry)
		}
	})
}
