package demo

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/deskstream/deskstream/internal/output"
)

// How often the live summary is printed: in place on a terminal, as a new line elsewhere.
const (
	showOnTerminal = 250 * time.Millisecond
	showPiped      = 5 * time.Second
)

// show prints how far each destination is until ctx ends. hide waits for the end and clears
// the line on a terminal.
func (d *demo) show(ctx context.Context) (hide func()) {
	every, before, after := showPiped, "", "\n"
	if output.IsTerminal(d.opts.Err) {
		every, before, after = showOnTerminal, output.ClearLine, ""
	}
	var shown sync.WaitGroup
	shown.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprint(output.Direct(d.opts.Err), before, d.summary(), after)
			case <-ctx.Done():
				fmt.Fprint(output.Direct(d.opts.Err), before)
				return
			}
		}
	})
	return shown.Wait
}

// summary is one line of how far each destination is.
func (d *demo) summary() string {
	var parts []string
	for _, p := range d.book.Progress() {
		parts = append(parts, fmt.Sprintf("%s: %d of %d settled (%d delivered, %d skipped, %d dead)",
			p.Name, p.Settled, p.Events, p.Became["delivered"], p.Became["skipped"], p.Became["dead"]))
	}
	return strings.Join(parts, "   ")
}
