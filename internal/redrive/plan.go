package redrive

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/version"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// Defaults of plan and apply.
const (
	MaxRounds = 5
	// MaxLetters limits the letters of one plan, which are all kept in memory. A part of the
	// letters that fit the filters would break the order of users' events.
	MaxLetters = 20_000
)

// PlanOptions say which letters to plan for, and how.
type PlanOptions struct {
	Topic, To, Out string
	Unfinished     string // the file of the plan to complete
	Discard        bool
	Superseded     bool
	Quiet          bool
	MaxRounds      int
	Limit          int
	Wanted         []*journal.Wanted
	Picker         letters.Picker
	// Show gets each letter when it is planned; nil: it is printed.
	Show func(*Rehearsed)
}

// Plan plans to send the letters that the options pick, prints the plan to d.Out and writes it
// to the file. It sends nothing.
func Plan(ctx context.Context, d Deployment, o PlanOptions) error {
	out, err := openPlanOutput(o.Out)
	if err != nil {
		return err
	}
	_, err = draftPlan(ctx, d, o, out)
	return err
}

// Draft is Plan without a file. It returns what it has planned with an error too, nil for nothing.
func Draft(ctx context.Context, d Deployment, o PlanOptions) (*letters.Plan, error) {
	return draftPlan(ctx, d, o, nil)
}

func draftPlan(ctx context.Context, d Deployment, o PlanOptions, out *planOutput) (*letters.Plan, error) {
	box, err := d.open(ctx, o.Topic)
	if err != nil {
		return nil, err
	}
	defer box.Close()
	box.Wanted = o.Wanted
	plan := box.newPlan(o)
	if o.Discard {
		return plan, box.planDiscard(ctx, plan, out, o)
	}
	list, err := box.candidatesOf(ctx, o)
	if err != nil {
		return nil, err
	}
	inOrder(list)
	if err := box.findOutcomes(ctx, list); err != nil {
		return nil, err
	}
	return plan, box.planList(ctx, &letterPlanner{box: box, options: o, plan: plan, out: out}, list)
}

// newPlan returns a plan without letters.
func (b *redriver) newPlan(o PlanOptions) *letters.Plan {
	var id [8]byte
	_, _ = rand.Read(id[:]) // it never fails
	return &letters.Plan{
		ID: hex.EncodeToString(id[:]), Created: time.Now().UTC(), Version: version.Release(),
		Cluster: b.Cluster, Topic: b.Topic, TopicID: hex.EncodeToString(b.TopicID[:]),
		Group: b.Config.Source.Group, Superseded: o.Superseded, Letters: []letters.Planned{},
	}
}

// planList plans the letters of the list.
func (b *redriver) planList(ctx context.Context, p *letterPlanner, list []*candidate) error {
	p.looks = newLookupClock(len(list))
	opts := wiring.Options{Remember: wiring.WholeRun, Observe: p.looks.count}
	rehearsal, err := newRehearsal(ctx, b.Config, destinationsOf(list, b.Config), opts, b.Log)
	if err != nil {
		return err
	}
	defer rehearsal.close()
	if err := b.tellTaken(ctx, list, rehearsal.ways); err != nil {
		return err
	}
	p.rehearsal, p.looks.ways = rehearsal, rehearsal.ways
	p.busy, p.stuck, p.again = map[laneKey]bool{}, map[laneKey]bool{}, map[laneKey]bool{}
	p.firsts, p.drafts = firstLetters{}, map[*candidate]*draft{}
	b.noteUncertainties(list)
	stop := output.Progress(b.Notes, p.looks.progress)
	err = p.run(ctx, list)
	stop()
	return b.finish(p, err)
}

// pickOpen calls fn once with each open letter that is picked, or returns an error when there
// are too many.
func (b *redriver) pickOpen(ctx context.Context, o PlanOptions, fn func(*kgo.Record, *letters.Letter) error) error {
	open := 0
	return b.Pick(ctx, o.Picker, func(r *kgo.Record, l *letters.Letter, status letters.Status) error {
		if status.Closed() {
			return nil
		}
		if open++; open > o.Limit {
			return &config.FlagError{Err: fmt.Errorf("more than %d letters fit: narrow the filters or raise --limit; a part of them would leave users' events out of order", o.Limit)}
		}
		return fn(r, l)
	})
}

// candidatesOf returns candidates for the open letters that are picked.
func (b *redriver) candidatesOf(ctx context.Context, o PlanOptions) ([]*candidate, error) {
	var list []*candidate
	err := b.pickOpen(ctx, o, func(r *kgo.Record, l *letters.Letter) error {
		c, err := b.candidate(ctx, topics.CloneRecord(r), l, b.destinationFor(l, o.To))
		list = append(list, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, b.complete(ctx, list)
}

// planDiscard plans to discard the letters that the filter picks, whatever their events are.
func (b *redriver) planDiscard(ctx context.Context, plan *letters.Plan, out *planOutput, o PlanOptions) error {
	err := b.pickOpen(ctx, o, func(r *kgo.Record, l *letters.Letter) error {
		p := b.toDiscard(l, o.To)
		plan.Letters = append(plan.Letters, p)
		if o.Quiet {
			return nil
		}
		c := &candidate{letter: *l, destination: p.Destination, original: letters.Original(r, l)}
		return b.show(o, rehearsed(c, p, nil))
	})
	if err != nil {
		return err
	}
	b.sum(plan)
	return b.writePlan(plan, out)
}

// destinationsOf returns the configured destinations of the candidates.
func destinationsOf(list []*candidate, cfg *config.Config) []string {
	names := map[string]bool{}
	for _, c := range list {
		if _, known := cfg.Destination(c.destination); known {
			names[c.destination] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// sum prints a plan's verdicts and their numbers in one line.
func (b *redriver) sum(plan *letters.Plan) {
	counts := plan.Count()
	var texts []string
	for _, v := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%d %s", counts[v], v))
	}
	output.Printf(b.out, "%s: %s\n", output.Count(len(plan.Letters), "letter"), cmp.Or(strings.Join(texts, ", "), "none is open that the filters pick"))
}

func (b *redriver) writePlan(plan *letters.Plan, out *planOutput) error {
	if out == nil {
		return nil
	}
	if err := out.write(plan); err != nil {
		return err
	}
	output.Printf(b.Notes, "plan %s written to %s\n", plan.ID, out.path)
	return nil
}

// finish prints and writes the plan, also when err kept it from being finished.
func (b *redriver) finish(p *letterPlanner, err error) error {
	if err == nil {
		b.sum(p.plan)
		return b.writePlan(p.plan, p.out)
	}
	done := len(p.plan.Letters) - p.plan.Count()[letters.Unplanned]
	reason := err.Error()
	if errors.Is(err, context.Canceled) || errors.Is(err, sink.ErrInterrupted) {
		reason = "interrupted"
	}
	err = fmt.Errorf("%s: %d of %s planned", reason, done, output.Count(len(p.plan.Letters), "letter"))
	if done == 0 {
		return err
	}
	b.sum(p.plan)
	if p.options.Show != nil {
		return err // and the plan goes to who has asked for it
	}
	if p.out == nil {
		return fmt.Errorf("%w, and no file was given to write that to (-o)", err)
	}
	if failed := b.writePlan(p.plan, p.out); failed != nil {
		return errors.Join(err, failed)
	}
	return fmt.Errorf("%w; complete it with: deskstream dlq plan -c FILE --continue %s", err, p.out.path)
}
