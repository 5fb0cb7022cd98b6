package console

import (
	"math"
	"time"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/status"
)

// overviewBody is the first page.
type overviewBody struct {
	Destinations []destinationRow
	// Fault says why the figures of Kafka are old or missing.
	Fault string
}

// destinationRow is a destination as the overview shows it.
type destinationRow struct {
	Name, Type, Group string
	// Known reports whether Kafka has said how far it is.
	Known            bool
	Lag              int64
	In, Out          float64
	Drain            string
	Fault            string
	Pipeline         *status.Pipeline // nil where none runs here
	Oldest, Budget   string
	ProbeIn, HeldFor string
	// Charts are of the last hour.
	Charts []chart
	// Turn is what the reader may do: hold, resume, or nothing.
	Turn string
}

// maxCharted is how many destinations the overview may have to show their charts: it stays small.
const maxCharted = 20

func (c *Console) overview(v *visit) (content, error) {
	body := overviewBody{}
	if err := c.history.fault(); err != nil {
		body.Fault = v.masker.text(output.Error(err))
	}
	running := map[string]*status.Pipeline{}
	if c.Pipelines != nil {
		list := c.Pipelines.Status()
		for i := range list {
			running[list[i].Destination] = &list[i]
		}
	}
	for _, d := range v.cfg.Destinations {
		row := c.destinationRow(v.cfg, d, running[d.Name])
		if row.Pipeline != nil && c.mayAct(v.person) {
			if row.Turn = "hold"; row.Pipeline.Hold != "" {
				row.Turn = "resume"
			}
		}
		if now := time.Now(); len(v.cfg.Destinations) <= maxCharted {
			row.Charts = charts(c.history.minutes(d.Name, now), now, false)
		}
		body.Destinations = append(body.Destinations, row)
	}
	return content{title: "Overview", template: "overview", body: body}, nil
}

func (c *Console) destinationRow(cfg *config.Config, d config.Destination, p *status.Pipeline) destinationRow {
	row := destinationRow{Name: d.Name, Type: d.Type, Group: cfg.Group(d), Pipeline: p}
	var rates status.Rates
	if rates, row.Known = c.history.rates(d.Name); row.Known {
		row.Lag, row.In, row.Out, row.Drain = rates.Lag, rates.In, rates.Out, drainText(rates)
		if rates.Err != nil {
			row.Fault = output.Error(rates.Err)
		}
	}
	if p == nil {
		return row
	}
	row.Oldest, row.Budget = status.Age(p.OldestSeconds), status.BudgetText(p.Budget)
	row.HeldFor, row.ProbeIn = heldFor(p), probeIn(p)
	return row
}

// drainText is how long a lag takes, or why there is no time.
func drainText(r status.Rates) string {
	switch {
	case r.Lag == 0:
		return "-"
	case math.IsInf(r.Drain, 1) && r.Out == 0:
		return "stands"
	case math.IsInf(r.Drain, 1):
		return "grows"
	}
	return output.Roughly(time.Duration(r.Drain * float64(time.Second)))
}

// configurationBody is the page of the settings.
type configurationBody struct {
	Text string
	// Warnings are what should be changed.
	Warnings []string
}

func (*Console) configuration(v *visit) (content, error) {
	body := configurationBody{Text: string(output.Safe(v.cfg.YAML()))}
	for _, w := range v.cfg.Warnings().List {
		body.Warnings = append(body.Warnings, w.Message)
	}
	return content{title: "Configuration", template: "configuration", body: body}, nil
}

// lanesShown is how many lanes the page shows.
const lanesShown = 100

// lanesBody is the page of the lanes that wait.
type lanesBody struct {
	Open int
	Rows []status.Lane
}

func (c *Console) lanes(v *visit) (content, error) {
	body := lanesBody{}
	if c.Pipelines != nil {
		body.Rows, body.Open = c.Pipelines.WaitingLanes(lanesShown)
	}
	for i := range body.Rows {
		body.Rows[i].Lane = v.masker.person(body.Rows[i].Lane)
	}
	return content{title: "Waiting lanes", template: "lanes", body: body}, nil
}
