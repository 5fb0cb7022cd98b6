package journal_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func deployment(t *testing.T) *journaltest.Deployment {
	t.Helper()
	return journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
}

func TestOpen_withoutTheDeadLetterTopicIsAnError(t *testing.T) {
	d := deployment(t)
	o := d.Options()
	o.Topic = "nowhere"
	if _, err := journal.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("error %v, want one that names the topic", err)
	}
	d.Config.Source.Fields = map[string]string{"userId": " "}
	_, err := journal.Open(t.Context(), d.Options())
	if _, ok := errors.AsType[*config.UsageError](err); !ok {
		t.Errorf("error %v, want a config.UsageError", err)
	}
}

// What a topic cannot show is noted, so that nobody takes a part for the whole.
func TestOpen_notesWhatTheTopicHasLost(t *testing.T) {
	d := deployment(t)
	if err := d.CreateTopic("compacted", 1, map[string]string{"cleanup.policy": "compact"}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"m-1", "m-2", "m-3"} {
		d.Settle(d.Event(1, id, "u"), "crm", 0, sink.Dead)
	}
	d.Open()
	if notes := d.Notes.Having(""); len(notes) != 0 {
		t.Errorf("a whole topic has the notes %q", notes)
	}
	d.Expire(journaltest.DeadLetters, 1, 2)
	j := d.Open()
	if n := len(d.Notes.Having("the first 2 offsets of 1 partition of " + journaltest.DeadLetters)); n != 1 || j.Extent.Len() != 1 {
		t.Errorf("notes %q, %d offsets left", d.Notes.Having(""), j.Extent.Len())
	}
	o := d.Options()
	o.Topic = "compacted"
	other, err := journal.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	if len(d.Notes.Having("compacted is compacted")) != 1 {
		t.Errorf("notes %q", d.Notes.Having(""))
	}
}

