package main

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestIgnoreHangUp_logsTheSignal(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	stop := ignoreHangUp(slog.New(slog.NewTextHandler(w, nil)))
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 1024)
	n, err := r.Read(line)
	if err != nil || !strings.Contains(string(line[:n]), "SIGHUP ignored") {
		t.Errorf("the log says %q, %v", line[:n], err)
	}
	stop()
}
