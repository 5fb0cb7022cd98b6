package redrive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/version"
)

// planOutput is the file that a plan is written to, nil for none.
type planOutput struct {
	path    string
	inPlace bool // it is a pipe or a device, which cannot be replaced
	kept    time.Time
}

// keepEvery is how often an unfinished plan is written, in case the process is killed.
const keepEvery = 30 * time.Second

// openPlanOutput checks that a plan can be written, before it is made. Without a path it
// returns nil.
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

// create opens the file, or a temporary one beside it that will replace it.
func (o *planOutput) create() (*os.File, error) {
	if o.inPlace {
		return os.OpenFile(o.path, os.O_WRONLY, 0)
	}
	return os.CreateTemp(filepath.Dir(o.path), ".dlq-plan-*")
}

// keep writes an unfinished plan when keepEvery has passed.
func (o *planOutput) keep(plan *letters.Plan) error {
	if o == nil || o.inPlace || time.Since(o.kept) < keepEvery {
		return nil
	}
	o.kept = time.Now()
	return o.write(plan)
}

// write writes the plan. A killed process leaves the old file or the new one.
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

// Continue completes a plan that was interrupted. Its verdicts stay as long as the events
// are mapped as they were. Letters that were closed meanwhile are left out.
func Continue(ctx context.Context, d Deployment, o PlanOptions) error {
	plan, err := readPlanFile(o.Unfinished)
	if err != nil {
		return err
	}
	if plan.Count()[letters.Discard] > 0 {
		return refused("it was made with --discard, and there is nothing to complete")
	}
	out, err := openPlanOutput(cmp.Or(o.Out, o.Unfinished))
	if err != nil {
		return err
	}
	return complete(ctx, d, plan, o, out)
}

// Complete is Continue for a plan in memory. It returns the plan as far as it is made then, also with an
// error, and leaves the given one as it is.
func Complete(ctx context.Context, d Deployment, unfinished *letters.Plan, o PlanOptions) (*letters.Plan, error) {
	plan := *unfinished
	err := complete(ctx, d, planFile{Plan: &plan}, o, nil)
	return &plan, err
}

// complete plans the letters of a plan. The given list of them is not changed, the plan gets another one.
func complete(ctx context.Context, d Deployment, plan planFile, o PlanOptions, out *planOutput) error {
	box, err := openPlan(ctx, d, plan)
	if err != nil {
		return err
	}
	defer box.Close()
	list, err := box.candidates(ctx, plan)
	if err != nil {
		return err
	}
	p := &letterPlanner{box: box, options: o, plan: plan.Plan, out: out}
	if closed := len(plan.Letters) - len(list); closed > 0 {
		box.Note("%s of the plan closed meanwhile", output.Count(closed, "letter"))
	}
	p.plan.Version = version.Release()
	return box.planList(ctx, p, list)
}
