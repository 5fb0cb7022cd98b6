package main

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

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// redelivery is one run of dlq apply.
type redelivery struct {
	ctx       context.Context // of the whole run: it ends with a stop, or when the group is lost
	box       *letterBox
	plan      planFile
	planned   map[string]*letters.Planned
	rehearsal *rehearsal
	held      *locked
	options   dlqApplyOptions
	client    *kgo.Client
	writers   map[string]*topics.Writer
	found     map[string]topicInfo

	mu     sync.Mutex
	cancel context.CancelCauseFunc // stops what has not begun
	counts tallyOfLetters
	stuck  map[laneKey]bool // lanes with a letter that was left open
	open   map[*sink.Session]bool
	// twins are letters whose record has another one in the plan, by that other one's id.
	twins map[string][]*candidate
	total int
	began time.Time
	// watched is set once the canaries are through.
	watched bool
}

func newRedelivery(ctx context.Context, box *letterBox, plan planFile, rehearsal *rehearsal, held *locked, o dlqApplyOptions) (*redelivery, error) {
	names := []string{box.cfg.Responses.Topic, box.cfg.DeadLetters.Topic}
	found, err := askForTopics(ctx, box.cl, names)
	if err == nil {
		err = errors.Join(found.need(box.cfg.Responses.Topic, kmsg.ACLOperationRead, kmsg.ACLOperationWrite),
			found.need(box.cfg.DeadLetters.Topic, kmsg.ACLOperationWrite))
	}
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, there := found.topics[name]; !there {
			return nil, fmt.Errorf("topic %s does not exist: create it or run with --create-topics", name)
		}
	}
	if err := box.book.prepareOutcomes(ctx, box.cfg, contactTimeout, box.app.log); err != nil {
		return nil, err
	}
	// The bound of a batch is left to the broker, and Writer makes smaller what it refuses.
	client, err := box.connect(ctx, topics.LargeOptions()...)
	if err != nil {
		return nil, err
	}
	r := &redelivery{
		box: box, plan: plan, planned: map[string]*letters.Planned{}, rehearsal: rehearsal, held: held, options: o,
		client: client, writers: map[string]*topics.Writer{}, found: found.topics, stuck: map[laneKey]bool{}, twins: map[string][]*candidate{},
		open: map[*sink.Session]bool{},
	}
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	for i := range plan.Letters {
		r.planned[plan.Letters[i].ID] = &plan.Letters[i]
	}
	for name := range held.members {
		d, _ := destinationOf(box.cfg, name)
		settings := processorConfig(box.cfg, d, found).Writer
		settings.Encode = box.book.encode
		r.writers[name] = topics.NewWriter(settings, client, box.app.log.With("destination", name))
	}
	return r, nil
}

func (r *redelivery) close() {
	r.cancel(nil)
	r.client.Close()
}

// The letters of the first two stages.
var canary = []int{1, 10}

// run applies the letters stage by stage and gives the error that the command ends with.
func (r *redelivery) run(list []*candidate) error {
	open, err := r.sort(list)
	if err != nil {
		return err
	}
	r.total, r.began = len(open), time.Now()
	for _, twins := range r.twins {
		r.total += len(twins)
	}
	stop := startProgress(r.box.app.stderr, r.progress)
	for i, stage := range stages(open) {
		last := i == len(canary)
		r.mu.Lock()
		r.watched = last
		r.mu.Unlock()
		r.stage(stage)
		r.check()
		if r.ctx.Err() != nil {
			break
		}
		if !last && len(stage) > 0 {
			r.box.app.log.Info("canary passed", "letters", len(stage))
		}
	}
	stop()
	return r.conclude()
}

// sort takes out what needs no sending and repairs states that an earlier apply, killed
// between an outcome and its state, left out.
func (r *redelivery) sort(list []*candidate) ([]*candidate, error) {
	var open []*candidate
	firsts := firstLetters{}
	for _, c := range list {
		p := r.planned[c.letter.ID]
		switch {
		case c.applied != "":
			if err := r.settle(r.ctx, c, letters.Status(c.applied)); err != nil {
				return nil, err
			}
			r.counts.repaired++
		case !p.Verdict.Applies():
		case c.delivered, c.superseded && !r.plan.Superseded:
			r.tell(c, "its event was delivered, or a later identify of its user, since the plan was made")
			r.counts.overtaken++
		case c.round > r.options.maxRounds:
			r.tell(c, fmt.Sprintf("it was sent again %d times: --max-rounds", c.letter.Round))
			r.counts.overtaken++
		case firsts.of(c) != nil:
			id := firsts.of(c).letter.ID
			r.twins[id] = append(r.twins[id], c)
		default:
			firsts.add(c)
			if r.box.states.Status(c.letter.ID) == letters.Sending {
				r.counts.again++
			}
			open = append(open, c)
		}
	}
	return open, nil
}

// stages parts the letters into canaries and the rest. Each user's letters stay in
// order over all stages; canaries are of as many users and causes as there are.
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
	lanes := map[string]*lanes{}
	for name := range r.held.members {
		lanes[name] = newLanes(openPerDestination)
	}
	for _, c := range list {
		if r.ctx.Err() != nil {
			break
		}
		lane := ""
		if c.lane != "" {
			lane = fmt.Sprint(c.original.Topic, "/", c.original.Partition, "/", c.lane)
		}
		lanes[c.destination].submit(lane, func() { r.send(c) })
	}
	for _, l := range lanes {
		l.wait()
	}
}

func (r *redelivery) count(add func(*tallyOfLetters)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add(&r.counts)
}

// errTooManyFailed stops a run by --max-fail.
var errTooManyFailed = errors.New("too many letters failed")

// fail counts a failure. Behind the canaries it stops the run when there are too many.
func (r *redelivery) fail(add func(*tallyOfLetters)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add(&r.counts)
	if r.watched {
		r.compare()
	}
}

// check stops the run behind a stage that failed too often.
func (r *redelivery) check() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.compare()
}

func (r *redelivery) compare() {
	if failed, sent := r.counts.failed(), r.counts.sent(); float64(failed) > r.options.maxFail*float64(sent) {
		r.cancel(fmt.Errorf("%w: %d of %d sent, which is more than --max-fail", errTooManyFailed, failed, sent))
	}
}

// stopped counts a letter that was left open by an end of the run.
func (r *redelivery) stopped(c *candidate, err error) bool {
	r.count(func(t *tallyOfLetters) { t.interrupted++ })
	switch {
	case errors.Is(err, sink.ErrHeld):
		r.cancel(fmt.Errorf("%s holds beyond retry.max_elapsed", c.destination))
	case !errors.Is(err, sink.ErrInterrupted):
		r.cancel(err)
	}
	return false
}

// tell says why a letter was left open, or that it died.
func (r *redelivery) tell(c *candidate, why string) {
	fmt.Fprintf(r.box.app.stderr, "letter %s of %s: %s\n", c.letter.ID, oneLine(c.destination), oneLine(why))
}
