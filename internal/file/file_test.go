package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/deskstream/deskstream/internal/file"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func pipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead_givesARegularFileUpToTheLimit(t *testing.T) {
	path := write(t, "12345678")
	got, err := file.Read(t.Context(), path, 8)
	if err != nil || string(got) != "12345678" {
		t.Errorf("Read = %q, %v", got, err)
	}
	if _, err := file.Read(t.Context(), path, 7); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a file over the limit gave %v", err)
	}
}

// A named pipe that nobody writes to is what a hung mount looks like: opening it waits.
func TestRead_refusesWhatIsNoRegularFile(t *testing.T) {
	for path, want := range map[string]string{
		pipe(t):        "a named pipe",
		"/dev/zero":    "a device",
		t.TempDir():    "a directory",
		"/nowhere/at/": "no such file",
	} {
		_, err := file.Read(t.Context(), path, 100)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("Read(%q) gave the error %v, want one with %q and the path", path, err, want)
		}
	}
}

func TestRead_endsWithItsContext(t *testing.T) {
	path := pipe(t)
	writer, err := os.OpenFile(path, os.O_RDWR, 0) // open, and writing nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Close() }()
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if _, err := file.ReadInput(ctx, path, 100); !errors.Is(err, stop) {
		t.Errorf("the error is %v, want %v", err, stop)
	}
}

func TestReadInput_readsAPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	_, writeErr := w.WriteString("source: {}")
	if err := errors.Join(writeErr, w.Close()); err != nil {
		t.Fatal(err)
	}
	got, err := file.ReadInput(t.Context(), fmt.Sprintf("/dev/fd/%d", r.Fd()), 100)
	if err != nil || string(got) != "source: {}" {
		t.Errorf("ReadInput = %q, %v", got, err)
	}
	if _, err := file.ReadInput(t.Context(), "/dev/zero", 100); err == nil {
		t.Error("a device was read")
	}
}
