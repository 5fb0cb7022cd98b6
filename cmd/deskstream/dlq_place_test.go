package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/letters"
)

// Ids of two source topics of one name.
const (
	earlierTopic = "AQIDBAUGBwgJCgsMDQ4PEA"
	laterTopic   = "AgIDBAUGBwgJCgsMDQ4PEA"
)

// at gives a letter the place of another one's record.
func at(r *kgo.Record, offset int, more ...string) *kgo.Record {
	for i, h := range r.Headers {
		if h.Key == "dlq.source.offset" {
			r.Headers[i].Value = fmt.Append(nil, offset)
		}
	}
	r.Headers = append(r.Headers, recordHeaders(more...)...)
	return r
}

// Earlier builds made ids without the topic's: a recreated topic gave one id twice.
func TestDLQ_oneIDAtTwoPlacesIsTwoLetters(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	early, late := "2026-01-02T03:04:05.000Z", "2026-02-02T03:04:05.000Z"
	c.Produce(t, at(userLetter(1, "u-1"), 1, "dlq.source.timestamp", early), at(userLetter(1, "u-2"), 1, "dlq.source.timestamp", early))
	c.wants(exitOK, "1 letter, 1 cause", "1 letter there twice", "list")
	c.wants(exitOK, "1 discard", "", "plan", "--every", "--discard", "-o", c.plan)
	c.Produce(t, at(userLetter(1, "u-3"), 1, "dlq.source.timestamp", late))
	c.wants(exitOK, "2 letters, 1 cause", "", "list")

	c.wants(exitOK, "1 letter discarded", "", "discard", c.plan, "--yes", "--reason", "of a topic that is gone")
	c.wants(exitOK, "1 letter, 1 cause", "1 letter closed", "list")
	c.wants(exitOK, "1 letter: 1 send", "", "plan", "--every", "-o", c.plan)
	c.wants(exitOK, "u-3", "another letter has this id, too", "show", idOf(1))
	c.wants(exitOK, "1 delivered", "", "apply", c.plan)
	c.wantWrites(1)
}

func TestDLQApply_lettersOfOneIDAreSentEachAsItWasPlanned(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, at(userLetter(1, "u-1"), 1, "dlq.source.topic_id", earlierTopic), at(userLetter(1, "u-2"), 1, "dlq.source.topic_id", laterTopic))
	c.wants(exitOK, "2 letters: 2 send", "", "plan", "--every", "-o", c.plan)
	c.wants(exitOK, "2 delivered", "", "apply", c.plan)
	c.wantWrites(2)
}

// A letter that was written by two builds has two ids. Each finds the state of the other.
func TestDLQ_twoIDsOfOnePlaceAreOneLetter(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	before := at(userLetter(4, "u-1"), 4, "dlq.source.timestamp", "2026-01-02T03:04:05.000Z")
	after := at(userLetter(9, "u-1"), 4, "dlq.source.timestamp", "2026-01-02T03:04:05.000Z", "dlq.source.topic_id", laterTopic)
	c.Produce(t, before, after)
	c.wants(exitOK, "1 letter, 1 cause", "1 letter there twice", "list")
	c.wants(exitOK, "1 letter: 1 send", "", "plan", "--every", "-o", c.plan)
	c.wants(exitOK, "1 delivered", "", "apply", c.plan)
	c.wants(exitOK, "0 letters, 0 causes", "1 letter closed", "list")
	c.wants(exitOK, "0 letters", "", "plan", "--every")
	c.wantWrites(1)
}

// Ids of other programs' letters are made from where the letters lie. The topic of states
// outlives a dead-letter topic that is recreated.
func TestDLQ_aStateOfAnEarlierDeadLetterTopicIsNone(t *testing.T) {
	t.Parallel()
	c := abroad(t)
	c.Produce(t, sorry(ofStreams, "events", 0))
	c.wants(exitOK, "1 letter discarded", "", "discard", "--topic", foreignLetters, "--every", "--yes", "--reason", "test", "--create-topics")
	c.wants(exitOK, "0 letters", "1 letter closed", "list", "--topic", foreignLetters)
	if _, err := c.Admin(t).DeleteTopic(t.Context(), foreignLetters); err != nil {
		t.Fatal(err)
	}
	await(t, "the topic to be gone", func() bool { return c.TopicInfo(foreignLetters) == nil })
	if err := c.CreateTopic(foreignLetters, 1, nil); err != nil {
		t.Fatal(err)
	}
	c.Produce(t, sorry(ofStreams, "events", 1))
	c.wants(exitOK, "1 letter, 1 cause", "", "list", "--topic", foreignLetters)
}

// What earlier builds wrote of a letter names neither its record nor its topic.
func TestDLQ_aStateWithoutAPlaceIsOfItsID(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, userLetter(1, "u-1"))
	rec, err := letters.State{ID: idOf(1), Status: letters.Discarded, At: time.Now()}.Record(lettersTopic+".state", 2)
	if err != nil {
		t.Fatal(err)
	}
	c.Produce(t, rec)
	c.wants(exitOK, "0 letters", "1 letter closed", "list")
}

// Offsets begin again when a topic is recreated, and events of a user do not.
func TestDLQApply_lettersOfAnEarlierTopicGoFirst(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, at(userLetter(1, "u-1"), 2, "dlq.source.timestamp", "2026-02-02T03:04:05.000Z", "dlq.source.topic_id", earlierTopic),
		at(userLetter(2, "u-1"), 9, "dlq.source.timestamp", "2026-01-02T03:04:05.000Z", "dlq.source.topic_id", laterTopic),
		at(userLetter(3, "u-1"), 8, "dlq.source.timestamp", "2026-01-02T03:04:05.000Z", "dlq.source.topic_id", laterTopic))
	c.wants(exitOK, "3 letters: 2 behind, 1 send", "", "plan", "--every", "-o", c.plan)
	c.wants(exitOK, "3 delivered", "", "apply", c.plan)
	for i, name := range []string{"N3", "N2", "N1"} {
		if !strings.Contains(c.writes[i], name) {
			t.Errorf("write %d is %s, want that of %s", i, c.writes[i], name)
		}
	}
}
