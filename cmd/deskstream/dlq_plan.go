package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync/atomic"
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
	superseded     bool
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
would be sent, and no event. Lookups use only the reserve of the budget.`,
		Example: `  deskstream dlq plan -c deskstream.yaml --code contact_not_found -o plan.json
  deskstream dlq plan -c deskstream.yaml --topic orders-dlt --to crm -o plan.json`,
		Args: cobra.NoArgs,
	}
	path, filter := configFlag(cmd), addFilterFlags(cmd)
	var o dlqPlanOptions
	flags := cmd.Flags()
	topic := topicFlag(cmd)
	flags.StringVarP(&o.out, "output", "o", "", "write the plan to this `file`; without it the plan is only shown")
	flags.StringVar(&o.to, "to", "", "the `destination` for letters of other programs, which name none")
	flags.BoolVar(&o.superseded, "superseded", false, "send superseded identifies too")
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
		return a.planLetters(cmd.Context(), cfg, o)
	}
	return cmd
}

func (a *app) planLetters(ctx context.Context, cfg *config.Config, o dlqPlanOptions) error {
	box, err := a.openLetterBox(ctx, cfg, o.topic)
	if err != nil {
		return err
	}
	defer box.close()
	list, err := box.pick(ctx, o)
	if err != nil {
		return err
	}
	inOrder(list)
	if err := box.survey(ctx, list); err != nil {
		return err
	}
	rehearsal, err := newRehearsal(cfg, destinationsOf(list, cfg), a.log)
	if err != nil {
		return err
	}
	defer rehearsal.close()
	p := &letterPlanner{box: box, options: o, rehearsal: rehearsal, busy: map[laneKey]bool{}, stuck: map[laneKey]bool{}}
	plan, err := p.run(ctx, list)
	if err != nil {
		return err
	}
	return p.finish(plan)
}

// pick reads the open letters that the filter picks, each once.
func (b *letterBox) pick(ctx context.Context, o dlqPlanOptions) ([]*candidate, error) {
	if err := b.narrow(ctx, o.filter); err != nil {
		return nil, err
	}
	if err := b.readStates(ctx); err != nil {
		return nil, err
	}
	var list []*candidate
	seen := map[string]bool{}
	err := b.read(ctx, func(r *kgo.Record, l *letters.Letter) error {
		if !o.filter.Match(l) || seen[l.ID] || b.states.Status(l.ID).Closed() {
			return nil
		}
		seen[l.ID] = true
		if len(list) == o.limit {
			return usageError{fmt.Errorf("more than %d letters fit: narrow the filters or raise --limit; a part of them would leave users' events out of order", o.limit)}
		}
		c, err := b.candidate(ctx, cloneRecord(r), l, o.to)
		list = append(list, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, b.complete(ctx, list)
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

// letterPlanner is one run of dlq plan.
type letterPlanner struct {
	box       *letterBox
	options   dlqPlanOptions
	rehearsal *rehearsal
	busy      map[laneKey]bool // lanes with a letter that would be sent
	stuck     map[laneKey]bool // lanes with one that could not be decided
	done      atomic.Int64
	silent    int // letters in a row for which the help desk did not answer
}

func (p *letterPlanner) run(ctx context.Context, list []*candidate) (*letters.Plan, error) {
	var id [8]byte
	_, _ = rand.Read(id[:]) // it never fails
	b := p.box
	plan := &letters.Plan{
		ID: hex.EncodeToString(id[:]), Created: time.Now().UTC(), Version: version(),
		Cluster: b.cluster, Topic: b.topic, TopicID: hex.EncodeToString(b.id[:]),
		Group: b.cfg.Source.Group, Superseded: p.options.superseded, Letters: []letters.Planned{},
	}
	stop := startProgress(b.app.stderr, func() string { return fmt.Sprintf("%d of %d letters planned", p.done.Load(), len(list)) })
	defer stop()
	for _, c := range list {
		planned, now, err := p.judge(ctx, c)
		if err != nil {
			return nil, err
		}
		if key, ok := c.laneKey(); ok {
			p.busy[key] = p.busy[key] || planned.Verdict.Applies()
			p.stuck[key] = p.stuck[key] || planned.Verdict == letters.Undecidable
		}
		plan.Letters = append(plan.Letters, planned)
		p.done.Add(1)
		if _, err := io.WriteString(b.app.stdout, describePlanned(c, &planned, now)); err != nil {
			return nil, fmt.Errorf("writing the plan's description: %w", err)
		}
	}
	return plan, nil
}

// judge says what is to be done about a letter, and what sending it would do now.
func (p *letterPlanner) judge(ctx context.Context, c *candidate) (letters.Planned, *sink.Outcome, error) {
	planned := letters.Planned{
		ID: c.letter.ID, Partition: c.letter.At.Partition, Offset: c.letter.At.Offset, Destination: c.destination, Round: c.round,
	}
	planned.Verdict, planned.Why = p.exclude(c)
	if planned.Verdict != "" {
		return planned, nil, nil
	}
	mapped, err := p.rehearsal.play(ctx, c, sink.PlanOffline)
	if err != nil {
		return planned, nil, err
	}
	planned.Mapped = digestOf(&mapped)
	if mapped.Outcome == sink.Dead && mapped.Error.Stage != sink.StageLookup {
		planned.Verdict, planned.Why = letters.StillDead, reasonOf(&mapped)
		return planned, &mapped, nil
	}
	now, err := p.ask(ctx, c)
	if err != nil {
		return planned, nil, err
	}
	key, inLane := c.laneKey()
	behind := inLane && p.busy[key]
	switch {
	case unanswered(&now):
		planned.Verdict, planned.Why = letters.Undecidable, reasonOf(&now)
	case inLane && p.stuck[key]:
		planned.Verdict, planned.Why = letters.Undecidable, "an earlier letter of its user could not be decided"
	case behind && (now.Outcome != sink.Dead || now.Error.Stage == sink.StageLookup):
		planned.Verdict = letters.Behind
	case now.Outcome == sink.Dead:
		planned.Verdict, planned.Why = letters.StillDead, reasonOf(&now)
	case now.Outcome == sink.Skipped:
		planned.Verdict, planned.Why, planned.Result = letters.Settle, string(*now.Reason), digestOf(&now)
	default:
		planned.Verdict, planned.Result = letters.Send, digestOf(&now)
	}
	return planned, &now, nil
}

// exclude gives the verdict that needs no look at the event.
func (p *letterPlanner) exclude(c *candidate) (letters.Verdict, string) {
	l, cfg := &c.letter, p.box.cfg
	_, known := destinationOf(cfg, c.destination)
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
		return letters.Homeless, "no destination is called " + c.destination + " in the configuration"
	case l.Own() && l.Source.Group != c.group:
		return letters.OtherGroup, "it is of group " + l.Source.Group + ", this configuration's is " + c.group
	case l.Own() && l.Source.Cluster != "" && l.Source.Cluster != p.box.cluster:
		return letters.OtherPlace, "its event was read on cluster " + l.Source.Cluster + ": plan there"
	case c.applied != "":
		return letters.Applied, fmt.Sprintf("round %d has the outcome %s already", c.round, c.applied)
	case c.delivered:
		return letters.Arrived, "its event has a delivered outcome"
	case c.superseded && !p.options.superseded:
		return letters.Superseded, "a later identify of its user was delivered: --superseded sends it all the same"
	case c.round > p.options.maxRounds:
		return letters.TooOften, fmt.Sprintf("it was sent again %d times: --max-rounds", l.Round)
	}
	return "", ""
}

// What a help desk that does not answer a lookup costs.
const (
	askTimes   = 3
	askPause   = time.Second
	silenceMax = 5 // letters in a row
)

// ask plans with lookups. A help desk that does not answer is asked again.
func (p *letterPlanner) ask(ctx context.Context, c *candidate) (sink.Outcome, error) {
	for n := 1; ; n++ {
		now, err := p.rehearsal.play(ctx, c, sink.PlanWithLookup)
		switch {
		case err != nil:
			return now, err
		case !unanswered(&now):
			p.silent = 0
			return now, nil
		case n == askTimes:
			p.silent++
			if p.silent == silenceMax {
				return now, fmt.Errorf("destination %s answers no lookups (%s): plan again when it does", c.destination, reasonOf(&now))
			}
			return now, nil
		}
		select {
		case <-time.After(askPause):
		case <-ctx.Done():
			return now, context.Cause(ctx)
		}
	}
}

// unanswered tells whether a plan's lookup failed for now, which says nothing of the event.
func unanswered(o *sink.Outcome) bool {
	return o.Outcome == sink.Dead && o.Error.Class == sink.Exhausted
}

// reasonOf is why an outcome is dead or skipped.
func reasonOf(o *sink.Outcome) string {
	switch {
	case o.Error != nil:
		return fmt.Sprintf("%s %s: %s", o.Error.Class, o.Error.Code, oneLine(o.Error.Message))
	case o.Reason != nil:
		return string(*o.Reason)
	}
	return ""
}

// finish says what the plan is, and writes it.
func (p *letterPlanner) finish(plan *letters.Plan) error {
	counts := plan.Count()
	var texts []string
	for _, v := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%d %s", counts[v], v))
	}
	fmt.Fprintf(p.box.app.stdout, "%s: %s\n", count(len(plan.Letters), "letter"), orElse(strings.Join(texts, ", "), "none is open that the filters pick"))
	if p.options.out == "" {
		return nil
	}
	file, err := os.OpenFile(p.options.out, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	if err := errors.Join(plan.Write(file), file.Close()); err != nil {
		return err
	}
	fmt.Fprintf(p.box.app.stderr, "plan %s written to %s\n", plan.ID, p.options.out)
	return nil
}
