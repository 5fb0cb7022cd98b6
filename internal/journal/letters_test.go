package journal_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink/topics"
)

// letterOf is a letter of ours of offset 0 at crm.
func letterOf(origin topics.Origin, stamp time.Time, epoch int32) *letters.Letter {
	l := &letters.Letter{Dialect: letters.Own, Destination: "crm", Source: letters.Source{
		Place: letters.Place{Topic: "events", Timestamp: stamp}, Known: true, Cluster: origin.Cluster, TopicID: origin.TopicID.String(),
	}}
	if epoch >= 0 {
		l.Source.Epoch = &epoch
	}
	l.ID = topics.LetterID(l.Source.Record(), l.Destination, l.Round)
	return l
}

func TestLetters_ofOnePlaceDestinationAndRoundAreOne(t *testing.T) {
	first := letterOf(now, day, 4)
	elsewhere := func(change func(*letters.Letter)) *letters.Letter {
		l := letterOf(now, day, 4)
		change(l)
		return l
	}
	for name, tt := range map[string]struct {
		letter *letters.Letter
		want   bool
	}{
		"the same":                        {letterOf(now, day, 4), true},
		"of an earlier build":             {letterOf(topics.Origin{Cluster: "c"}, day, -1), true},
		"without ids, time unknown":       {letterOf(noIDs, time.Time{}, -1), true},
		"without ids, another time":       {letterOf(noIDs, day.Add(time.Millisecond), -1), false},
		"of another topic":                {letterOf(then, day, 4), false},
		"of another cluster":              {letterOf(topics.Origin{Cluster: "d", TopicID: now.TopicID}, day, 4), false},
		"of another epoch":                {letterOf(now, day, 5), false},
		"at another offset":               {elsewhere(func(l *letters.Letter) { l.Source.Offset = 1 }), false},
		"at another partition":            {elsewhere(func(l *letters.Letter) { l.Source.Partition = 1 }), false},
		"of another round":                {elsewhere(func(l *letters.Letter) { l.Round = 1 }), false},
		"of another destination":          {elsewhere(func(l *letters.Letter) { l.Destination = "inbox" }), false},
		"of another program":              {elsewhere(func(l *letters.Letter) { l.Dialect = letters.Connect }), false},
		"with headers that are no use":    {elsewhere(func(l *letters.Letter) { l.Fault = "x" }), false},
		"with an id that says otherwise":  {elsewhere(func(l *letters.Letter) { l.ID = fmt.Sprintf("%032x", 9) }), true},
		"another record, with the old id": {elsewhere(func(l *letters.Letter) { l.Source.TopicID = then.TopicID.String() }), false},
	} {
		k := journal.NewLetters()
		if k.Seen(letterOf(then, day.Add(-time.Hour), 4)) || k.Seen(first) {
			t.Fatal("the first ones were seen before")
		}
		wantTwice := 0
		if tt.want {
			wantTwice = 1
		}
		if tt.letter.Source.TopicID == then.TopicID.String() {
			k = journal.NewLetters() // it is not to be that one's
			k.Seen(first)
		}
		if got := k.Seen(tt.letter); got != tt.want || k.Twice != wantTwice {
			t.Errorf("%s: seen is %v, twice %d; want %v", name, got, k.Twice, tt.want)
		}
	}
}

func TestStateOf_comparesTheRecord(t *testing.T) {
	id := func(l *letters.Letter) string { return l.ID }
	ours := letterOf(now, day, 4)
	old := letterOf(topics.Origin{Cluster: "c"}, day, -1)
	source := &letters.Place{Topic: "events", Timestamp: day}
	other := *source
	other.Timestamp = day.Add(time.Hour)
	four, five := int32(4), int32(5)
	for name, tt := range map[string]struct {
		letter *letters.Letter
		state  letters.State
		want   bool
	}{
		"its own":                        {ours, letters.State{ID: id(ours), Source: source, Cluster: "c", TopicID: now.TopicID.String(), Epoch: &four}, true},
		"under the id of earlier builds": {ours, letters.State{ID: id(old), Source: source, Cluster: "c"}, true},
		"that id, of another time":       {ours, letters.State{ID: id(old), Source: &other, Cluster: "c"}, false},
		"of another topic":               {ours, letters.State{ID: id(ours), Source: source, Cluster: "c", TopicID: then.TopicID.String()}, false},
		"of another epoch":               {ours, letters.State{ID: id(ours), Source: source, Cluster: "c", TopicID: now.TopicID.String(), Epoch: &five}, false},
		"without a place":                {old, letters.State{ID: id(old)}, true},
		"an earlier build's":             {old, letters.State{ID: id(old), Source: source}, true},
		"an earlier build's, another":    {old, letters.State{ID: id(old), Source: &other}, false},
		"none":                           {old, letters.State{ID: fmt.Sprintf("%032x", 3), Source: source}, false},
	} {
		key, ok := letters.KeyOf(tt.state.ID)
		if !ok {
			t.Fatal(tt.state.ID)
		}
		if _, got := journal.StateOf(letters.States{key: tt.state}, tt.letter, topics.TopicID{}); got != tt.want {
			t.Errorf("%s: there is a state: %v, want %v", name, got, tt.want)
		}
	}
}

func TestStateOf_anotherProgramsLetterIsKnownByItsTopic(t *testing.T) {
	l := &letters.Letter{ID: fmt.Sprintf("%032x", 1), Dialect: letters.Spring}
	key, _ := letters.KeyOf(l.ID)
	for name, tt := range map[string]struct {
		of, lies topics.TopicID
		want     bool
	}{
		"the same": {topics.TopicID{7}, topics.TopicID{7}, true}, "recreated": {topics.TopicID{7}, topics.TopicID{8}, false},
		"not said": {topics.TopicID{}, topics.TopicID{8}, true}, "not known": {topics.TopicID{7}, topics.TopicID{}, true},
	} {
		states := letters.States{key: {ID: l.ID, Source: &letters.Place{Topic: "x"}, LetterTopicID: tt.of.String()}}
		if _, got := journal.StateOf(states, l, tt.lies); got != tt.want {
			t.Errorf("%s: there is a state: %v, want %v", name, got, tt.want)
		}
	}
}
