package redrive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/cluster"
	"github.com/deskstream/deskstream/internal/lanes"
	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
	"github.com/deskstream/deskstream/sink/topics"
)

// redelivery is one run of Apply.
type redelivery struct {
	ctx       context.Context // of the whole run: it ends with a stop, or when the group is lost
	box       *redriver
	plan      planFile
	rehearsal *rehearsal
	held      *locked
	options   ApplyOptions
	client    *kgo.Client
	writers   map[string]*topics.Writer
	found     map[string]cluster.Topic

	warnOfKeys sync.Once

	mu     sync.Mutex
	cancel context.CancelCauseFunc // stops what has not begun
	counts tallyOfLetters
	stuck  map[laneKey]bool // lanes with a letter that was left open
	open   map[*sink.Session]bool
	// twins are other letters of the same record, by the letter that is sent.
	twins map[*candidate][]*candidate
	total int
	began time.Time
	// part is the stage that is sent, from 0 up, and size how many letters it has.
	part, size int
	// watched is set when the canaries have passed.
	watched bool
}

func newRedelivery(ctx context.Context, box *redriver, plan planFile, rehearsal *rehearsal, held *locked) (*redelivery, error) {
	names := []string{box.Config.Responses.Topic, box.Config.DeadLetters.Topic}
	if keys := held.keysTopic(box.Config); keys != "" {
		names = append(names, keys)
	}
	found, err := cluster.Find(ctx, box.Client, names)
	if err == nil {
		err = found.Need(box.Config.Responses.Topic, kmsg.ACLOperationRead)
	}
	for _, name := range names {
		err = errors.Join(err, found.Need(name, kmsg.ACLOperationWrite))
	}
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, there := found.Topics[name]; !there {
			return nil, fmt.Errorf("topic %s does not exist: create it or run with --create-topics", name)
		}
	}
	if err := box.Codec.PrepareOutcomes(ctx, cluster.ContactTimeout); err != nil {
		return nil, err
	}
	// The broker limits the size of a batch, and Writer shortens what it refuses.
	client, err := box.Connect(ctx, topics.LargeOptions()...)
	if err != nil {
		return nil, err
	}
	r := &redelivery{
		box: box, plan: plan, rehearsal: rehearsal, held: held,
		client: client, writers: map[string]*topics.Writer{}, found: found.Topics, stuck: map[laneKey]bool{}, twins: map[*candidate][]*candidate{},
		open: map[*sink.Session]bool{},
	}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	for name := range held.members {
		d, _ := box.Config.Destination(name)
		settings := wiring.ProcessorConfig(box.Config, d, found).Writer
		settings.Encode = box.Codec.Encode
		r.writers[name] = topics.NewWriter(settings, client, box.Log.With("destination", name))
	}
	return r, nil
}

func (r *redelivery) close() {
	r.cancel(nil)
	r.client.Close()
}

// The letters of the first two stages.
var canary = []int{1, 10}

// run sends the letters stage by stage. Its error is nil when none was left open.
func (r *redelivery) run(list []*candidate) error {
	open, err := r.sort(list)
	if err != nil {
		return err
	}
	r.total, r.began = len(open), time.Now()
	for _, twins := range r.twins {
		r.total += len(twins)
	}
	if r.options.Watch != nil {
		r.options.Watch(r.now)
	}
	stop := output.Progress(r.box.Notes, r.progress)
	for i, stage := range stages(open) {
		last := i == len(canary)
		r.mu.Lock()
		r.watched, r.part, r.size = last, i, len(stage)
		r.mu.Unlock()
		r.stage(stage)
		r.check()
		if r.ctx.Err() != nil {
			break
		}
		if !last && len(stage) > 0 {
			r.box.Log.Info("canary passed", "letters", len(stage))
		}
	}
	stop()
	return r.conclude()
}

