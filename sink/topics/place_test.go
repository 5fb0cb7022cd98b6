package topics_test

import (
	"testing"

	"github.com/deskstream/deskstream/sink/topics"
)

func TestTopicID_isWrittenAsKafkasToolsDo(t *testing.T) {
	// org.apache.kafka.common.Uuid.toString of the same bytes.
	id := topics.TopicID{0xfb, 0xff, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	if got := id.String(); got != "-_8DBAUGBwgJCgsMDQ4PEA" {
		t.Errorf("written as %s", got)
	}
	if back, ok := topics.ParseTopicID([]byte(id.String())); !ok || back != id {
		t.Errorf("read back as %v, %v", back, ok)
	}
	if none, ok := topics.ParseTopicID(nil); !ok || none != (topics.TopicID{}) || none.String() != "" {
		t.Errorf("no id is read as %v, %v and written as %q", none, ok, none)
	}
}

func TestPlace_matchesWhatCanBeTheSameRecord(t *testing.T) {
	place := topics.Place{Origin: topics.Origin{Cluster: "c", TopicID: topics.TopicID{1}}, Topic: "t", Partition: 2, Offset: 3, Epoch: 4}
	for name, tt := range map[string]struct {
		change func(*topics.Place)
		want   bool
	}{
		"the same":             {func(*topics.Place) {}, true},
		"another topic":        {func(p *topics.Place) { p.Topic = "u" }, false},
		"another partition":    {func(p *topics.Place) { p.Partition = 0 }, false},
		"another offset":       {func(p *topics.Place) { p.Offset = 4 }, false},
		"another epoch":        {func(p *topics.Place) { p.Epoch = 5 }, false},
		"no epoch":             {func(p *topics.Place) { p.Epoch = -1 }, true},
		"another topic id":     {func(p *topics.Place) { p.TopicID = topics.TopicID{2} }, false},
		"no topic id":          {func(p *topics.Place) { p.TopicID = topics.TopicID{} }, true},
		"another cluster":      {func(p *topics.Place) { p.Cluster = "d" }, false},
		"no cluster":           {func(p *topics.Place) { p.Cluster = "" }, true},
		"none of the ids":      {func(p *topics.Place) { p.Origin = topics.Origin{} }, true},
		"no id, other cluster": {func(p *topics.Place) { p.Origin = topics.Origin{Cluster: "d"} }, false},
	} {
		other := place
		tt.change(&other)
		if got, back := place.Matches(other), other.Matches(place); got != tt.want || back != tt.want {
			t.Errorf("%s: matches %v and %v, want %v", name, got, back, tt.want)
		}
	}
}

func TestLetterID_tellsTheRecordsOfARecreatedTopicApart(t *testing.T) {
	place := topics.Place{Origin: topics.Origin{Cluster: "cluster-1"}, Topic: "events", Partition: 7, Offset: 118, Epoch: 4}
	// The formula of the releases that wrote no topic ids.
	if got, want := topics.LetterID(place, "crm", 0), "3da411233457b7eba40df244529c9495"; got != want {
		t.Errorf("without a topic id: %s, want %s", got, want)
	}
	seen := map[string]string{}
	for name, change := range map[string]func(*topics.Place){
		"no topic id": func(p *topics.Place) {}, "one topic id": func(p *topics.Place) { p.TopicID = topics.TopicID{1} },
		"another topic id": func(p *topics.Place) { p.TopicID = topics.TopicID{2} },
		"another cluster":  func(p *topics.Place) { p.TopicID, p.Cluster = topics.TopicID{1}, "cluster-2" },
	} {
		other := place
		change(&other)
		id := topics.LetterID(other, "crm", 0)
		if before, there := seen[id]; there {
			t.Errorf("%s and %s have the same id", name, before)
		}
		seen[id] = name
	}
	other := place
	other.Epoch = 5
	if topics.LetterID(other, "crm", 0) != topics.LetterID(place, "crm", 0) {
		t.Error("the epoch is a part of the id, which reads as another letter where a reader does not know it")
	}
}
