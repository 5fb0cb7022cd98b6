package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	total  int
	// watched is set once the canaries are through.
	watched bool
}

// tallyOfLetters counts what became of the letters of an apply.
type tallyOfLetters struct {
	delivered, skipped, died int
	changed                  int // no longer what was planned
	dead                     int // would die, unsent
	exhausted                int // passing failures used up the budget: still open
	behind                   int // behind a letter of the user that was left open
	interrupted              int
	repaired                 int // had an outcome, only the state was missing
	again                    int // were being sent when an earlier apply was ended
	overtaken                int // arrived by themselves since, or were sent too often
}

// sent are those of which a result of sending is known.
func (t *tallyOfLetters) sent() int { return t.delivered + t.skipped + t.died + t.exhausted }

func (t *tallyOfLetters) failed() int { return t.died + t.exhausted }

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
		client: client, writers: map[string]*topics.Writer{}, found: found.topics, stuck: map[laneKey]bool{},
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
	r.total = len(open)
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
		default:
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

// send carries one letter to its end, or leaves it open.
func (r *redelivery) send(c *candidate) {
	key, inLane := c.laneKey()
	r.mu.Lock()
	stuck := inLane && r.stuck[key]
	r.mu.Unlock()
	switch {
	case r.ctx.Err() != nil:
		r.count(func(t *tallyOfLetters) { t.interrupted++ })
	case stuck:
		r.count(func(t *tallyOfLetters) { t.behind++ })
	case !r.trySend(c) && inLane:
		r.mu.Lock()
		r.stuck[key] = true
		r.mu.Unlock()
	}
}

// trySend tells whether the letters of the user behind this one may be sent.
func (r *redelivery) trySend(c *candidate) bool {
	switch fits, dead, err := r.rehearse(c); {
	case err != nil:
		return r.stopped(c, err)
	case dead != "":
		r.tell(c, "it would die again: "+dead)
		r.count(func(t *tallyOfLetters) { t.dead++ })
		return true
	case !fits:
		r.tell(c, "what would be sent is no longer what was planned: plan again")
		r.count(func(t *tallyOfLetters) { t.changed++ })
		return false
	}
	if err := r.settle(r.ctx, c, letters.Sending); err != nil {
		return r.stopped(c, err)
	}
	entry, err := r.deliver(c)
	if err != nil {
		return r.stopped(c, err)
	}
	o := entry.Outcome
	if o.Error != nil && o.Error.Class == sink.Exhausted {
		r.tell(c, "the help desk kept failing, the letter stays open: "+reasonOf(o))
		r.fail(func(t *tallyOfLetters) { t.exhausted++ })
		return false
	}
	if err := r.record(c, entry); err != nil {
		return r.stopped(c, err)
	}
	switch o.Outcome {
	case sink.Delivered:
		r.count(func(t *tallyOfLetters) { t.delivered++ })
	case sink.Skipped:
		r.count(func(t *tallyOfLetters) { t.skipped++ })
	default:
		r.tell(c, "it died again: "+reasonOf(o))
		r.fail(func(t *tallyOfLetters) { t.died++ })
	}
	return true
}

// rehearse plans the letter again and compares: dead says why it would die.
func (r *redelivery) rehearse(c *candidate) (fits bool, dead string, err error) {
	p := r.planned[c.letter.ID]
	mapped, err := r.rehearsal.play(r.ctx, c, sink.PlanOffline)
	if err != nil {
		return false, "", err
	}
	if digestOf(&mapped) != p.Mapped {
		return false, "", nil
	}
	now, err := r.rehearsal.play(r.ctx, c, sink.PlanWithLookup)
	switch {
	case err != nil:
		return false, "", err
	case unanswered(&now):
		// The delivery asks again, waits out a hold and gives up by itself.
		return p.Verdict == letters.Behind, "", nil
	case now.Outcome == sink.Dead:
		return false, reasonOf(&now), nil
	}
	return p.Verdict == letters.Behind || digestOf(&now) == p.Result, "", nil
}

// deliver makes the calls. A stop lets a write in the air get its answer.
func (r *redelivery) deliver(c *candidate) (topics.Entry, error) {
	p := r.rehearsal.ways[c.destination].online
	pass, err := p.dest.Gate().Enter(r.ctx, c.lane)
	if err != nil {
		return topics.Entry{}, err
	}
	s := p.dest.Session(pass, sink.Stop{Soft: r.ctx, Hard: r.ctx, Await: r.held.members[c.destination].Await})
	s.Lane, s.Timestamp, s.Round, s.Decoder = c.lane, c.original.Timestamp, c.round, c.decoder
	o, err := p.route.Deliver(context.WithoutCancel(r.ctx), s, c.rec.Value)
	if err != nil {
		return topics.Entry{}, err
	}
	src := c.original
	o.Source = &sink.Source{
		Group: c.group, Topic: src.Topic, Partition: src.Partition, Offset: src.Offset, Timestamp: sink.Time{Time: s.SourceTime()},
	}
	attempts, first, last := s.Attempts()
	return topics.Entry{
		Source: src, Origin: r.originOf(c), Lane: c.lane, Outcome: &o, Attempts: attempts, FirstAttempt: first, LastAttempt: last, Plan: r.plan.ID,
		Partitions: func() (responses, deadLetters int32) {
			return r.found[r.box.cfg.Responses.Topic].partitions, r.found[r.box.cfg.DeadLetters.Topic].partitions
		},
	}, nil
}

