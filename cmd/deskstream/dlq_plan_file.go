package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/letters"
)

// planOutput is the file that a plan is written to. Nil is none.
type planOutput struct {
	path    string
	inPlace bool // it is a pipe or a device, which nothing can take the place of
	kept    time.Time
}

// keepEvery is how often an unfinished plan is written, in case the process is killed.
const keepEvery = 30 * time.Second

// openPlanOutput finds out whether a plan can be written before it is made. No path is
// no file.
func openPlanOutput(path string) (*planOutput, error) {
	if path == "" {
		return nil, nil
	}
	o := &planOutput{path: path, kept: time.Now()}
	if info, err := os.Lstat(path); err == nil {
		o.inPlace = !info.Mode().IsRegular()
	}
	file, err := o.create()
	if err == nil {
		err = file.Close()
	}
	if err == nil && !o.inPlace {
		err = os.Remove(file.Name())
	}
	if err != nil {
		return nil, fmt.Errorf("the plan could not be written: %w", err)
	}
	return o, nil
}

// create opens the file, or one beside it that is to take its place.
func (o *planOutput) create() (*os.File, error) {
	if o.inPlace {
		return os.OpenFile(o.path, os.O_WRONLY, 0)
	}
	return os.CreateTemp(filepath.Dir(o.path), ".dlq-plan-*")
}

// keep writes an unfinished plan now and then.
func (o *planOutput) keep(plan *letters.Plan) error {
	if o == nil || o.inPlace || time.Since(o.kept) < keepEvery {
		return nil
	}
	o.kept = time.Now()
	return o.write(plan)
}

// write writes the plan. A kill leaves the file that was there before, or the new one.
func (o *planOutput) write(plan *letters.Plan) error {
	file, err := o.create()
	if err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	err = errors.Join(plan.Write(file), file.Close())
	if o.inPlace {
		return err
	}
	if err == nil {
		err = os.Rename(file.Name(), o.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the plan: %w", err), os.Remove(file.Name()))
	}
	return nil
}

// continuePlan goes on with a plan that was interrupted. What it says of letters holds as
// long as their events are mapped as they were; letters that are closed by now are left out.
func (a *app) continuePlan(ctx context.Context, cfg *config.Config, o dlqPlanOptions) error {
	plan, err := readPlanFile(o.unfinished)
	if err != nil {
		return err
	}
	if plan.Count()[letters.Discard] > 0 {
		return refused("it was made with --discard, and there is nothing to go on with")
	}
	out, err := openPlanOutput(orElse(o.out, o.unfinished))
	if err != nil {
		return err
	}
	box, err := a.openPlan(ctx, cfg, plan)
	if err != nil {
		return err
	}
	defer box.close()
	list, err := box.candidates(ctx, plan)
	if err != nil {
		return err
	}
	p := &letterPlanner{box: box, options: o, plan: plan.Plan, out: out, before: map[string]letters.Planned{}}
	for _, l := range plan.Letters {
		p.before[l.ID] = l
	}
	if closed := len(plan.Letters) - len(list); closed > 0 {
		box.note("%s of the plan closed meanwhile", count(closed, "letter"))
	}
	p.plan.Version = version()
	return box.planList(ctx, p, list)
}
