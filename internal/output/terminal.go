package output

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := Direct(w).(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Progress begins to show after this time and is renewed at this interval.
const (
	progressAfter = 2 * time.Second
	progressEvery = 250 * time.Millisecond
)

// ClearLine is the control sequence that clears the line of a terminal's cursor. The
// program has no other one.
const ClearLine = "\r\x1b[K"

// Direct returns what a Writer writes to, so that ClearLine can be written.
func Direct(w io.Writer) io.Writer {
	if s, ok := w.(Writer); ok {
		return s.To
	}
	return w
}

// Shower is a writer that shows progress in its own way. stop ends it.
type Shower interface {
	ShowProgress(line func() string) (stop func())
}

// Progress shows a line of progress when w is a Shower, or when it is a terminal and the work takes
// longer than two seconds. stop ends it and clears the line.
func Progress(w io.Writer, line func() string) (stop func()) {
	if s, ok := w.(Shower); ok {
		return s.ShowProgress(line)
	}
	if !IsTerminal(w) {
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
				fmt.Fprint(Direct(w), ClearLine)
				return
			case <-wait.C:
				fmt.Fprint(Direct(w), ClearLine)
				Printf(w, "%s", line())
				wait.Reset(progressEvery)
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}
