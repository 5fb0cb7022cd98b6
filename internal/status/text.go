package status

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/deskstream/deskstream/internal/output"
)

// Text is the report for people.
func (r Report) Text() string {
	var b strings.Builder
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DESTINATION\tLAG\tIN/S\tOUT/S\tDRAIN")
	for _, d := range r.Destinations {
		output.Printf(table, "%s\t%d\t%s\t%s\t%s\n", d.Name, d.Lag, number(d.RateIn), number(d.RateOut), drainText(d))
	}
	_ = table.Flush() // a strings.Builder takes everything
	for _, d := range r.Destinations {
		if d.Error != "" {
			output.Printf(&b, "%s: %s\n", d.Name, d.Error)
		}
	}
	r.instances(&b)
	r.priorities(&b)
	return b.String()
}

func (r Report) instances(b io.Writer) {
	if len(r.Instances) == 0 {
		return
	}
	fmt.Fprintln(b)
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "INSTANCE\tDESTINATION\tSTATE\tPARTITIONS\tOPEN\tOLDEST\tRATE BUDGET")
	for _, i := range r.Instances {
		if i.Error != "" {
			output.Printf(table, "%s\t-\tno answer: %s\t\t\t\t\n", i.URL, i.Error)
		}
		for _, p := range i.Pipelines {
			output.Printf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%s\n", i.URL, p.Destination, stateOf(p), p.Partitions, p.Open, Age(p.OldestSeconds), BudgetText(p.Budget))
		}
	}
	_ = table.Flush() // so are those that commands print to
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// drainText is "12m", or why there is no time.
func drainText(d Destination) string {
	switch {
	case d.DrainSeconds == nil && d.RateOut == 0:
		return "stands"
	case d.DrainSeconds == nil:
		return "grows"
	case *d.DrainSeconds == 0:
		return "-"
	}
	return output.Roughly(time.Duration(*d.DrainSeconds * float64(time.Second)))
}

func stateOf(p Pipeline) string {
	switch {
	case !p.Joined:
		return "joining"
	case p.Hold != "":
		return "held: " + p.Hold + " since " + p.HeldSince
	case p.Trouble != "":
		return "trouble: " + p.Trouble
	case p.Paused != "":
		return "paused: " + p.Paused
	}
	return "runs"
}

// Age is the age of the oldest event for people, - for none.
func Age(seconds float64) string {
	if seconds < 1 {
		return "-"
	}
	return output.Roughly(time.Duration(seconds * float64(time.Second)))
}

// BudgetText is a rate budget for people.
func BudgetText(b Budget) string {
	text := fmt.Sprintf("%.0f calls in %v, %d used", b.Calls, time.Duration(b.WindowSeconds*float64(time.Second)), b.Used)
	if b.Waiting > 0 {
		text += ", " + output.Count(b.Waiting, "event") + " waiting"
	}
	switch wait := time.Duration(b.WaitSeconds * float64(time.Second)); {
	case b.UsedUp:
		text += ", used up for " + output.Roughly(wait)
	case wait >= time.Second/2:
		text += ", " + output.Roughly(wait) + " to the next"
	}
	return text
}
