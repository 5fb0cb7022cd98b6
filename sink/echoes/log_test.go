package echoes_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/deskstream/deskstream/sink/echoes"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// A write explains one event of its kind and object, within ten minutes, in whatever order and how often
// the records are read.
func TestLog_aWriteExplainsOneEvent(t *testing.T) {
	explain := func(l *echoes.Log, destination, id, typ string, at time.Time) string {
		write, _ := l.Explain(echoes.Event{Destination: destination, ID: id, Type: typ, At: at})
		return write
	}
	l := echoes.New()
	l.Explained("w-2", [16]byte{}) // read before the write
	for range 2 {
		l.Wrote("crm", "42", echoes.Write{ID: "w-2", Types: []string{"ticket.closed"}, At: noon.Add(-time.Minute)})
		l.Wrote("crm", "42", echoes.Write{ID: "w-1", Types: []string{"ticket.closed", "ticket.updated"}, At: noon})
	}
	for _, tt := range []struct {
		destination, id, typ string
		at                   time.Time
		want                 string
	}{
		{"crm", "42", "ticket.closed", noon, "w-1"},
		{"crm", "42", "ticket.updated", noon.Add(10 * time.Minute), "w-1"},
		{"crm", "42", "ticket.closed", noon.Add(-10 * time.Minute), "w-1"},
		{"crm", "42", "ticket.closed", noon.Add(10*time.Minute + 1), ""},
		{"crm", "42", "ticket.reopened", noon, ""},
		{"crm", "43", "ticket.closed", noon, ""},
		{"inbox", "42", "ticket.closed", noon, ""},
	} {
		if got := explain(l, tt.destination, tt.id, tt.typ, tt.at); got != tt.want {
			t.Errorf("%+v: explained by %q", tt, got)
		}
	}
	l.Explained("w-1", [16]byte{})
	if got := explain(l, "crm", "42", "ticket.closed", noon); got != "" {
		t.Errorf("a second event is explained by %q", got)
	}
}

// A write of one label does not explain an agent's of another. Where either is not known, the type decides.
func TestLog_aWriteOfALabelExplainsThatOneOnly(t *testing.T) {
	for _, tt := range []struct {
		wrote, came string
		want        bool
	}{{"1", "1", true}, {"1", "2", false}, {"", "2", true}, {"1", "", true}} {
		l := echoes.New()
		l.Wrote("inbox", "42", echoes.Write{ID: "w", Types: []string{"ticket.labelled"}, Label: tt.wrote, At: noon})
		if _, ok := l.Explain(echoes.Event{Destination: "inbox", ID: "42", Type: "ticket.labelled", Label: tt.came, At: noon}); ok != tt.want {
			t.Errorf("the write of label %q explains that of %q: %v", tt.wrote, tt.came, ok)
		}
	}
}

// The id of a message tells ours from an agent's, and is better than the order of things.
func TestLog_aMessageIsExplainedByItsOwnWrite(t *testing.T) {
	l := echoes.New()
	l.Wrote("inbox", "42", echoes.Write{ID: "found", Types: []string{"note.created"}, At: noon.Add(-time.Second)}) // its id is not known
	l.Wrote("inbox", "42", echoes.Write{ID: "made", Types: []string{"note.created"}, Comment: "5", At: noon})
	note := echoes.Event{Destination: "inbox", ID: "42", Type: "note.created", At: noon}
	for _, tt := range []struct{ comment, want string }{{"5", "made"}, {"6", "found"}, {"7", ""}} {
		note.Comment, note.Digest = tt.comment, [16]byte{tt.comment[0]}
		if got, _ := l.Explain(note); got != tt.want {
			t.Errorf("message %s is explained by %q, want %q", tt.comment, got, tt.want)
		}
	}
}

