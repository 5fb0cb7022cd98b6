package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// isTerminal reports whether w is a person's screen.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Progress begins to show after this time and is renewed at this interval.
const (
	progressAfter = 2 * time.Second
	progressEvery = 250 * time.Millisecond
)

// startProgress shows a line of progress on a terminal for work that takes longer
// than two seconds, and nothing elsewhere. stop ends it and takes the line away.
func startProgress(w io.Writer, line func() string) (stop func()) {
	if !isTerminal(w) {
		return func() {}
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		wait := time.NewTimer(progressAfter)
		defer wait.Stop()
		for {
			select {
			case <-done:
				fmt.Fprint(w, "\r\x1b[K")
				return
			case <-wait.C:
				fmt.Fprintf(w, "\r\x1b[K%s", line())
				wait.Reset(progressEvery)
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}
