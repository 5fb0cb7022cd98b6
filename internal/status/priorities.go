package status

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
)

// priorityWarnings say where the priorities of a destination put nothing first, and which instances go by
// others than the file.
func priorityWarnings(d config.Destination, instances []Instance) (warnings []string) {
	if d.AllHigh() {
		warnings = append(warnings, "every event is high, so nothing goes first: leave out what can wait")
	}
	ours, others := d.PrioritiesText(), []string{}
	for _, i := range instances {
		for _, p := range i.Pipelines {
			if p.Destination == d.Name && p.Priorities != ours {
				others = append(others, i.URL)
			}
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		warnings = append(warnings, fmt.Sprintf("%s goes by other priorities than this file: each event goes by those of the instance that has its partition. "+
			"Reload that instance, or start it again with this file", strings.Join(slices.Compact(others), ", ")))
	}
	return warnings
}

// priorities prints what waits at instances with priorities, and how far these look.
func (r Report) priorities(b io.Writer) {
	for _, d := range r.Destinations {
		if d.Reach != "" {
			output.Printf(b, "%s: priorities and coalescing choose %s\n", d.Name, d.Reach)
		}
		if d.Lag > 0 && d.prioritised {
			output.Printf(b, "%s: the lag counts what is settled behind an older event that waits, and so does the time to drain: the open events of the instances are what is left\n", d.Name)
		}
		for _, warning := range d.Warnings {
			output.Printf(b, "%s: warning: %s\n", d.Name, warning)
		}
	}
	for _, i := range r.Instances {
		for _, p := range i.Pipelines {
			for _, of := range p.ByPriority {
				if of.Open > 0 {
					output.Printf(b, "%s: %s has %d open events that are %s, the oldest %s old\n", i.URL, p.Destination, of.Open, of.Name,
						output.Roughly(time.Duration(of.OldestSeconds*float64(time.Second))))
				}
			}
		}
	}
}
