package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/cmd/deskstream/config"
	"github.com/deskstream/deskstream/internal/file"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/scan"
	"github.com/deskstream/deskstream/processor"
)

type dlqApplyOptions struct {
	maxFail      float64
	maxRounds    int
	createTopics bool
}

func newDLQApplyCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "apply -c FILE PLAN",
		Short: "Sends the dead letters of a plan again",
		Long: `apply sends the letters of a plan: one first, then ten, then the rest, and stops when
more than --max-fail of them fail. Each is mapped and looked up again before; where that
gives something else than the plan, the letter is left open. Letters of one user go in
their original order, one at a time. Calls use the reserve of the rate budget, and what
live traffic leaves over. Each result is an outcome on the responses topic, and what
became of the letter is on the topic of states. A letter that dies again gets a new one,
with its first origin.

It may be stopped and run again: what was sent is not sent again, except for a call that
was in the air when the process was killed. There is one apply per destination at a time.

Exit code 0: every letter that the plan sends is delivered or settled. 1: some are not,
and why is on standard error.`,
		Example: `  deskstream dlq apply -c deskstream.yaml plan.json
  deskstream dlq apply -c deskstream.yaml --max-fail 0.5 plan.json`,
		Args: cobra.ExactArgs(1),
	}
	path := configFlag(cmd)
	var o dlqApplyOptions
	flags := cmd.Flags()
	flags.Float64Var(&o.maxFail, "max-fail", 0.1, "stop when more than this share fails, 0 to 1")
	flags.IntVar(&o.maxRounds, "max-rounds", defaultMaxRounds, "leave out letters that were sent again this often")
	flags.BoolVar(&o.createTopics, "create-topics", false, "create the topic of states if it is missing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.maxFail < 0 || o.maxFail > 1 {
			return usageError{errors.New("--max-fail takes a share from 0 to 1")}
		}
		cfg, err := a.loadConfig(*path)
		if err != nil {
			return err
		}
		return a.applyPlan(cmd.Context(), cfg, args[0], o)
	}
	return cmd
}

func (a *app) applyPlan(ctx context.Context, cfg *config.Config, path string, o dlqApplyOptions) error {
	plan, err := readPlanFile(path)
	if err != nil {
		return err
	}
	if plan.Count()[letters.Discard] > 0 {
		return refused("it was made with --discard, for dlq discard, and sends nothing")
	}
	box, err := a.openPlan(ctx, cfg, plan)
	if err != nil {
		return err
	}
	defer box.close()
	if err := box.needStates(ctx, o.createTopics); err != nil {
		return err
	}
	if left := plan.Count()[letters.Unplanned]; left > 0 {
		box.note("%s of the plan not planned yet, and not sent: go on with dlq plan --continue %s", count(left, "letter"), path)
	}
	names := plan.destinations(letters.Verdict.Applies)
	held, err := box.lock(ctx, names)
	if err != nil {
		return err
	}
	defer held.leave()
	rehearsal, err := newRehearsal(cfg, names, wireOptions{remember: applyRemembers}, a.log)
	if err != nil {
		return err
	}
	defer rehearsal.close()
	list, err := box.candidates(held.ctx, plan)
	if err != nil {
		return err
	}
	r, err := newRedelivery(held.ctx, box, plan, rehearsal, held, o)
	if err != nil {
		return err
	}
	defer r.close()
	return r.run(list)
}

// planFile is a plan as a command uses it.
type planFile struct{ *letters.Plan }

