package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// screen is a terminal and what was written to it.
func screen(t *testing.T) (terminal *os.File, shown *transcript) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be had here: %v", err)
	}
	number := 0
	if err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err == nil {
		number, err = unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	}
	if err == nil {
		terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatalf("opening a terminal: %v", err)
	}
	shown = &transcript{}
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			_, _ = shown.Write(buf[:n]) // it never fails
			if err != nil {
				return // the other side is closed
			}
		}
	}()
	t.Cleanup(func() {
		_ = terminal.Close()
		<-read
		_ = master.Close()
	})
	return terminal, shown
}

func TestDLQApply_showsItsProgressOnATerminal(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	c.Produce(t, userLetter(1, "u-1"), userLetter(2, "u-1"))
	c.wants(exitOK, "1 behind, 1 send", "", "plan", "--every", "-o", c.plan)
	terminal, shown := screen(t)
	const line = "\r\x1b[K1 of 2 letters: 1 delivered"
	c.before = func(body string) { // the second letter waits until the first is shown
		if strings.Contains(body, `"N2"`) {
			await(t, "the progress to be shown", func() bool { return strings.Contains(shown.String(), line) })
		}
	}
	var stdout transcript
	args := []string{"dlq", "apply", "-c", c.file, c.plan}
	if code := run(context.WithoutCancel(t.Context()), args, func(string) (string, bool) { return "", false }, streams{strings.NewReader(""), &stdout, terminal}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, shown)
	}
	await(t, "the line of progress to go", func() bool { return strings.HasSuffix(shown.String(), "\r\x1b[K") })
	c.wantWrites(2)
}
