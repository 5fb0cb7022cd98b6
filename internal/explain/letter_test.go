package explain_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/explain"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
)

func letter(t *testing.T, d *journaltest.Deployment, id string) *explain.Shown {
	t.Helper()
	s, err := explain.Letter(t.Context(), d.Options(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLetter_isFoundByTheBeginningOfItsID(t *testing.T) {
	d := deployment(t)
	r := d.Event(1, "m-1", "u")
	id := d.Settle(r, "crm", 0, sink.Dead)
	d.Settle(d.Event(1, "m-2", "v"), "crm", 0, sink.Dead)
	for _, prefix := range []string{id, id[:8], strings.ToUpper(id)} {
		s := letter(t, d, prefix)
		if s.ID != id || s.Source.String() != "events/1/0" || s.Destination != "crm" || s.Status != letters.Open || s.State != nil {
			t.Errorf("%s finds %+v", prefix, s)
		}
	}
	if _, err := explain.Letter(t.Context(), d.Options(), strings.Repeat("f", 32)); err == nil {
		t.Error("an id that no letter has finds one")
	}
	_, err := explain.Letter(t.Context(), d.Options(), "")
	if err == nil {
		t.Error("no id at all finds a letter")
	}
}

// Two letters are never mixed up because someone typed too little.
func TestLetter_aBeginningOfTwoIDsIsRefused(t *testing.T) {
	d := deployment(t)
	seen := map[byte]bool{}
	for i := range 17 { // of 16 first digits
		id := d.Settle(d.Event(0, "m-"+string(rune('a'+i)), "u"), "crm", 0, sink.Dead)
		if !seen[id[0]] {
			seen[id[0]] = true
			continue
		}
		_, err := explain.Letter(t.Context(), d.Options(), id[:1])
		if _, ok := errors.AsType[*config.FlagError](err); !ok {
			t.Errorf("%s: error %v, want a config.FlagError", id[:1], err)
		}
		return
	}
}

func TestLetter_hasTheOutcomesOfItsEventAtItsOwnDestination(t *testing.T) {
	d := deployment(t)
	r := d.Event(0, "m-1", "u")
	id := d.Settle(r, "crm", 0, sink.Dead)
	d.Settle(r, "inbox", 0, sink.Delivered)
	d.Settle(d.Event(0, "m-2", "u"), "crm", 0, sink.Delivered)
	d.Settle(r, "crm", 1, sink.Skipped)
	d.State(letters.State{
		ID: id, Status: letters.Skipped, At: journaltest.Day, Round: 1, Destination: "crm", Source: &letters.Place{Topic: "events", Timestamp: r.Timestamp},
	})
	s := letter(t, d, id)
	var got []string
	for _, o := range s.Outcomes {
		got = append(got, o.Destination.Name+" "+string(o.Outcome))
	}
	if diff := cmp.Diff([]string{"crm dead", "crm skipped"}, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if s.Status != letters.Skipped || s.State == nil || s.State.Round != 1 {
		t.Errorf("status %s, state %+v", s.Status, s.State)
	}
	want := explain.ShownError{Stage: "request", Class: "rejected", Code: "http_422", HTTPStatus: 422, Message: "no"}
	if diff := cmp.Diff(want, s.Error); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if s.Key == nil || *s.Key != "u" || !strings.Contains(string(s.Value), `"messageId":"m-1"`) {
		t.Errorf("key %v, value %s", s.Key, s.Value)
	}
	for _, want := range []string{"letter       " + id + " at dlq.events.deskstream/0/0", "status       skipped since ", "round 1 at ", "to do        "} {
		if !strings.Contains(s.Text(), want) {
			t.Errorf("the text lacks %q:\n%s", want, s.Text())
		}
	}
}

// A value stands in the JSON form as what it is, so that a program can take it out again.
func TestLetter_valueIsJSONWhateverItHolds(t *testing.T) {
	d := deployment(t)
	for name, tt := range map[string]struct {
		value []byte
		want  string
	}{
		"JSON": {[]byte(`{"a": [1]}`), `{"a": [1]}`}, "no JSON": {[]byte(`{"a"`), `"{\"a\""`}, "null": {nil, "null"}, "empty": {[]byte{}, `""`},
	} {
		r := &kgo.Record{Topic: journaltest.DeadLetters, Value: tt.value, Headers: []kgo.RecordHeader{
			{Key: "__connect.errors.topic", Value: []byte("other")},
			{Key: "__connect.errors.partition", Value: []byte("0")},
			{Key: "__connect.errors.offset", Value: []byte("7")},
			{Key: "__connect.errors.connector.name", Value: []byte("c")},
		}}
		d.Write(r)
		parsed := letters.Parse(r)
		s := letter(t, d, parsed.ID)
		if string(s.Value) != tt.want || s.Key != nil {
			t.Errorf("%s: value %s, key %v, want %s and no key", name, s.Value, s.Key, tt.want)
		}
		if len(s.Dialects) != 1 || s.Dialects[0] != letters.Connect {
			t.Errorf("%s: dialects %v", name, s.Dialects)
		}
	}
}

// pointer is a letter of another program that only names the record at an offset.
func pointer(offset string, at time.Time) *kgo.Record {
	return &kgo.Record{Topic: journaltest.DeadLetters, Timestamp: at, Headers: []kgo.RecordHeader{
		{Key: "__dlq.errors.topic", Value: []byte("events")},
		{Key: "__dlq.errors.partition", Value: []byte("0")},
		{Key: "__dlq.errors.offset", Value: []byte(offset)},
	}}
}

// The record that a letter only names is read from its topic.
func TestLetter_ofAnotherProgramSaysWhetherItsRecordExists(t *testing.T) {
	d := deployment(t)
	r := d.Event(0, "m-1", "u")
	for offset, tt := range map[string]struct{ record, value string }{
		"0": {"fetched from events/0/0", string(r.Value)}, "5": {"does not exist", "null"},
	} {
		l := pointer(offset, r.Timestamp)
		d.Write(l)
		parsed := letters.Parse(l)
		s := letter(t, d, parsed.ID)
		if !strings.Contains(s.Record, tt.record) || string(s.Value) != tt.value {
			t.Errorf("offset %s: record %q, value %s; dialects %v", offset, s.Record, s.Value, s.Dialects)
		}
	}
}