// A write goes on explaining the event that it has explained, and a repeat of that, and no other, whether
// this process asked or another one has it on record.
func TestLog_aRepeatIsExplainedByTheSameWrite(t *testing.T) {
	ours, other := [16]byte{1}, [16]byte{2}
	for name, explained := range map[string]func(*echoes.Log, echoes.Event){
		"asked":     func(l *echoes.Log, e echoes.Event) { l.Explain(e) },
		"on record": func(l *echoes.Log, e echoes.Event) { l.Explained("w", e.Digest) },
	} {
		l := echoes.New()
		l.Wrote("crm", "42", echoes.Write{ID: "w", Types: []string{"ticket.closed"}, At: noon})
		closed := echoes.Event{Destination: "crm", ID: "42", Type: "ticket.closed", At: noon, Digest: ours}
		explained(l, closed)
		closed.At = noon.Add(time.Hour) // the desk says another time
		if got, _ := l.Explain(closed); got != "w" {
			t.Errorf("%s: the repeat is explained by %q", name, got)
		}
		closed.At = noon
		for _, digest := range [][16]byte{other, {}} {
			if closed.Digest = digest; closed.Digest != ours {
				if got, ok := l.Explain(closed); ok {
					t.Errorf("%s: another event is explained by %q", name, got)
				}
			}
		}
	}
}

// What was announced, and is not known to have taken effect or not, may be what an event comes from. One
// that makes its ticket may be any ticket's.
func TestLog_whatIsAnnouncedMayExplain(t *testing.T) {
	closed := echoes.Event{Destination: "crm", ID: "42", Type: "note.created", At: noon}
	for name, tt := range map[string]struct {
		destination, id string
		w               echoes.Write
		want            bool
	}{
		"its ticket":             {"crm", "42", echoes.Write{Types: []string{"note.created"}, At: noon}, true},
		"a ticket that is made":  {"crm", "", echoes.Write{Types: []string{"note.created"}, At: noon}, true},
		"another ticket":         {"crm", "43", echoes.Write{Types: []string{"note.created"}, At: noon}, false},
		"another desk":           {"inbox", "42", echoes.Write{Types: []string{"note.created"}, At: noon}, false},
		"another type":           {"crm", "42", echoes.Write{Types: []string{"ticket.closed"}, At: noon}, false},
		"announced after it":     {"crm", "42", echoes.Write{Types: []string{"note.created"}, At: noon.Add(2)}, false},
		"announced long before ": {"crm", "42", echoes.Write{Types: []string{"note.created"}, At: noon.Add(-11 * time.Minute)}, false},
	} {
		l := echoes.New()
		l.Announced("e", tt.destination, tt.id, tt.w)
		if got := l.MayExplain(closed, noon.Add(1)); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
		l.Settled("e")
		if l.MayExplain(closed, noon.Add(1)) {
			t.Errorf("%s: it still may when it is known what became of it", name)
		}
	}
}

func TestLog_countsTheAnswersOfARuleToALane(t *testing.T) {
	l := echoes.New()
	for _, event := range []string{"e-1", "e-2", "e-2"} {
		l.Answered("close", "inbox/ticket/42", event, noon)
	}
	for want, got := range map[int]int{
		2: l.Answers("close", "inbox/ticket/42", noon.Add(10*time.Minute)),
		0: l.Answers("close", "inbox/ticket/42", noon.Add(10*time.Minute+1)) + l.Answers("note", "inbox/ticket/42", noon) + l.Answers("close", "inbox/ticket/4", noon),
	} {
		if got != want {
			t.Errorf("%d answers, want %d", got, want)
		}
	}
}

// What is kept of one ticket, and of all, is bounded.
func TestLog_isBounded(t *testing.T) {
	l := echoes.New()
	for i := range 100 {
		l.Wrote("crm", "42", echoes.Write{ID: strconv.Itoa(i), Types: []string{"x"}, At: noon.Add(time.Duration(i))})
		l.Answered("r", "l", strconv.Itoa(i), noon)
	}
	if got, _ := l.Explain(echoes.Event{Destination: "crm", ID: "42", Type: "x", At: noon}); got != "36" {
		t.Errorf("the oldest write is %s, want 36 of 64 that are kept", got)
	}
	if got := l.Answers("r", "l", noon); got != 64 {
		t.Errorf("%d answers are kept, want 64", got)
	}
	for i := range 20_000 {
		l.Wrote("crm", "t"+strconv.Itoa(i), echoes.Write{ID: "w", Types: []string{"x"}, At: noon})
	}
	if _, ok := l.Explain(echoes.Event{Destination: "crm", ID: "42", Type: "x", At: noon}); ok {
		t.Error("the ticket that was written to before 20,000 others is kept")
	}
}
