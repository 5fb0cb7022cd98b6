package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/deskstream/deskstream/internal/config"
)

// maxLine is how long one line of events may be, in bytes.
const maxLine = 16 << 20

// openEvents opens the file that args name, or standard input for none or "-".
func (a *app) openEvents(args []string) (io.ReadCloser, error) {
	if len(args) == 0 || args[0] == "-" {
		if a.stdinTaken {
			return nil, &config.FlagError{Err: errors.New("standard input is the configuration already: name a file with the events")}
		}
		return io.NopCloser(a.stdin), nil
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, &config.UsageError{Err: fmt.Errorf("opening the events: %w", err)}
	}
	return f, nil
}

// line is one line of events that is not blank, numbered from 1.
type line struct {
	number int
	text   []byte
}

// eachLine calls fn for each line of r that is not blank, until fn gives an error or
// ctx ends. A read that blocks is left behind then: nothing can end it but the
// sender, and the process is about to.
func eachLine(ctx context.Context, r io.Reader, fn func(line) error) error {
	lines := make(chan line)
	failed := make(chan error, 1)
	done := make(chan struct{})
	defer close(done)
	go func() {
		defer close(lines)
		failed <- scanLines(r, lines, done)
	}()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case l, more := <-lines:
			if !more {
				return <-failed
			}
			if err := fn(l); err != nil {
				return err
			}
		}
	}
}

// scanLines sends the lines of r until there are no more or done is closed.
func scanLines(r io.Reader, lines chan<- line, done <-chan struct{}) error {
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 0, 64<<10), maxLine)
	number := 0
	for scanner.Scan() {
		number++
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		select {
		case lines <- line{number, bytes.Clone(text)}:
		case <-done:
			return nil
		}
	}
	if errors.Is(scanner.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("reading the events: line %d is longer than 16 MiB", number+1)
	}
	if scanner.Err() != nil {
		return fmt.Errorf("reading the events: %w", scanner.Err())
	}
	return nil
}
