package explain_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/explain"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func deployment(t *testing.T) *journaltest.Deployment {
	t.Helper()
	return journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
}

func event(t *testing.T, d *journaltest.Deployment, id string) *explain.Story {
	t.Helper()
	s, err := explain.Event(t.Context(), d.Options(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// outcomesOf returns the places, destinations, outcomes and rounds of the outcomes of a story.
func outcomesOf(s *explain.Story) []string {
	var list []string
	for _, o := range s.Outcomes {
		at := letters.Place{Topic: o.Source.Topic, Partition: o.Source.Partition, Offset: o.Source.Offset}
		list = append(list, at.String()+" "+o.Destination.Name+" "+string(o.Outcome)+" "+string(rune('0'+o.Round)))
	}
	slices.Sort(list)
	return list
}

// The same id twice in the source is two events, and another id's are not among them.
func TestEvent_findsAllRecordsOfTheIDWithTheirOutcomes(t *testing.T) {
	d := deployment(t)
	first, other, again := d.Event(0, "m-1", "u"), d.Event(0, "m-10", "u"), d.Event(1, "m-1", "u")
	for _, r := range []*kgo.Record{first, other, again} {
		d.Settle(r, "crm", 0, sink.Delivered)
	}
	d.Settle(first, "inbox", 0, sink.Skipped)
	s := event(t, d, "m-1")
	var read []string
	for _, p := range s.Read {
		read = append(read, p.String()+" "+p.Timestamp.UTC().Format(time.TimeOnly))
	}
	slices.Sort(read)
	if diff := cmp.Diff([]string{"events/0/0 03:04:05", "events/1/0 03:04:05"}, read); diff != "" {
		t.Errorf("read at (-want +got):\n%s", diff)
	}
	want := []string{"events/0/0 crm delivered 0", "events/0/0 inbox skipped 0", "events/1/0 crm delivered 0"}
	if diff := cmp.Diff(want, outcomesOf(s)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if len(s.Letters) != 0 {
		t.Errorf("letters %+v, want none", s.Letters)
	}
}

// The ids of the topic decide which outcome of a place is the record's.
func TestEvent_outcomesOfAnEarlierTopicOfTheNameAreNoneOfItsRecord(t *testing.T) {
	d := deployment(t)
	r := d.Event(0, "m-1", "u")
	now := d.Origin
	d.Origin.TopicID = topics.TopicID{9}
	earlier := *r
	earlier.Value = []byte(strings.Replace(string(r.Value), "m-1", "m-0", 1))
	d.Settle(&earlier, "crm", 0, sink.Skipped)
	d.Origin = now
	d.Settle(r, "crm", 0, sink.Delivered)
	if diff := cmp.Diff([]string{"events/0/0 crm delivered 0"}, outcomesOf(event(t, d, "m-1"))); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// Retention may have deleted the record. Its outcome still names the event's id.
func TestEvent_isKnownByItsOutcomeWhenItsRecordHasExpired(t *testing.T) {
	d := deployment(t)
	r := d.Event(0, "m-1", "u")
	d.Event(0, "m-2", "u")
	d.Settle(r, "crm", 0, sink.Delivered)
	d.Expire(journaltest.Events, 0, 1)
	s := event(t, d, "m-1")
	if len(s.Read) != 0 || len(s.Outcomes) != 1 {
		t.Errorf("read %v, outcomes %v, want none and one", s.Read, outcomesOf(s))
	}
	if !strings.Contains(s.Text(), "no longer on the source topics") || len(d.Notes.Having("the first 1 offsets of events were deleted")) != 1 {
		t.Errorf("it is not said that the record has expired: %s", s.Text())
	}
}

func TestEvent_anUnknownIDIsAnError(t *testing.T) {
	d := deployment(t)
	d.Settle(d.Event(0, "m-12", "u"), "crm", 0, sink.Delivered)
	for _, id := range []string{"m-1", "m-123", "nobody's", `"`} {
		if s, err := explain.Event(t.Context(), d.Options(), id); err == nil {
			t.Errorf("%q: %d outcomes, read %v", id, len(s.Outcomes), s.Read)
		}
	}
}

func TestEvent_hasItsLettersWithTheirStates(t *testing.T) {
	d := deployment(t)
	r, other := d.Event(0, "m-1", "u"), d.Event(0, "m-2", "u")
	atCRM, atInbox := d.Settle(r, "crm", 0, sink.Dead), d.Settle(r, "inbox", 0, sink.Dead)
	d.Settle(other, "crm", 0, sink.Dead)
	d.Settle(r, "crm", 1, sink.Delivered)
	d.State(letters.State{
		ID: atCRM, Status: letters.Delivered, At: journaltest.Day.Add(time.Hour), Round: 1, Plan: "p-1", Destination: "crm",
		Source: &letters.Place{Topic: "events", Timestamp: r.Timestamp}, Cluster: d.Origin.Cluster, TopicID: d.Origin.TopicID.String(),
	})
	s := event(t, d, "m-1")
	status := map[string]letters.Status{}
	for _, l := range s.Letters {
		status[l.ID] = l.Status
		if (l.State != nil) != (l.ID == atCRM) || l.Source.String() != "events/0/0" {
			t.Errorf("letter %s of %s has the state %+v", l.ID, l.Source, l.State)
		}
	}
	if diff := cmp.Diff(map[string]letters.Status{atCRM: letters.Delivered, atInbox: letters.Open}, status); diff != "" {
		t.Errorf("letters (-want +got):\n%s", diff)
	}
}

// A letter of another program names no id, only the record. A letter of ours names its id also
// when the record has expired.
func TestEvent_hasLettersThatNameItsRecordOrItsID(t *testing.T) {
	d := deployment(t)
	old, kept := d.Event(0, "m-1", "u"), d.Event(0, "m-2", "u")
	own := d.Settle(old, "crm", 0, sink.Dead)
	foreign := pointer("1", kept.Timestamp)
	d.Write(foreign)
	d.Expire(journaltest.Events, 0, 1)
	parsed := letters.Parse(foreign)
	for id, want := range map[string]string{"m-1": own, "m-2": parsed.ID} {
		s := event(t, d, id)
		if len(s.Letters) != 1 || s.Letters[0].ID != want {
			t.Errorf("%s: letters %+v, want %s alone", id, s.Letters, want)
		}
	}
}

// Brokers of old keep no timestamp; the event's own says when it was.
func TestEvent_timeOfARecordWithoutATimestampIsThatOfItsEvent(t *testing.T) {
	d := deployment(t)
	d.Write(&kgo.Record{
		Topic: journaltest.Events, Timestamp: time.UnixMilli(-1),
		Value: []byte(`{"type":"identify","messageId":"m-1","userId":"u","timestamp":"2026-03-04T05:06:07Z"}`),
	})
	if s := event(t, d, "m-1"); !s.Read[0].Timestamp.Equal(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)) {
		t.Errorf("read at %v", s.Read[0].Timestamp)
	}
}

func TestText_namesTheEventInWhoseCallsAnotherOneWentOut(t *testing.T) {
	id, offset := "m-9", int64(131)
	s := &explain.Story{ID: "m-1", Outcomes: []sink.Outcome{{
		Source: &sink.Source{Topic: "events"}, Destination: sink.DestinationInfo{Name: "crm"}, Outcome: sink.Delivered, MergedInto: &sink.MergedInto{ID: &id, Offset: &offset},
	}}}
	if text, want := s.Text(), "delivered in the calls of m-9 at offset 131"; !strings.Contains(text, want) {
		t.Errorf("the text lacks %q:\n%s", want, text)
	}
}

func TestText_showsCallsWithTheirResponses(t *testing.T) {
	status := 201
	s := &explain.Story{ID: "m-1", Outcomes: []sink.Outcome{{
		Source: &sink.Source{Topic: "events"}, Destination: sink.DestinationInfo{Name: "crm"}, Outcome: sink.Delivered, Warnings: []string{"cut"},
		Calls: []sink.CallRecord{
			{Method: "GET", URL: "http://desk/a", Attempts: 1},
			{Method: "POST", URL: "http://desk/b", Status: &status, Attempts: 3, Request: sink.RawJSONOf(mapping.Str("asked")), Response: sink.RawJSONOf(mapping.Str("answered"))},
		},
	}, {Destination: sink.DestinationInfo{Name: "without a source"}}}}
	text := s.Text()
	for _, want := range []string{
		"GET http://desk/a -> no answer\n", "POST http://desk/b -> 201 after 3 attempts\n", `request "asked"`, `response "answered"`, "warning: cut\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "without a source") {
		t.Errorf("an outcome without a source is shown:\n%s", text)
	}
}

// The text goes by event and destination, and there by time.
func TestText_isInTheOrderInWhichThingsHappened(t *testing.T) {
	d := deployment(t)
	r := d.Event(0, "m-1", "u")
	d.Settle(r, "inbox", 0, sink.Delivered)
	d.Settle(r, "crm", 1, sink.Delivered)
	d.Settle(r, "crm", 0, sink.Dead)
	text := event(t, d, "m-1").Text()
	at := -1
	for _, want := range []string{
		"event m-1\n", "read at events/0/0, ", "\nevents/0/0  crm\n", "round 0 at ", "dead rejected http_422: no", "POST http://desk/customers -> no answer",
		"round 1 at ", ": delivered", "\nevents/0/0  inbox\n", "round 0 at ",
	} {
		next := strings.Index(text[at+1:], want)
		if next < 0 {
			t.Fatalf("the text lacks %q after byte %d:\n%s", want, at, text)
		}
		at += 1 + next
	}
}

func TestText_ofAnEventWithoutAnOutcomeSaysSo(t *testing.T) {
	d := deployment(t)
	d.Event(0, "m-1", "u")
	if text := event(t, d, "m-1").Text(); !strings.Contains(text, "no outcome: ") {
		t.Errorf("text:\n%s", text)
	}
}