// recordGrace is how long what was sent may take to be recorded once the run stops.
const recordGrace = 30 * time.Second

// record writes the outcome, its letter if it died again, and the state.
func (r *redelivery) record(c *candidate, e topics.Entry) error {
	ctx, cancel := graceful(r.ctx, recordGrace)
	defer cancel()
	written := make(chan error, 1)
	r.writers[c.destination].Write(ctx, e, func(_ int64, err error) { written <- err })
	if err := <-written; err != nil {
		return fmt.Errorf("writing the outcome of letter %s: %w", c.letter.ID, err)
	}
	return r.settle(ctx, c, letters.Status(e.Outcome.Outcome))
}

// graceful is a context that ends a while after ctx.
func graceful(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { cancel(errors.New("what was sent could not be recorded in time")) })
	})
	return longer, func() {
		unhook()
		cancel(nil)
	}
}

// settle writes what became of a letter and waits for the acknowledgement.
func (r *redelivery) settle(ctx context.Context, c *candidate, status letters.Status) error {
	s := letters.State{
		ID: c.letter.ID, Status: status, At: time.Now().UTC(), Round: c.round, Plan: r.plan.ID,
		Destination: c.destination, Source: &letters.Place{
			Topic: c.original.Topic, Partition: c.original.Partition, Offset: c.original.Offset, Timestamp: c.original.Timestamp,
		},
		Cluster: r.originOf(c).Cluster, TopicID: r.originOf(c).TopicID.String(),
	}
	if status == letters.Died {
		at := c.source().Place
		at.Origin = r.originOf(c)
		s.Next = topics.LetterID(at, c.destination, c.round)
	}
	return r.box.writeState(ctx, r.client, s)
}

// originOf is what the letter says of its source's topic. A letter that names no cluster counts
// as one of this cluster.
func (r *redelivery) originOf(c *candidate) topics.Origin {
	origin := c.source().Origin
	origin.Cluster = cmp.Or(origin.Cluster, r.box.cluster)
	return origin
}

func (b *letterBox) writeState(ctx context.Context, client *kgo.Client, s letters.State) error {
	rec, err := s.Record(b.stateTopic, b.statePartitions)
	if err != nil {
		return err
	}
	if err := client.ProduceSync(ctx, rec).FirstErr(); err != nil {
		return fmt.Errorf("writing the state of letter %s to %s: %w", s.ID, b.stateTopic, err)
	}
	return nil
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

func (r *redelivery) progress() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%d of %d letters: %s", r.counts.sent(), r.total, r.counts.text())
}

func (t *tallyOfLetters) text() string {
	var list []string
	for _, n := range []struct {
		count int
		what  string
	}{
		{t.delivered, "delivered"},
		{t.skipped, "skipped"},
		{t.died, "died again"},
		{t.changed, "changed since the plan"},
		{t.dead, "would die again"},
		{t.exhausted, "failing"},
		{t.behind, "behind an open one of their user"},
		{t.interrupted, "not sent"},
		{t.overtaken, "needed no more"},
		{t.repaired, "sent by an earlier apply"},
		{t.again, "in the air when an earlier apply ended"},
	} {
		if n.count > 0 {
			list = append(list, fmt.Sprintf("%d %s", n.count, n.what))
		}
	}
	return orElse(strings.Join(list, ", "), "nothing to do")
}

// conclude prints the sum and gives the error that the command ends with.
func (r *redelivery) conclude() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &r.counts
	t.interrupted += r.total - t.sent() - t.changed - t.dead - t.behind - t.interrupted
	fmt.Fprintf(r.box.app.stdout, "plan %s: %s\n", r.plan.ID, t.text())
	switch {
	case r.ctx.Err() != nil && !errors.Is(context.Cause(r.ctx), context.Canceled):
		return fmt.Errorf("stopped: %w", context.Cause(r.ctx))
	case r.ctx.Err() != nil:
		return errors.New("stopped before the end of the plan: run it again")
	case t.failed()+t.changed+t.dead+t.behind+t.interrupted > 0:
		return errors.New("not every letter of the plan was brought back")
	}
	return nil
}
