package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
)

// Defaults of plan and apply.
const (
	defaultMaxRounds = 5
	// planLimit bounds the letters of one plan, which are all kept in memory: a part of
	// those that fit the filters would tear users' events apart.
	planLimit = 20_000
)

type dlqPlanOptions struct {
	topic, to, out string
	unfinished     string // the plan to go on with
	discard        bool
	superseded     bool
	quiet          bool
	maxRounds      int
	limit          int
	filter         letters.Filter
}

func newDLQPlanCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan -c FILE [FILTERS] -o PLAN",
		Short: "Shows what sending dead letters again would do, and sends nothing",
		Long: `plan takes the open letters that the filters pick, makes for each the calls that
the present configuration gives, looks ids up, and prints them beside what was sent
then. Letters that would die again are shown with the reason and left out, as are
identifies that a later delivered one of their user has made useless and letters whose
event was delivered since. The plan file holds the letters' ids and digests of what
would be sent, and no event.

Each address is looked up once. Lookups use the reserve of the rate budget, and what live
traffic leaves over. A plan that is interrupted, or whose help desk answers no lookups, is
written as far as it is made: --continue goes on with it.

With --discard the plan is for dlq discard: it takes all letters that the filters pick,
and asks no help desk.`,
		Example: `  deskstream dlq plan -c deskstream.yaml --code contact_not_found -o plan.json
  deskstream dlq plan -c deskstream.yaml --continue plan.json
  deskstream dlq plan -c deskstream.yaml --topic orders-dlt --to crm -o plan.json
  deskstream dlq plan -c deskstream.yaml --discard --class invalid -o hopeless.json`,
		Args: cobra.NoArgs,
	}
	path, filter := configFlag(cmd), addFilterFlags(cmd)
	var o dlqPlanOptions
	flags := cmd.Flags()
	topic := topicFlag(cmd)
	flags.StringVarP(&o.out, "output", "o", "", "write the plan to this `file`; without it the plan is only shown")
	flags.StringVar(&o.unfinished, "continue", "", "go on with this unfinished `plan`, and write it again")
	flags.BoolVar(&o.discard, "discard", false, "plan to discard the letters: no help desk is asked")
	flags.StringVar(&o.to, "to", "", "the `destination` for letters of other programs, which name none")
	flags.BoolVar(&o.superseded, "superseded", false, "send superseded identifies too")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "print the summary only")
	flags.IntVar(&o.maxRounds, "max-rounds", defaultMaxRounds, "leave out letters that were sent again this often")
	flags.IntVar(&o.limit, "limit", planLimit, "refuse to plan for more letters than this")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		if o.filter, err = filter.read(); err != nil {
			return err
		}
		if _, known := destinationOf(cfg, o.to); o.to != "" && !known {
			return usageError{fmt.Errorf("no destination is called %q in the configuration", o.to)}
		}
		o.topic = *topic
		if o.unfinished == "" {
			return a.planLetters(cmd.Context(), cfg, o)
		}
		for _, name := range append(filter.names(), "topic", "to", "superseded", "limit", "discard") {
			if flags.Changed(name) {
				return usageError{fmt.Errorf("--%s does not go with --continue: the plan has its letters", name)}
			}
		}
		return a.continuePlan(cmd.Context(), cfg, o)
	}
	return cmd
}

func (a *app) planLetters(ctx context.Context, cfg *config.Config, o dlqPlanOptions) error {
	out, err := openPlanOutput(o.out)
	if err != nil {
		return err
	}
	box, err := a.openLetterBox(ctx, cfg, o.topic)
	if err != nil {
		return err
	}
	defer box.close()
	plan := box.newPlan(o)
	if o.discard {
		return box.planDiscard(ctx, plan, out, o)
	}
	list, err := box.pick(ctx, o)
	if err != nil {
		return err
	}
	inOrder(list)
	if err := box.survey(ctx, list); err != nil {
		return err
	}
	return box.planList(ctx, &letterPlanner{box: box, options: o, plan: plan, out: out}, list)
}

// newPlan is a plan without letters.
func (b *letterBox) newPlan(o dlqPlanOptions) *letters.Plan {
	var id [8]byte
	_, _ = rand.Read(id[:]) // it never fails
	return &letters.Plan{
		ID: hex.EncodeToString(id[:]), Created: time.Now().UTC(), Version: version(),
		Cluster: b.cluster, Topic: b.topic, TopicID: hex.EncodeToString(b.id[:]),
		Group: b.cfg.Source.Group, Superseded: o.superseded, Letters: []letters.Planned{},
	}
}

