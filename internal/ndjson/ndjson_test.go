package ndjson_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/ndjson"
)

// read returns the lines of a text as "number text".
func read(t *testing.T, r io.Reader) (lines []string, err error) {
	t.Helper()
	err = ndjson.Each(t.Context(), r, func(l ndjson.Line) error {
		lines = append(lines, fmt.Sprintf("%d %s", l.Number, l.Text))
		return nil
	})
	return lines, err
}

func TestEach_numbersLinesAndLeavesBlankOnesOut(t *testing.T) {
	for text, want := range map[string][]string{
		"":                         nil,
		"\n \n\t\r\n":              nil,
		"a\n\n  b  \r\nc":          {"1 a", "3 b", "4 c"},
		"a\n":                      {"1 a"},
		strings.Repeat("x", 1<<20): {"1 " + strings.Repeat("x", 1<<20)},
	} {
		got, err := read(t, strings.NewReader(text))
		if err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.20q (-want +got):\n%s", text, diff)
		}
	}
}

// A line may be kept: the next one does not overwrite it.
func TestEach_linesMayBeKept(t *testing.T) {
	var kept [][]byte
	more := strings.Repeat(strings.Repeat("x", 999)+"\n", 200) // than any buffer
	err := ndjson.Each(t.Context(), strings.NewReader("first\n"+more), func(l ndjson.Line) error {
		kept = append(kept, l.Text)
		return nil
	})
	if err != nil || len(kept) != 201 || string(kept[0]) != "first" {
		t.Errorf("%d lines kept, the first %q: %v", len(kept), kept[0], err)
	}
}

func TestEach_aLineThatIsTooLongIsNamedByItsNumber(t *testing.T) {
	got, err := read(t, strings.NewReader("a\n\n"+strings.Repeat("x", 16<<20)+"\nb\n"))
	if err == nil || !strings.Contains(err.Error(), "line 3 ") {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"1 a"}, got); diff != "" {
		t.Errorf("lines before it (-want +got):\n%s", diff)
	}
}

func TestEach_endsWithTheErrorOfTheReader(t *testing.T) {
	broken := errors.New("disk on fire")
	got, err := read(t, io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if len(got) == 0 || got[0] != "1 a" {
		t.Errorf("got lines %q", got)
	}
}

func TestEach_endsWithTheErrorOfTheFunction(t *testing.T) {
	enough := errors.New("enough")
	calls := 0
	err := ndjson.Each(t.Context(), strings.NewReader("a\nb\nc\n"), func(ndjson.Line) error {
		calls++
		return enough
	})
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("got %v after %d calls, want %v after 1", err, calls, enough)
	}
}

// A pipe whose sender is silent does not keep the program from stopping.
func TestEach_aStopDoesNotWaitForASilentSender(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped")
	reader, sender := io.Pipe()
	defer func() { _ = sender.Close() }() // ends the read that is left behind
	go func() { _, _ = io.WriteString(sender, "a\n") }()
	err := ndjson.Each(ctx, reader, func(ndjson.Line) error {
		cancel(stopped)
		return nil
	})
	if !errors.Is(err, stopped) {
		t.Errorf("got %v, want the cause %v", err, stopped)
	}
}