// sort returns the letters to send. It writes states that an earlier run could not write,
// because it was killed between an outcome and its state.
func (r *redelivery) sort(list []*candidate) ([]*candidate, error) {
	var open []*candidate
	firsts := firstLetters{}
	for _, c := range list {
		switch {
		case c.applied != "":
			there := *c
			there.destination = c.appliedAt
			if err := r.settle(r.ctx, &there, letters.Status(c.applied)); err != nil {
				return nil, err
			}
			r.counts.repaired++
		case !c.planned.Verdict.Applies():
		case c.delivered, c.superseded && !r.plan.Superseded:
			r.report(c, "its event was delivered, or a later identify of its user, since the plan was made")
			r.counts.overtaken++
		case c.round > r.options.MaxRounds:
			r.report(c, fmt.Sprintf("it was sent again %d times: --max-rounds", c.letter.Round))
			r.counts.overtaken++
		case firsts.of(c) != nil:
			first := firsts.of(c)
			r.twins[first] = append(r.twins[first], c)
		default:
			firsts.add(c)
			if r.box.StatusOf(&c.letter) == letters.Sending {
				r.counts.again++
			}
			open = append(open, c)
		}
	}
	return open, nil
}

// stages divides the letters into canaries and the rest. Each user's letters stay in order
// over all stages; canaries are from as many users and causes as possible.
func stages(list []*candidate) [][]*candidate {
	place := map[*candidate][2]int{} // its place in its lane, and among those of its cause
	inLane, inCause := map[laneKey]int{}, map[string]int{}
	for _, c := range list {
		rank := 0
		if key, ok := c.laneKey(); ok {
			rank = inLane[key]
			inLane[key]++
		}
		cause := fmt.Sprint(rank, c.letter.Fingerprint)
		place[c] = [2]int{rank, inCause[cause]}
		inCause[cause]++
	}
	first := slices.Clone(list)
	slices.SortStableFunc(first, func(a, b *candidate) int {
		x, y := place[a], place[b]
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]))
	})
	var parts [][]*candidate
	early := map[*candidate]bool{}
	for _, size := range canary {
		size = min(size, len(first))
		for _, c := range first[:size] {
			early[c] = true
		}
		parts = append(parts, first[:size])
		first = first[size:]
	}
	rest := slices.DeleteFunc(slices.Clone(list), func(c *candidate) bool { return early[c] })
	return append(parts, rest)
}

// stage sends letters, of each destination as many at a time as the destination takes.
func (r *redelivery) stage(list []*candidate) {
	queues := map[string]*lanes.Queue{}
	for name := range r.held.members {
		queues[name] = lanes.New(lanes.MaxOpen)
	}
	for _, c := range list {
		if r.ctx.Err() != nil {
			break
		}
		lane := ""
		if c.lane != "" {
			lane = fmt.Sprint(c.original.Topic, "/", c.original.Partition, "/", c.lane)
		}
		queues[c.destination].Submit(lane, func() { r.send(c) })
	}
	for _, l := range queues {
		l.Wait()
	}
}

func (r *redelivery) count(add func(*tallyOfLetters)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add(&r.counts)
}

// errTooManyFailed stops a run by --max-fail.
var errTooManyFailed = errors.New("too many letters failed")

// fail counts a failure. After the canaries it stops the run when there are too many.
func (r *redelivery) fail(add func(*tallyOfLetters)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add(&r.counts)
	if r.watched {
		r.compare()
	}
}

// check stops the run after a stage with too many failures.
func (r *redelivery) check() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.compare()
}

func (r *redelivery) compare() {
	if failed, sent := r.counts.failed(), r.counts.sent(); float64(failed) > r.options.MaxFail*float64(sent) {
		r.cancel(fmt.Errorf("%w: %d of %d sent, which is more than --max-fail", errTooManyFailed, failed, sent))
	}
}

// stopped counts a letter that was left open because the run ends.
func (r *redelivery) stopped(c *candidate, err error) bool {
	r.count(func(t *tallyOfLetters) { t.interrupted++ })
	if held, ok := errors.AsType[*hold.Error](err); ok {
		r.cancel(fmt.Errorf("%s was on hold for longer than retry.max_elapsed: %s", c.destination, held.Why))
	} else if !errors.Is(err, sink.ErrInterrupted) {
		r.cancel(err)
	}
	return false
}

// report notes why a letter was left open, or that it died.
func (r *redelivery) report(c *candidate, why string) {
	output.Printf(r.box.Notes, "letter %s of %s: %s\n", c.letter.ID, c.destination, why)
}
