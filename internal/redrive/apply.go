package redrive

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/config"
	"github.com/deskstream/deskstream/internal/file"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink/traces"
)

// ApplyOptions say when Apply leaves out letters, and when it stops.
type ApplyOptions struct {
	// MaxFail is the share of the letters sent that may fail, 0 to 1.
	MaxFail float64
	// MaxRounds is how often a letter may be sent.
	MaxRounds int
	// CreateTopics creates the topic of states if it is missing.
	CreateTopics bool
	// JSON prints the sum as a document.
	JSON bool
	// Traces is where the traces of letters go; nil: nowhere.
	Traces traces.Source
	// Watch gets, before the first letter is sent, what returns how far the apply is; nil: nobody asks.
	Watch func(now func() Progress)
}

// Apply sends the letters of the plan in a file. Its error is nil when every letter that the
// plan sends was delivered or settled.
func Apply(ctx context.Context, d Deployment, path string, o ApplyOptions) error {
	plan, err := readPlanFile(path)
	if err != nil {
		return err
	}
	return apply(ctx, d, plan, o)
}

// ApplyPlan is Apply for a plan in memory, which it does not change.
func ApplyPlan(ctx context.Context, d Deployment, plan *letters.Plan, o ApplyOptions) error {
	return apply(ctx, d, planFile{Plan: plan}, o)
}

func apply(ctx context.Context, d Deployment, plan planFile, o ApplyOptions) error {
	if plan.Count()[letters.Discard] > 0 {
		return refused("it was made with --discard, for dlq discard, and sends nothing")
	}
	box, err := openPlan(ctx, d, plan)
	if err != nil {
		return err
	}
	defer box.Close()
	if err := box.needStates(ctx, o.CreateTopics); err != nil {
		return err
	}
	if left := plan.Count()[letters.Unplanned]; left > 0 {
		box.Note("%s of the plan not planned yet, and not sent: complete it%s", output.Count(left, "letter"), plan.command())
	}
	names := plan.destinations(letters.Verdict.Applies)
	held, err := box.lock(ctx, names)
	if err != nil {
		return err
	}
	defer held.leave()
	rehearsal, err := newRehearsal(held.ctx, d.Config, names, wiring.Options{Remember: applyRemembers}, d.Log)
	if err != nil {
		return err
	}
	defer rehearsal.close()
	list, err := box.candidates(held.ctx, plan)
	if err == nil {
		err = box.tellTaken(held.ctx, list, rehearsal.ways)
	}
	if err != nil {
		return err
	}
	r, err := newRedelivery(held.ctx, box, plan, rehearsal, held)
	if err != nil {
		return err
	}
	defer r.close()
	r.options = o
	return r.run(list)
}

// planFile is a plan that was read from a file.
type planFile struct {
	*letters.Plan

	path string // "" for one in memory
}

// command says how the plan is completed, "" for one in memory.
func (p planFile) command() string {
	if p.path == "" {
		return ""
	}
	return " with dlq plan --continue " + p.path
}

// destinations returns the destinations of the letters whose verdicts fit.
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
		return planFile{}, &config.UsageError{Err: fmt.Errorf("reading the plan: %w", err)}
	}
	plan, err := letters.ReadPlan(text)
	if err != nil {
		return planFile{}, &config.UsageError{Err: fmt.Errorf("the plan %s is refused: %w", path, err)}
	}
	return planFile{plan, path}, nil
}

// applyRemembers is how long Apply uses the answer to a lookup: as long as run remembers an
// id.
const applyRemembers = 10 * time.Minute

// openPlan opens the letters of a plan, or returns why the plan cannot be used.
func openPlan(ctx context.Context, d Deployment, plan planFile) (*redriver, error) {
	if plan.Group != d.Config.Source.Group {
		return nil, refused("it is of source.group %s, the configuration has %s", plan.Group, d.Config.Source.Group)
	}
	for _, name := range plan.destinations(letters.Verdict.Applies) {
		if _, known := d.Config.Destination(name); !known {
			return nil, refused("it sends to %s, which the configuration does not have", name)
		}
	}
	box, err := d.open(ctx, plan.Topic)
	if err != nil {
		return nil, err
	}
	if err := box.fits(plan); err != nil {
		box.Close()
		return nil, err
	}
	return box, nil
}

func refused(format string, args ...any) error {
	return &config.UsageError{Err: fmt.Errorf("the plan is refused: "+format, args...)}
}

// fits returns an error when the plan is for another cluster or topic.
func (b *redriver) fits(plan planFile) error {
	switch {
	case plan.Cluster != b.Cluster:
		return refused("it is of cluster %q, this is %q", plan.Cluster, b.Cluster)
	case plan.TopicID != hex.EncodeToString(b.TopicID[:]):
		return refused("topic %s has been deleted and recreated: plan again", b.Topic)
	}
	return nil
}

// needStates checks that the topic of states exists, or creates it.
func (b *redriver) needStates(ctx context.Context, create bool) error {
	switch {
	case b.StatePartitions > 0:
		return b.Topology.Need(b.StateTopic, kmsg.ACLOperationWrite)
	case !create:
		return fmt.Errorf("topic %s does not exist, and without it nobody could know what was sent: create it with cleanup.policy=compact, or use --create-topics", b.StateTopic)
	}
	found, err := cluster.CreateMissing(ctx, b.Client, []cluster.NewTopic{{
		Name: b.StateTopic, Partitions: int32(len(b.Extent.Spans)), Settings: cluster.StateSettings(),
	}}, b.Log)
	b.StatePartitions = found.Topics[b.StateTopic].Partitions
	return err
}

// locked holds the groups whose only member is this process.
type locked struct {
	ctx     context.Context // ends when one is lost
	cancel  context.CancelCauseFunc
	members map[string]*processor.SoleMember // by destination
	watch   sync.WaitGroup
}

// lock makes this process the only one that sends letters to the destinations. It returns an
// error when another process does.
func (b *redriver) lock(ctx context.Context, destinations []string) (*locked, error) {
	l := &locked{members: map[string]*processor.SoleMember{}}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	opts, err := cluster.Options(b.Config)
	if err != nil {
		return nil, &config.UsageError{Err: err}
	}
	for _, name := range destinations {
		d, _ := b.Config.Destination(name)
		group := b.Config.Group(d) + ".reprocess"
		err := cluster.CheckGroup(ctx, b.Client, config.ProtocolClassic, group) // without the right, joining would wait until its timeout
		var member *processor.SoleMember
		if err == nil {
			member, err = processor.JoinAlone(ctx, group, b.Topic, b.Log, opts...)
		}
		if err != nil {
			l.leave()
			if errors.Is(err, processor.ErrNotAlone) {
				err = fmt.Errorf("letters of %s are being sent by another process: %w", name, err)
			}
			return nil, err
		}
		l.members[name] = member
		l.watch.Go(func() {
			select {
			case <-member.Lost():
				l.cancel(fmt.Errorf("this process was removed from group %s and stops: run apply again", group))
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
