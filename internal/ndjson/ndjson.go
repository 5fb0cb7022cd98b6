package ndjson

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// maxLine is the size in bytes of the longest line that is read.
const maxLine = 16 << 20

// Line is a line that is not blank.
type Line struct {
	Number int // from 1, blank lines included
	Text   []byte
}

// Each calls fn with each line of r that is not blank, until fn returns an error or ctx ends:
// then it returns that error, or the cause. A read that blocks is left behind, because only its
// sender can end it.
func Each(ctx context.Context, r io.Reader, fn func(Line) error) error {
	lines := make(chan Line)
	failed := make(chan error, 1)
	done := make(chan struct{})
	defer close(done)
	go func() {
		defer close(lines)
		failed <- scan(r, lines, done)
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

// scan sends the lines of r until there are no more or done is closed.
func scan(r io.Reader, lines chan<- Line, done <-chan struct{}) error {
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
		case lines <- Line{number, bytes.Clone(text)}:
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