// planList plans letters with a planner that knows what it is for.
func (b *letterBox) planList(ctx context.Context, p *letterPlanner, list []*candidate) error {
	p.looks = newLookupClock(len(list))
	opts := wireOptions{remember: untilItEnds, observe: p.looks.count}
	rehearsal, err := newRehearsal(b.cfg, destinationsOf(list, b.cfg), opts, b.app.log)
	if err != nil {
		return err
	}
	defer rehearsal.close()
	p.rehearsal, p.looks.ways = rehearsal, rehearsal.ways
	p.busy, p.stuck, p.again = map[laneKey]bool{}, map[laneKey]bool{}, map[laneKey]bool{}
	p.firsts, p.drafts = firstLetters{}, map[*candidate]*draft{}
	b.noteDoubts(list)
	stop := startProgress(b.app.stderr, p.looks.progress)
	err = p.run(ctx, list)
	stop()
	return b.finish(p, err)
}

// eachOpen calls fn with the open letters that the filter picks, each once.
func (b *letterBox) eachOpen(ctx context.Context, o dlqPlanOptions, fn func(*kgo.Record, *letters.Letter) error) error {
	if err := b.narrow(ctx, o.filter); err != nil {
		return err
	}
	if err := b.readStates(ctx); err != nil {
		return err
	}
	seen := map[string]bool{}
	return b.read(ctx, func(r *kgo.Record, l *letters.Letter) error {
		if !o.filter.Match(l) || seen[l.ID] || b.states.Status(l.ID).Closed() {
			return nil
		}
		if len(seen) == o.limit {
			return usageError{fmt.Errorf("more than %d letters fit: narrow the filters or raise --limit; a part of them would leave users' events out of order", o.limit)}
		}
		seen[l.ID] = true
		return fn(r, l)
	})
}

// pick makes candidates of the open letters that the filter picks.
func (b *letterBox) pick(ctx context.Context, o dlqPlanOptions) ([]*candidate, error) {
	var list []*candidate
	err := b.eachOpen(ctx, o, func(r *kgo.Record, l *letters.Letter) error {
		c, err := b.candidate(ctx, cloneRecord(r), l, o.to)
		list = append(list, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, b.complete(ctx, list)
}

// planDiscard plans to discard the letters that the filter picks. Nothing of their events
// matters for that.
func (b *letterBox) planDiscard(ctx context.Context, plan *letters.Plan, out *planOutput, o dlqPlanOptions) error {
	err := b.eachOpen(ctx, o, func(r *kgo.Record, l *letters.Letter) error {
		p := letters.Planned{ID: l.ID, Partition: r.Partition, Offset: r.Offset, Destination: l.Destination, Verdict: letters.Discard}
		if l.Dialect != letters.Own {
			p.Destination = o.to
		}
		plan.Letters = append(plan.Letters, p)
		if o.quiet {
			return nil
		}
		c := &candidate{letter: *l, destination: p.Destination, original: letters.Original(r, l)}
		_, err := io.WriteString(b.app.stdout, describePlanned(c, &p, nil))
		return err
	})
	if err != nil {
		return err
	}
	b.sum(plan)
	return b.writePlan(plan, out)
}

// destinationsOf are the configured destinations of the candidates.
func destinationsOf(list []*candidate, cfg *config.Config) []string {
	names := map[string]bool{}
	for _, c := range list {
		if _, known := destinationOf(cfg, c.destination); known {
			names[c.destination] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// sum prints what a plan is in one line.
func (b *letterBox) sum(plan *letters.Plan) {
	counts := plan.Count()
	var texts []string
	for _, v := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%d %s", counts[v], v))
	}
	fmt.Fprintf(b.app.stdout, "%s: %s\n", count(len(plan.Letters), "letter"), orElse(strings.Join(texts, ", "), "none is open that the filters pick"))
}

func (b *letterBox) writePlan(plan *letters.Plan, out *planOutput) error {
	if out == nil {
		return nil
	}
	if err := out.write(plan); err != nil {
		return err
	}
	fmt.Fprintf(b.app.stderr, "plan %s written to %s\n", plan.ID, out.path)
	return nil
}

// finish says what the plan is and writes it, also when it is not finished because of err.
func (b *letterBox) finish(p *letterPlanner, err error) error {
	if err == nil {
		b.sum(p.plan)
		return b.writePlan(p.plan, p.out)
	}
	done := len(p.plan.Letters) - p.plan.Count()[letters.Unplanned]
	reason := err.Error()
	if errors.Is(err, context.Canceled) || errors.Is(err, sink.ErrInterrupted) {
		reason = "interrupted"
	}
	err = fmt.Errorf("%s: %d of %s planned", reason, done, count(len(p.plan.Letters), "letter"))
	if done == 0 {
		return err
	}
	b.sum(p.plan)
	if p.out == nil {
		return fmt.Errorf("%w, and no file was given to write that to (-o)", err)
	}
	if failed := b.writePlan(p.plan, p.out); failed != nil {
		return errors.Join(err, failed)
	}
	return fmt.Errorf("%w; go on with: deskstream dlq plan -c FILE --continue %s", err, p.out.path)
}
