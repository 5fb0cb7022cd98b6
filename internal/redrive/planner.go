package redrive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/deskstream/deskstream/internal/letters"
	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/sink"
)

// letterPlanner is one run of Plan.
type letterPlanner struct {
	box       *redriver
	options   PlanOptions
	rehearsal *rehearsal
	plan      *letters.Plan
	out       *planOutput
	looks     *lookupClock
	busy      map[laneKey]bool // lanes with a letter that would be sent
	stuck     map[laneKey]bool // lanes with a letter that could not be decided
	again     map[laneKey]bool // lanes of which a letter is planned again
	firsts    firstLetters
	drafts    map[*candidate]*draft // of the first letters
	silent    int                   // letters in a row for which the help desk did not answer
}

// draft is what is known of a letter before the help desk is asked.
type draft struct {
	*candidate
	planned letters.Planned
	before  *letters.Planned // what an interrupted run has planned, nil for none
	lookups []string         // URLs that asking the help desk takes, at most
	// first is the letter of the same record that is sent, nil if it is this one.
	first *draft
}

// decided reports whether the verdict needs no lookup.
func (d *draft) decided() bool { return d.planned.Verdict != letters.Unplanned }

// run plans the letters in order. When it returns an error, the plan has what was planned so
// far.
func (p *letterPlanner) run(ctx context.Context, list []*candidate) error {
	p.plan.Letters = make([]letters.Planned, 0, len(list))
	drafts := make([]*draft, 0, len(list))
	for _, c := range list {
		d, err := p.draft(ctx, c)
		if err != nil {
			return err
		}
		drafts = append(drafts, d)
		p.plan.Letters = append(p.plan.Letters, d.planned)
	}
	if left, takes := p.looks.left(); takes >= noteFrom {
		p.box.Note("up to %s, about %s with the reserve of the rate budget alone; with what live traffic leaves over it takes less",
			output.Count(left, "lookup"), output.Roughly(takes))
	}
	for i, d := range drafts {
		if err := p.take(ctx, i, d); err != nil {
			return err
		}
	}
	return nil
}

// noteFrom is how long a plan has to take before a note says so at its start.
const noteFrom = 10 * time.Second

// draft plans a letter as far as possible without the help desk.
func (p *letterPlanner) draft(ctx context.Context, c *candidate) (*draft, error) {
	d := &draft{candidate: c, before: c.planned, planned: letters.Planned{
		ID: c.letter.ID, Partition: c.letter.At.Partition, Offset: c.letter.At.Offset, Destination: c.destination, Round: c.round,
	}}
	if d.planned.Verdict, d.planned.Why = p.exclude(c); d.planned.Verdict != "" {
		return d, nil
	}
	if first := p.firsts.of(c); first != nil {
		d.planned.Verdict, d.first = letters.Unplanned, p.drafts[first]
		return d, nil
	}
	mapped, lookups, err := p.rehearsal.playOffline(ctx, c)
	if err != nil {
		return nil, err
	}
	d.planned.Mapped = digestOf(&mapped)
	if mapped.Outcome == sink.Dead && mapped.Error.Stage != sink.StageLookup {
		d.planned.Verdict, d.planned.Why = letters.StillDead, ReasonOf(&mapped)
		return d, nil
	}
	d.planned.Verdict, d.lookups = letters.Unplanned, lookups
	p.looks.add(c.destination, d.lookups)
	p.firsts.add(c)
	p.drafts[c] = d
	return d, nil
}

// take completes the plan of the i-th letter.
func (p *letterPlanner) take(ctx context.Context, i int, d *draft) error {
	planned, now, err := p.judge(ctx, d)
	if err != nil {
		return err
	}
	key, inLane := d.laneKey()
	if inLane {
		p.busy[key] = p.busy[key] || planned.Verdict.Applies()
		p.stuck[key] = p.stuck[key] || planned.Verdict == letters.Undecidable
	}
	p.plan.Letters[i], d.planned = planned, planned
	p.looks.planned(d.destination, d.lookups)
	if (d.before == nil || *d.before != planned) && !p.options.Quiet {
		if err := p.box.show(p.options, rehearsed(d.candidate, planned, now)); err != nil {
			return err
		}
	}
	if err := p.out.keep(p.plan); err != nil {
		return err
	}
	if p.silent == silenceMax {
		return fmt.Errorf("%w: destination %s (%s)", errNoAnswers, d.destination, planned.Why)
	}
	return nil
}

var errNoAnswers = errors.New("the help desk answers no lookups")

