package console

import (
	"fmt"
	"time"

	"github.com/deskstream/deskstream/internal/journal"
)

// destinationBody is the page of the last hour of a destination.
type destinationBody struct {
	Name string
	// Running reports whether a pipeline runs here: without, dead events, the rate budget and holds are
	// not known.
	Running bool
	Charts  []chart
	Rows    []hourRow
}

// hourRow is five minutes of a destination in numbers, "" for what is not known.
type hourRow struct{ From, In, Out, Lag, Dead, Budget, Held string }

// rowMinutes is how many minutes a row of the table has.
const rowMinutes = 5

// destination shows the last hour of a destination.
func (c *Console) destination(v *visit) (content, error) {
	name := v.PathValue("destination")
	if _, ok := v.cfg.Destination(name); !ok {
		return content{}, journal.NotFound("the configuration has no destination %q", name)
	}
	now := time.Now()
	list := c.history.minutes(name, now)
	body := destinationBody{Name: name, Running: c.Pipelines != nil, Charts: charts(list, now, true)}
	for i := 0; i < len(list); i += rowMinutes {
		if row, ok := hourRowOf(list[i:i+rowMinutes], now.Add(-time.Duration(len(list)-i)*time.Minute)); ok {
			body.Rows = append(body.Rows, row)
		}
	}
	return content{title: "The last hour of " + name, template: "destination", body: body}, nil
}

// charts are those of a destination: the two that are known without a pipeline, or all.
func charts(list [60]minute, now time.Time, all bool) (found []chart) {
	add := func(title string, lines ...series) {
		if c, ok := drawn(title, list, now, lines...); ok {
			found = append(found, c)
		}
	}
	add("Records", rateIn, rateOut)
	add("Lag", lagOf)
	if all {
		add("Dead events", deadOf)
		add("Rate budget", usedOf)
	}
	return found
}

func hourRowOf(list []minute, from time.Time) (hourRow, bool) {
	var sum minute
	held := 0
	for i := range list {
		m := &list[i]
		if m.rated > 0 {
			sum.in, sum.out = sum.in+m.in, sum.out+m.out
			sum.rated++
		}
		if m.held {
			held++
		}
		sum.known, sum.running = sum.known+m.known, sum.running+m.running
		sum.lag, sum.dead, sum.budget = max(sum.lag, m.lag), sum.dead+m.dead, max(sum.budget, m.budget)
	}
	row := hourRow{From: from.UTC().Format("15:04")}
	if sum.rated > 0 {
		row.In, row.Out = rateText(sum.in/float64(sum.rated)), rateText(sum.out/float64(sum.rated))
	}
	if sum.known > 0 {
		row.Lag = thousands(sum.lag)
	}
	if sum.running > 0 {
		row.Dead, row.Budget, row.Held = thousands(sum.dead), shareText(sum.budget), fmt.Sprintf("%d of %d min", held, len(list))
	}
	return row, sum.known+sum.running > 0
}
