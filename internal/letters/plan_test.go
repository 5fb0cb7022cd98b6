package letters_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/letters"
)

func somePlan(t *testing.T) (letters.Plan, string) {
	t.Helper()
	p := letters.Plan{
		ID: "p-1", Created: time.Now().UTC(), Cluster: "c-1", Topic: "dlq", TopicID: "t-1", Group: "deskstream",
		Letters: []letters.Planned{
			{ID: "a", Offset: 7, Destination: "crm", Round: 1, Verdict: letters.Send, Mapped: "m", Result: "r"},
			{ID: "b", Verdict: letters.StillDead, Why: "<no type>"},
		},
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return p, b.String()
}

func TestReadPlan_readsWhatWasWritten(t *testing.T) {
	want, text := somePlan(t)
	got, err := letters.ReadPlan([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

// A letter's headers may have any bytes, and a plan quotes them.
func TestReadPlan_readsAPlanWhoseTextsAreNoUTF8(t *testing.T) {
	for _, why := range []string{"\xff\xfe", "a\x80b", "\xed\xa0\x80", "\u2028\x00<&>", "\ufffd"} {
		p := letters.Plan{ID: "p-1", Letters: []letters.Planned{{ID: "a" + why, Destination: why, Verdict: letters.Unreadable, Why: why}}}
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := letters.ReadPlan(b.Bytes()); err != nil {
			t.Errorf("a plan with %q: %v", why, err)
		}
	}
}

func TestReadPlan_refusesWhatWasEdited(t *testing.T) {
	_, text := somePlan(t)
	for name, c := range map[string]struct{ text, want string }{
		"another letter":  {strings.Replace(text, `"id": "a"`, `"id": "c"`, 1), "its seal does not fit"},
		"another verdict": {strings.Replace(text, "still_dead", "send", 1), "its seal does not fit"},
		"another cluster": {strings.Replace(text, "c-1", "c-2", 1), "its seal does not fit"},
		"one more field":  {strings.Replace(text, `"id": "a"`, `"id": "a", "x": 1`, 1), "edited or cut off"},
		"cut off":         {text[:len(text)/2], "no plan"},
		"another file":    {`{"destinations": []}`, "no plan"},
		"no JSON":         {"letters", "no plan"},
		"a later schema":  {strings.Replace(text, `"schema": 1`, `"schema": 2`, 1), "schema 2"},
	} {
		if c.text == text {
			t.Errorf("%s: nothing was changed", name)
		}
		if _, err := letters.ReadPlan([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