func TestReadStates_theLatestStateOfALetterCounts(t *testing.T) {
	d := deployment(t)
	r := d.Event(0, "m-1", "u")
	id, other := d.Settle(r, "crm", 0, sink.Dead), d.Settle(r, "inbox", 0, sink.Dead)
	set := func(id string, status letters.Status, after time.Duration) {
		d.State(letters.State{ID: id, Status: status, At: day.Add(after), Source: &letters.Place{Topic: "events", Timestamp: r.Timestamp}})
	}
	status := func(id string) letters.Status {
		j := d.Open()
		if err := j.ReadStates(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, l, err := j.FindLetter(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return j.StatusOf(l)
	}
	for _, step := range []struct {
		status letters.Status
		after  time.Duration
		want   letters.Status
	}{
		{letters.Sending, time.Minute, letters.Sending},
		{letters.Delivered, time.Hour, letters.Delivered},
		{letters.Discarded, time.Second, letters.Delivered}, // written late by a slow clock, or moved by new partitions
	} {
		set(id, step.status, step.after)
		if got := status(id); got != step.want {
			t.Errorf("after %s: %s, want %s", step.status, got, step.want)
		}
	}
	if got := status(other); got != letters.Open {
		t.Errorf("a letter without a state is %s", got)
	}
	key, _ := letters.KeyOf(id)
	d.Write(&kgo.Record{Topic: journaltest.States, Partition: int32(key[0]) % 2, Key: []byte(id)})
	if got := status(id); got != letters.Open {
		t.Errorf("a letter whose state was taken back is %s", got)
	}
}

func TestReadStates_notesWhatIsNoStateOfThisVersion(t *testing.T) {
	d := deployment(t)
	id := strings.Repeat("a", 32)
	d.Write(
		&kgo.Record{Topic: journaltest.States, Key: []byte("x"), Value: []byte("y")},
		&kgo.Record{Topic: journaltest.States, Key: []byte(id), Value: fmt.Appendf(nil, `{"schema":99,"id":%q,"status":"delivered","at":"2026-01-02T03:04:05Z"}`, id)},
	)
	j := d.Open()
	if err := j.ReadStates(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(d.Notes.Having("1 record of "+journaltest.States+" not the state")) != 1 || len(d.Notes.Having("newer version")) != 1 {
		t.Errorf("notes %q", d.Notes.Having(""))
	}
	if s := j.States.Status(id); s != letters.Delivered {
		t.Errorf("what a newer version has settled is %s here, and would be sent again", s)
	}
}

// Without the topic every letter is open. That is worth a note for the topic that this program
// writes, and nothing new for that of another one.
func TestReadStates_withoutTheTopicEveryLetterIsOpen(t *testing.T) {
	d := deployment(t)
	d.Settle(d.Event(0, "m-1", "u"), "crm", 0, sink.Dead)
	if _, err := d.Admin(t).DeleteTopics(t.Context(), journaltest.States); err != nil {
		t.Fatal(err)
	}
	if err := d.CreateTopic("theirs", 1, nil); err != nil {
		t.Fatal(err)
	}
	o := d.Options()
	o.Topic = "theirs"
	for _, o := range []journal.Options{o, d.Options()} {
		j, err := journal.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.ReadStates(t.Context()); err != nil || len(j.States) != 0 {
			t.Errorf("%d states, %v", len(j.States), err)
		}
		j.Close()
	}
	if notes := d.Notes.Having("every letter counts as open"); len(notes) != 1 || !strings.Contains(notes[0], journaltest.States) {
		t.Errorf("notes %q", notes)
	}
}

// picked are the ids of the events of the letters that a filter picks.
func picked(t *testing.T, d *journaltest.Deployment, f letters.Filter) []string {
	t.Helper()
	picker, err := f.Compile()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	err = d.Open().Pick(t.Context(), picker, func(_ *kgo.Record, l *letters.Letter, status letters.Status) error {
		list = append(list, l.EventID+" "+l.Destination+" "+string(status))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return list
}

func TestPick_takesEachLetterOnceWithItsStatus(t *testing.T) {
	d := deployment(t)
	first, second := d.Event(0, "m-1", "u"), d.Event(1, "m-2", "v")
	id := d.Settle(first, "crm", 0, sink.Dead)
	d.Settle(first, "crm", 0, sink.Dead) // a repeat after a crash
	d.Settle(first, "inbox", 0, sink.Dead)
	d.Settle(second, "crm", 0, sink.Dead)
	d.State(letters.State{ID: id, Status: letters.Delivered, At: day})
	if diff := cmp.Diff([]string{"m-1 crm delivered", "m-2 crm open"}, picked(t, d, letters.Filter{Destinations: []string{"crm"}})); diff != "" {
		t.Errorf("letters of crm (-want +got):\n%s", diff)
	}
	if len(d.Notes.Having("1 letter there twice")) != 1 {
		t.Errorf("notes %q", d.Notes.Having(""))
	}
	if diff := cmp.Diff([]string{"m-2 crm open"}, picked(t, d, letters.Filter{Users: []string{"v"}})); diff != "" {
		t.Errorf("letters of a user (-want +got):\n%s", diff)
	}
}

func TestPick_readsOnlyWhatWasWrittenSince(t *testing.T) {
	d := deployment(t)
	letter := func(n int) *kgo.Record {
		return &kgo.Record{Topic: journaltest.DeadLetters, Timestamp: day.Add(time.Duration(n) * time.Hour), Headers: []kgo.RecordHeader{
			{Key: "kafka_topic", Value: []byte("x")}, {Key: "kafka_partition", Value: []byte("0")}, {Key: "kafka_offset", Value: fmt.Append(nil, n)},
		}}
	}
	d.Write(letter(0), letter(1), letter(2))
	j := d.Open()
	looked := 0
	j.Looked = func() { looked++ }
	picker, err := (&letters.Filter{Since: day.Add(time.Hour)}).Compile()
	if err != nil {
		t.Fatal(err)
	}
	var offsets []int64
	err = j.Pick(t.Context(), picker, func(_ *kgo.Record, l *letters.Letter, _ letters.Status) error {
		offsets = append(offsets, l.Source.Offset)
		return nil
	})
	if err != nil || !slices.Equal(offsets, []int64{1, 2}) || looked != 2 {
		t.Errorf("offsets %v of %d records read, error %v, want 1 and 2 of two", offsets, looked, err)
	}
}

func TestPick_endsWithTheErrorOfWhatTakesTheLetters(t *testing.T) {
	d := deployment(t)
	d.Settle(d.Event(0, "m-1", "u"), "crm", 0, sink.Dead)
	full := errors.New("full")
	if err := d.Open().Pick(t.Context(), letters.Every(), func(*kgo.Record, *letters.Letter, letters.Status) error { return full }); !errors.Is(err, full) {
		t.Errorf("error %v, want %v", err, full)
	}
}

func TestFindLetter_ofOneIDTwiceIsTheLatest(t *testing.T) {
	d := deployment(t)
	r := d.Event(0, "m-1", "u")
	now := d.Origin
	d.Origin.TopicID = topics.TopicID{} // as releases wrote that knew no ids
	id := d.Settle(r, "crm", 0, sink.Dead)
	d.Origin = now
	later := *r
	later.Timestamp = r.Timestamp.Add(time.Hour)
	d.Origin.TopicID = topics.TopicID{}
	d.Settle(&later, "crm", 0, sink.Dead)
	_, l, err := d.Open().FindLetter(t.Context(), id)
	if err != nil || l.At.Offset != 1 {
		t.Errorf("the letter at %v, error %v, want the second", l, err)
	}
	if len(d.Notes.Having("another letter has this id")) != 1 {
		t.Errorf("notes %q", d.Notes.Having(""))
	}
}

func TestReadOutcomes_readsWhatWasWrittenSinceWithSlackForClocks(t *testing.T) {
	d := deployment(t)
	r := d.Event(0, "m-1", "u")
	d.Settle(r, "crm", 0, sink.Delivered) // written now
	d.Write(&kgo.Record{Topic: journaltest.Responses, Value: []byte("no outcome")})
	read := func(since time.Time) int {
		n := 0
		err := d.Open().ReadOutcomes(t.Context(), since, func(e *topics.LedgerEntry, _ *kgo.Record) error {
			if e.Destination != "crm" {
				t.Errorf("outcome %+v", e)
			}
			n++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	written := time.Now()
	for since, want := range map[time.Time]int{{}: 1, written: 1, written.Add(30 * time.Minute): 1, written.Add(2 * time.Hour): 0} {
		if got := read(since); got != want {
			t.Errorf("since %v: %d outcomes, want %d", since, got, want)
		}
	}
	d.Config.Responses.Topic = "nowhere"
	if got := read(time.Time{}); got != 0 || len(d.Notes.Having("topic nowhere does not exist")) != 1 {
		t.Errorf("without a topic: %d outcomes, notes %q", got, d.Notes.Having(""))
	}
}

// Whoever may write to the topic can write a record with our headers.
func TestReadOutcomes_notesAndLeavesOutWhatHasAValueThatIsNone(t *testing.T) {
	d := deployment(t)
	d.Settle(d.Event(0, "m-1", "u"), "crm", 0, sink.Delivered)
	d.WriteBroken(t, func(string) bool { return true })
	read := 0
	err := d.Open().ReadOutcomes(t.Context(), time.Time{}, func(_ *topics.LedgerEntry, r *kgo.Record) error {
		if _, err := journal.Outcome(r); err != nil {
			return fmt.Errorf("of an event: %w", err)
		}
		read++
		return nil
	})
	if err != nil || read != 1 || len(d.Notes.Having("1 record of "+journaltest.Responses)) != 1 {
		t.Errorf("%d outcomes, error %v, notes %q, want 1, none and one of the other record", read, err, d.Notes.Having(""))
	}
}

func TestOutcomesOf_aLetterOfAnotherProgramAreThoseOfAllDestinations(t *testing.T) {
	d := deployment(t)
	r, other := d.Event(0, "m-1", "u"), d.Event(0, "m-2", "u")
	for _, name := range []string{"crm", "inbox"} {
		d.Settle(r, name, 0, sink.Dead)
		d.Settle(other, name, 0, sink.Delivered)
	}
	j := d.Open()
	for dialect, want := range map[letters.Dialect][]string{letters.Own: {"crm"}, letters.Connect: {"crm", "inbox"}} {
		l := letterOf(d.Origin, r.Timestamp, -1)
		l.Dialect, l.Source.Group = dialect, d.Config.Group(d.Config.Destinations[0])
		list, err := j.OutcomesOf(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range list {
			got = append(got, o.Destination.Name)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", dialect, diff)
		}
	}
	if list, err := j.OutcomesOf(t.Context(), &letters.Letter{}); err != nil || len(list) != 0 {
		t.Errorf("a letter that names no record has %d outcomes, error %v", len(list), err)
	}
}

func TestCountRecords_isOverAllTopics(t *testing.T) {
	d := deployment(t)
	d.Event(0, "m-1", "u")
	d.Event(1, "m-2", "u")
	d.Settle(d.Event(1, "m-3", "u"), "crm", 0, sink.Delivered)
	if n, err := journal.CountRecords(t.Context(), d.Client(t), journaltest.Events, journaltest.Responses); n != 4 || err != nil {
		t.Errorf("%d records, error %v, want 4", n, err)
	}
}

func TestOrigins_areTheIDsOfTheTopicsThatExist(t *testing.T) {
	d := deployment(t)
	d.Config.Source.Topics = append(d.Config.Source.Topics, "nowhere")
	got, err := d.Open().Origins(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]topics.Origin{journaltest.Events: d.Origin}, got); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
}
