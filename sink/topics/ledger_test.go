package topics_test

import (
	"slices"
	"testing"
	"time"

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
		"deskstream.source.topic_id", "AQIDBAUGBwgJCgsMDQ4PEA",
		"deskstream.cluster", "cluster-1",
		"deskstream.destination", "crm",
		"deskstream.outcome", "dead",
		"deskstream.round", "3",
	)
}

func TestParseEntry_readsWhatWasSettled(t *testing.T) {
	rec := &kgo.Record{Headers: append(entryHeaders(), headers("traceparent", "00-x", "other", "")...)}
	got, ok := topics.ParseEntry(rec)
	want := topics.LedgerEntry{
		Group: "deskstream.crm", Destination: "crm", Outcome: sink.Dead, Round: 3,
		Place: topics.Place{
			Origin: topics.Origin{Cluster: "cluster-1", TopicID: topics.TopicID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
			Topic:  "events", Partition: 7, Offset: 118, Epoch: -1,
		},
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
		ofOrigin := h.Key == "deskstream.source.topic_id" || h.Key == "deskstream.cluster"
		if _, ok := topics.ParseEntry(&kgo.Record{Headers: slices.Delete(entryHeaders(), i, i+1)}); ok != ofOrigin {
			t.Errorf("without %s taken: %v, want %v", h.Key, ok, ofOrigin)
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
		"deskstream.source.topic_id": {
			"x", "AAAAAAAAAAAAAAAAAAAAAA", "AQIDBAUGBwgJCgsMDQ4PEA==", "AQIDBAUGBwgJCgsMDQ4P", "AQIDBAUGBwgJCgsMDQ4PEB", "AQIDBAUGBwgJCgsMDQ4PE+",
		},
		"deskstream.outcome": {"", "planned", "Dead"},
		"deskstream.round":   {"", "-1", "1.0", "2147483648"},
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
	f.Add("deskstream.crm", "events/7/118", "4", "crm", "dead", "0", "AQIDBAUGBwgJCgsMDQ4PEA")
	f.Add("", "///", "-", "", "x", "1e3", "=")
	f.Fuzz(func(t *testing.T, group, source, epoch, destination, outcome, round, topicID string) {
		rec := &kgo.Record{Headers: headers(
			"deskstream.group", group, "deskstream.source", source, "deskstream.source.epoch", epoch,
			"deskstream.destination", destination, "deskstream.outcome", outcome, "deskstream.round", round, "deskstream.source.topic_id", topicID,
		)}
		entry, ok := topics.ParseEntry(rec)
		if !ok {
			if entry != (topics.LedgerEntry{}) {
				t.Errorf("refused, but with %+v", entry)
			}
			return
		}
		if entry.TopicID.String() != topicID {
			t.Errorf("topic id %q was taken as %q", topicID, entry.TopicID)
		}
		if entry.Group != group || entry.Partition < 0 || entry.Offset < 0 || entry.Epoch < -1 || entry.Round < 0 {
			t.Errorf("taken as %+v", entry)
		}
	})
}

// What releases before the ids wrote, and brokers without ids give.
func TestParseEntry_readsOutcomesWithoutIDs(t *testing.T) {
	withoutIDs := slices.DeleteFunc(entryHeaders(), func(h kgo.RecordHeader) bool {
		return h.Key == "deskstream.source.topic_id" || h.Key == "deskstream.cluster"
	})
	empty := append(slices.Clone(withoutIDs), headers("deskstream.source.topic_id", "", "deskstream.cluster", "")...)
	null := append(slices.Clone(withoutIDs), kgo.RecordHeader{Key: "deskstream.cluster"})
	for name, list := range map[string][]kgo.RecordHeader{"missing": withoutIDs, "empty": empty, "null": null} {
		if entry, ok := topics.ParseEntry(&kgo.Record{Headers: list}); !ok || !entry.Unknown() || entry.Offset != 118 {
			t.Errorf("%s: read %v as %+v, want it without an origin", name, ok, entry)
		}
	}
}

// One reader reads the entries of many groups, topics and clusters.
func TestEntryReader_readsEachEntryAsParseEntryDoes(t *testing.T) {
	var reader topics.EntryReader
	for i, change := range []map[string]string{
		{},
		{"deskstream.group": "other.crm"},
		{"deskstream.source": "other/7/118"},
		{"deskstream.source.topic_id": "EAECAwQFBgcICQoLDA0ODw"},
		{"deskstream.source.topic_id": ""},
		{"deskstream.cluster": ""},
		{"deskstream.cluster": "cluster-2"},
		{"deskstream.destination": "inbox"},
		{},
		{"deskstream.source.topic_id": "none"},
		{},
	} {
		list := entryHeaders()
		for j := range list {
			if value, changed := change[list[j].Key]; changed {
				list[j].Value = []byte(value)
			}
		}
		got, gotOK := reader.Parse(&kgo.Record{Headers: list})
		want, wantOK := topics.ParseEntry(&kgo.Record{Headers: list})
		if diff := cmp.Diff(want, got); diff != "" || gotOK != wantOK {
			t.Errorf("entry %d: ok %v, want %v (-want +got):\n%s", i, gotOK, wantOK, diff)
		}
	}
}

func TestSourceTime_isTheRecordsTimestampOrZero(t *testing.T) {
	for value, want := range map[string]time.Time{
		`{"source":{"timestamp":"2026-01-02T03:04:05.678Z"}}`: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
		`{"source":{"timestamp":"1970-01-01T00:00:00.000Z"}}`: {},
		`{"source":null}`: {},
		`{}`:              {},
	} {
		if got, err := topics.SourceTime(&kgo.Record{Value: []byte(value)}); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", value, got, err, want)
		}
	}
	if got, err := topics.SourceTime(&kgo.Record{Value: []byte(`{"source"`)}); err == nil {
		t.Errorf("an outcome that is cut off has the time %v, want an error", got)
	}
}
