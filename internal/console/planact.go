package console

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/redrive"
)

// askPlanBody is the page that asks before a plan is made.
type askPlanBody struct {
	Words        string
	Count, Most  int
	Fields       []hiddenField
	Destinations []string
	May          bool // the reader may act
}

// askPlan shows how many letters a filter picks, before a plan for them is made.
func (c *Console) askPlan(v *visit) (content, error) {
	p, open, err := v.openOf(v.URL.Query())
	if err != nil {
		return content{}, err
	}
	body := askPlanBody{
		Words: p.words(v.masker), Count: open, Most: redrive.MaxLetters, Fields: p.fields(), Destinations: v.cfg.DestinationNames(), May: c.mayAct(v.person),
	}
	return content{title: "Plan to send letters again", template: "planask", body: body}, nil
}

// makePlan plans to send the open letters that a filter picks, as dlq plan does.
func (c *Console) makePlan(a *act) (string, error) {
	p, err := a.pickedOpen(a.PostForm)
	if err != nil {
		return "", err
	}
	options := redrive.PlanOptions{
		Picker: p.picker, Limit: redrive.MaxLetters, MaxRounds: redrive.MaxRounds, To: strings.TrimSpace(a.PostFormValue("to")), Superseded: a.PostFormValue("superseded") == "1",
	}
	if options.Wanted, err = journal.WantedBy(a.cfg, &p.filter); err != nil {
		return "", err
	}
	if _, known := a.cfg.Destination(options.To); options.To != "" && !known {
		return "", &refusedError{http.StatusBadRequest, a.cfg.NoDestination(options.To).Error()}
	}
	held := &heldPlan{words: p.words(a.masker), by: a.person.Name, reason: a.reason, options: options, rows: newPlannedRows()}
	return c.start(a, "plan", held.words, func(ctx context.Context, j *job, o journal.Options) error {
		return c.planned(held, j, func(options redrive.PlanOptions) (*letters.Plan, error) {
			return redrive.Draft(ctx, redrive.Deployment{Options: o, Out: j}, options)
		})
	})
}

// completePlan goes on with a plan whose letters were not all decided.
func (c *Console) completePlan(a *act) (string, error) {
	p, err := c.planOfForm(a)
	if err != nil {
		return "", err
	}
	if p.incomplete() == 0 {
		return "", &refusedError{http.StatusConflict, "the plan is complete"}
	}
	held := &heldPlan{words: p.words, by: a.person.Name, reason: a.reason, options: p.options, rows: p.rows, applies: p.applied()}
	return c.start(a, "plan", "plan "+p.ID+": "+p.words, func(ctx context.Context, j *job, o journal.Options) error {
		return c.planned(held, j, func(options redrive.PlanOptions) (*letters.Plan, error) {
			return redrive.Complete(ctx, redrive.Deployment{Options: o, Out: j}, p.Plan, options)
		})
	})
}

// planned holds what a job has planned, also where it was ended before all was.
func (c *Console) planned(held *heldPlan, j *job, plan func(redrive.PlanOptions) (*letters.Plan, error)) error {
	options := held.options
	options.Show = held.rows.take
	made, err := plan(options)
	if made == nil || made.Count()[letters.Unplanned] == len(made.Letters) {
		return err // there is nothing to hold
	}
	if failed := made.Write(io.Discard); failed != nil { // seals it
		return failed
	}
	if held.Plan = made; err != nil {
		held.why = output.Error(err)
	}
	c.plans.add(held)
	j.leadsTo("/plan/"+made.ID, "Plan "+made.ID)
	return err
}

// planOfForm returns the plan that a form means, if it is as the form's page has shown it.
func (c *Console) planOfForm(a *act) (*heldPlan, error) {
	p, err := c.heldPlan(a.Request)
	if err == nil && a.PostFormValue("seal") != p.Seal {
		err = &refusedError{http.StatusConflict, "the plan is no longer as the page has shown it: look again"}
	}
	return p, err
}

// suggestedMaxFail is the share of letters that may fail, in percent: that of dlq apply.
const suggestedMaxFail = 10

// apply sends the letters of a plan again, as dlq apply does: one first, then ten, then the others. One
// that was stopped goes on where it stopped.
func (c *Console) apply(a *act) (string, error) {
	p, err := c.planOfForm(a)
	if err != nil {
		return "", err
	}
	percent, err := strconv.ParseFloat(a.PostFormValue("max_fail"), 64)
	if err != nil || !(percent >= 0 && percent <= 100) {
		return "", &refusedError{http.StatusBadRequest, "max_fail takes a share from 0 to 100 percent"}
	}
	options := redrive.ApplyOptions{MaxFail: percent / 100, MaxRounds: redrive.MaxRounds, Traces: c.Traces}
	words := fmt.Sprintf("plan %s, %s to send: %s", p.ID, output.Count(p.sends(), "letter"), p.words)
	return c.start(a, "apply", words, func(ctx context.Context, j *job, o journal.Options) error {
		p.applying(j)
		j.leadsTo("/plan/"+p.ID, "Plan "+p.ID)
		options.Watch = func(now func() redrive.Progress) { j.watch(func() jobProgress { return progressOf(now()) }) }
		return redrive.ApplyPlan(ctx, redrive.Deployment{Options: o, Out: j}, p.Plan, options)
	})
}

// progressOf is how far an apply is, for its page.
func progressOf(p redrive.Progress) jobProgress {
	stage := fmt.Sprintf("%d of %d: %s", p.Stage, p.Stages, output.Count(p.Size, "letter"))
	if p.Stage < p.Stages {
		stage += " as a canary, the next ones follow if no more fail than the form said"
	}
	shown := jobProgress{Done: p.Done, Total: p.Total, Waits: p.Waits, Facts: []jobFact{
		{"Stage", stage},
		{"Done", fmt.Sprintf("%d of %s: %d delivered, %d settled without a call", p.Done, output.Count(p.Total, "letter"), p.Delivered, p.Settled)},
		{"Failed", number(p.Failed)},
		{"Left open", number(p.Open)},
		{"Remaining", number(p.Total - p.Done)},
		{"Rate", fmt.Sprintf("%.1f a second", p.PerSecond)},
	}}
	if p.Left > 0 {
		shown.Facts = append(shown.Facts, jobFact{"Time left", "about " + output.Roughly(max(p.Left, time.Second))})
	}
	return shown
}