// judge returns the verdict on a letter, and what sending it would do now.
func (p *letterPlanner) judge(ctx context.Context, d *draft) (letters.Planned, *sink.Outcome, error) {
	planned := d.planned
	switch {
	case d.decided():
		return planned, nil, nil
	case d.first != nil:
		planned.Verdict, planned.Why = likeFirst(&d.first.planned)
		return planned, nil, nil
	}
	key, inLane := d.laneKey()
	if before, ok := p.stands(d); ok {
		return before, nil, nil
	}
	if inLane {
		p.again[key] = true
	}
	now, err := p.ask(ctx, d.candidate)
	if err != nil {
		return planned, nil, err
	}
	behind := inLane && p.busy[key]
	switch {
	case unanswered(&now):
		planned.Verdict, planned.Why = letters.Undecidable, ReasonOf(&now)
	case inLane && p.stuck[key]:
		planned.Verdict, planned.Why = letters.Undecidable, "an earlier letter of its user could not be decided"
	case behind && (now.Outcome != sink.Dead || now.Error.Stage == sink.StageLookup):
		planned.Verdict, planned.Why = letters.Behind, p.box.uncertainty(d.candidate)
	case now.Outcome == sink.Dead:
		planned.Verdict, planned.Why = letters.StillDead, ReasonOf(&now)
	case now.Outcome == sink.Skipped:
		planned.Verdict, planned.Why, planned.Result = letters.Settle, string(*now.Reason), digestOf(&now)
	case len(now.Steps) > 0 && len(Writes(&now)) == 0:
		planned.Verdict, planned.Why, planned.Result = letters.Settle, "all was done before", digestOf(&now)
	default:
		planned.Verdict, planned.Why, planned.Result = letters.Send, p.box.uncertainty(d.candidate), digestOf(&now)
	}
	return planned, &now, nil
}

// likeFirst returns the verdict on a letter whose record has an earlier letter in the plan.
func likeFirst(first *letters.Planned) (letters.Verdict, string) {
	if first.Verdict.Applies() {
		return letters.Settle, "it is settled with letter " + first.ID + " of the same record"
	}
	return first.Verdict, "as letter " + first.ID + " of the same record: " + first.Why
}

// stands returns what an interrupted run has planned for a letter, if that is still right:
// the event is mapped as it was, and no earlier letter of its user was planned again.
func (p *letterPlanner) stands(d *draft) (letters.Planned, bool) {
	if key, inLane := d.laneKey(); inLane && p.again[key] {
		return letters.Planned{}, false
	}
	if d.before == nil || d.before.Mapped != d.planned.Mapped || !d.before.Verdict.Asked() {
		return letters.Planned{}, false
	}
	return *d.before, true
}

// exclude returns the verdict that does not depend on the event.
func (p *letterPlanner) exclude(c *candidate) (letters.Verdict, string) {
	l, cfg := &c.letter, p.box.Config
	_, known := cfg.Destination(c.destination)
	switch {
	case l.Fault != "":
		return letters.Unreadable, l.Fault
	case l.Dialect == letters.Unknown:
		return letters.Unreadable, "no dead-letter header that is known"
	case l.Pointer:
		return letters.NotThere, c.missing
	case c.destination == "":
		return letters.Homeless, "a letter of " + string(l.Dialect) + " names no destination: choose one with --to"
	case !known:
		return letters.Homeless, "no destination is called " + c.destination + " in the configuration: --to sends it to another one"
	case l.Own() && l.Source.Group != cfg.Source.Group+"."+l.Destination:
		return letters.OtherGroup, "it is of group " + l.Source.Group + ", this configuration's is " + cfg.Source.Group + "." + l.Destination
	case l.Own() && l.Source.Cluster != "" && l.Source.Cluster != p.box.Cluster:
		return letters.OtherPlace, "its event was read on cluster " + l.Source.Cluster + ": plan there"
	case c.applied != "":
		return letters.Applied, fmt.Sprintf("round %d has the outcome %s already", c.round, c.applied)
	case c.delivered:
		return letters.Arrived, "its event has a delivered outcome"
	case c.superseded && !p.plan.Superseded:
		return letters.Superseded, "a later identify of its user was delivered: --superseded sends it anyway"
	case c.round > p.options.MaxRounds:
		return letters.TooOften, fmt.Sprintf("it was sent again %d times: --max-rounds", l.Round)
	}
	return "", ""
}

// silenceMax is for how many letters in a row a help desk may leave lookups unanswered.
const silenceMax = 5

// ask plans with lookups. It asks a help desk that does not answer again.
func (p *letterPlanner) ask(ctx context.Context, c *candidate) (sink.Outcome, error) {
	defer p.looks.begin(c.destination)()
	now, err := patiently(ctx, p.looks.asksAgain, func() (sink.Outcome, error) {
		return p.rehearsal.play(ctx, c, p.rehearsal.session(ctx, c))
	})
	switch {
	case err != nil:
	case unanswered(&now):
		p.silent++
	default:
		p.silent = 0
	}
	return now, err
}
