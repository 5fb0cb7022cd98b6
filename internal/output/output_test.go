package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/deskstream/deskstream/internal/output/outputtest"
)

// full is a writer that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestSafe_leavesNothingThatSteersATerminal(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		text := string(Safe([]byte("a" + string(r) + "b")))
		if !utf8.ValidRune(r) {
			continue
		}
		if steers(r) == strings.ContainsRune(text, r) {
			t.Errorf("%U became %q", r, text)
		}
	}
	for _, r := range "\x00\a\b\v\f\r\x1b\x7f\u0080\u0085\u009b\u009f\u200b\u200e\u202e\u2028\u2066\ufeff" {
		if !steers(r) {
			t.Errorf("%U is let through", r)
		}
	}
	for name, text := range map[string]string{
		"ASCII": "a\tb\n", "accents": "Zoë, Straße, 東京, عربي, עברית", "joined": "👩\u200d👩\u200d👧 می\u200cخواهم 🏳️\u200d🌈", "U+FFFD": "\uFFFD",
	} {
		if got := string(Safe([]byte(text))); got != text {
			t.Errorf("%s: %q became %q", name, text, got)
		}
	}
	for text, want := range map[string]string{
		"\x1b[31m": `\u001b[31m`, "\u009b1m": `\u009b1m`, "\xff\xfea": "\uFFFD\uFFFDa", "\u202eabc": `\u202eabc`, "a\x7f": `a\u007f`,
	} {
		if got := string(Safe([]byte(text))); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// JSON passes the same writer, and its readers read the same.
func TestSafe_jsonStaysExact(t *testing.T) {
	var all strings.Builder
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if utf8.ValidRune(r) {
			all.WriteRune(r)
		}
	}
	texts := map[string]string{"every character": all.String()}
	maps.Copy(texts, outputtest.Hostile)
	for name, text := range texts {
		var printed bytes.Buffer
		out := NewEncoder(Writer{To: &printed})
		if err := out.Encode(map[string]string{text: text}); err != nil {
			t.Fatal(err)
		}
		raw := `"` + strings.NewReplacer("\\", "", "\"", "", "\n", "", "\r", "", "\t", "").Replace(text) + `"`
		for i := range 0x20 {
			raw = strings.ReplaceAll(raw, string(rune(i)), "") // not allowed in JSON as they are
		}
		if err := out.Encode(json.RawMessage(raw)); err != nil {
			t.Fatal(err)
		}
		var object map[string]string
		var got, want string
		dec := json.NewDecoder(&printed)
		if err := errors.Join(dec.Decode(&object), dec.Decode(&got), json.Unmarshal([]byte(raw), &want)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		valid := string([]rune(text)) // as encoding/json writes it
		if object[valid] != valid {
			t.Errorf("%s: an object's text has changed", name)
		}
		if got != want {
			t.Errorf("%s: a raw text has changed", name)
		}
	}
}

func TestWriter_countsWhatItWasGiven(t *testing.T) {
	var b bytes.Buffer
	if n, err := (Writer{To: &b}).Write([]byte("\x1bab")); n != 3 || err != nil {
		t.Errorf("Write = %d, %v, want 3", n, err)
	}
	if n, err := (Writer{To: full{}}).Write([]byte("ab")); n != 0 || err == nil {
		t.Errorf("Write to a broken pipe = %d, %v", n, err)
	}
}

func TestPrintf_makesEachTextOneLine(t *testing.T) {
	type named string
	for name, text := range outputtest.Hostile {
		var b strings.Builder
		Printf(&b, "%s|%v|%q|%d\n", text, named(text), errors.New(text), 7)
		if got := b.String(); strings.Count(got, "\n") != 1 || len(got) > 4*maxText+100 || !strings.HasSuffix(got, "|7\n") {
			t.Errorf("%s: %.300q", name, got)
		}
	}
	if got := Line("a\n\r\nb\tc"); got != "a b c" {
		t.Errorf("oneLine = %q", got)
	}
	if got := Line(strings.Repeat("é", maxText)); !strings.HasSuffix(got, "é... (1024 bytes more)") {
		t.Errorf("oneLine of a long text ends in %q", got[len(got)-40:])
	}
}

func TestRoughly_isATimeAsPeopleSayIt(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "1s", 1400 * time.Millisecond: "1s", 119 * time.Second: "119s", 2 * time.Minute: "2m", 119 * time.Minute: "119m",
		2 * time.Hour: "2h00m", 4*time.Hour + 36*time.Minute + 10*time.Second: "4h36m",
	} {
		if got := Roughly(d); got != want {
			t.Errorf("roughly(%v) = %q, want %q", d, got, want)
		}
	}
}