// destinations are those of the plan's letters with verdicts that fit.
func (p planFile) destinations(fits func(letters.Verdict) bool) []string {
	var names []string
	for i := range p.Letters {
		if l := &p.Letters[i]; fits(l.Verdict) && l.Destination != "" {
			names = append(names, l.Destination)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// maxPlanFile is the size in bytes of the largest plan: 20,000 letters take about 8 MiB.
const maxPlanFile = 256 << 20

func readPlanFile(path string) (planFile, error) {
	text, err := file.ReadInput(context.Background(), path, maxPlanFile)
	if err != nil {
		return planFile{}, &exitError{Code: exitUsage, Err: fmt.Errorf("reading the plan: %w", err)}
	}
	plan, err := letters.ReadPlan(text)
	if err != nil {
		return planFile{}, &exitError{Code: exitUsage, Err: fmt.Errorf("the plan %s is refused: %w", path, err)}
	}
	return planFile{plan}, nil
}

// applyRemembers is for how long apply takes the answer to a lookup for what the help desk
// holds: as long as run remembers an id.
const applyRemembers = 10 * time.Minute

// openPlan opens the letters that a plan is of, or says why the plan cannot be used.
func (a *app) openPlan(ctx context.Context, cfg *config.Config, plan planFile) (*letterBox, error) {
	if plan.Group != cfg.Source.Group {
		return nil, refused("it is of source.group %s, the configuration has %s", plan.Group, cfg.Source.Group)
	}
	for _, name := range plan.destinations(letters.Verdict.Applies) {
		if _, known := destinationOf(cfg, name); !known {
			return nil, refused("it sends to %s, which the configuration does not have", name)
		}
	}
	box, err := a.openLetterBox(ctx, cfg, plan.Topic)
	if err != nil {
		return nil, err
	}
	if err := box.fits(plan); err != nil {
		box.close()
		return nil, err
	}
	return box, nil
}

func refused(format string, args ...any) error {
	return &exitError{Code: exitUsage, Err: fmt.Errorf("the plan is refused: "+format, args...)}
}

// fits checks the plan against the cluster.
func (b *letterBox) fits(plan planFile) error {
	switch {
	case plan.Cluster != b.cluster:
		return refused("it is of cluster %q, this is %q", plan.Cluster, b.cluster)
	case plan.TopicID != hex.EncodeToString(b.id[:]):
		return refused("topic %s was deleted and made anew since: plan again", b.topic)
	}
	return nil
}

// needStates checks that there is a topic for the states, or creates it.
func (b *letterBox) needStates(ctx context.Context, create bool) error {
	switch {
	case b.statePartitions > 0:
		return b.found.need(b.stateTopic, kmsg.ACLOperationWrite)
	case !create:
		return fmt.Errorf("topic %s does not exist, and without it nobody could tell what was sent: create it with cleanup.policy=compact, or use --create-topics", b.stateTopic)
	}
	found, err := createMissing(ctx, b.cl, []newTopic{{b.stateTopic, int32(len(b.extent.Spans)), stateConfigs()}}, b.app.log)
	b.statePartitions = found.topics[b.stateTopic].partitions
	return err
}

// locked are the groups that an apply is the only member of.
type locked struct {
	ctx     context.Context // ends when one is lost
	cancel  context.CancelCauseFunc
	members map[string]*processor.SoleMember // by destination
	watch   sync.WaitGroup
}

// lock makes this process the only one that sends letters to the destinations.
func (b *letterBox) lock(ctx context.Context, destinations []string) (*locked, error) {
	l := &locked{members: map[string]*processor.SoleMember{}}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	opts, err := kafkaOpts(b.cfg)
	if err != nil {
		return nil, &exitError{Code: exitUsage, Err: err}
	}
	for _, name := range destinations {
		d, _ := destinationOf(b.cfg, name)
		group := b.cfg.Group(d) + ".reprocess"
		err := checkGroup(ctx, b.cl, config.ProtocolClassic, group) // who may not join would wait for it
		var member *processor.SoleMember
		if err == nil {
			member, err = processor.JoinAlone(ctx, group, b.topic, b.app.log, opts...)
		}
		if err != nil {
			l.leave()
			if errors.Is(err, processor.ErrNotAlone) {
				err = fmt.Errorf("letters of %s are being sent by somebody else: %w", name, err)
			}
			return nil, err
		}
		l.members[name] = member
		l.watch.Go(func() {
			select {
			case <-member.Lost():
				l.cancel(fmt.Errorf("group %s went on without this process, which stops: run apply again", group))
			case <-l.ctx.Done():
			}
		})
	}
	return l, nil
}

func (l *locked) leave() {
	l.cancel(nil)
	l.watch.Wait()
	for _, m := range l.members {
		m.Leave()
	}
}

// candidates reads the plan's letters that are open, in the plan's order.
func (b *letterBox) candidates(ctx context.Context, plan planFile) ([]*candidate, error) {
	if err := b.readStates(ctx); err != nil { // behind the lock: another apply may have been first
		return nil, err
	}
	wanted := map[letters.Place]*letters.Planned{}
	extent := scan.Extent{Topic: b.topic, Spans: map[int32]scan.Span{}}
	for i := range plan.Letters {
		p := &plan.Letters[i]
		if b.states.Status(p.ID).Closed() {
			continue
		}
		if p.Offset < b.extent.Spans[p.Partition].From {
			return nil, refused("letter %s has expired since it was made on %s: plan again", p.ID, when(plan.Created))
		}
		wanted[letters.Place{Partition: p.Partition, Offset: p.Offset}] = p
		span, there := extent.Spans[p.Partition]
		if !there {
			span = scan.Span{From: p.Offset}
		}
		extent.Spans[p.Partition] = scan.Span{From: min(span.From, p.Offset), End: max(span.End, p.Offset+1)}
	}
	found := map[string]*candidate{}
	err := scan.Read(ctx, b.connect, func(r *kgo.Record) error {
		p := wanted[letters.Place{Partition: r.Partition, Offset: r.Offset}]
		if p == nil {
			return nil
		}
		l := letters.Parse(r)
		if l.ID != p.ID {
			return refused("letter %s is not where it was: plan again", p.ID)
		}
		c, err := b.candidate(ctx, cloneRecord(r), &l, p.Destination)
		found[p.ID] = c
		return err
	}, extent)
	if err != nil {
		return nil, err
	}
	var list []*candidate
	for i := range plan.Letters {
		p := &plan.Letters[i]
		switch c := found[p.ID]; {
		case c != nil:
			list = append(list, c)
		case !b.states.Status(p.ID).Closed():
			return nil, refused("letter %s is not there any more: plan again", p.ID)
		}
	}
	if err := b.complete(ctx, list); err != nil {
		return nil, err
	}
	return list, b.survey(ctx, list)
}
