package sink

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Effect is a write that takes effect again when it is sent again, as one step of an event,
// and how to find out whether it took effect when nobody knows. CONTRACT: Effects once.
type Effect struct {
	// Step names the step, on record and in the outcome.
	Step string
	// Call is the write.
	Call Call
	// Prepare makes the lookups that Mark needs to have been made. It is called before a write
	// that is put on record.
	Prepare func(ctx context.Context) error
	// Mark returns what Find will know the effect by, as far as the help desk is known right
	// before the write. A nil Mark means that the effect could not be told from others: then
	// nothing is looked for.
	Mark func() Mark
	// Find looks for the effect of a write that was announced with the mark.
	Find func(ctx context.Context, mark Mark) (Sighting, error)
	// Exact says that Find takes nothing of another event's for the effect.
	Exact bool
	// Blind says that the help desk cannot be asked for the effect, so there is no Prepare, Mark or
	// Find: where nobody knows whether the write took effect its event is dead, class Unknown,
	// unless UnknownRetried has it sent again. CONTRACT: Effects once.
	Blind bool
	// Duplicate are the statuses of refusals that may mean that the effect is there already: it is
	// looked for once, and adopted. If it is not there a 409 is a passing failure, since a list may
	// lag, and any other status ends the event.
	Duplicate []int
	// IDs returns the ids of what the response to the write says was made, nil for none.
	IDs func(Reply) map[string]string
}

// Mark is what a write's effect is known by: texts by names that the desk's sender chose. It
// lies on a topic, so it holds nothing of the customer but ids and digests.
type Mark map[string]string

// Sighting is what a look for an effect saw.
type Sighting struct {
	// IDs are those of the effect, nil if there is none to be seen.
	IDs map[string]string
	// Unsure marks a look that has to be repeated: what it saw may be another event's, whose
	// response has not come yet.
	Unsure bool
	// Refused marks a desk that cannot be asked: the look says nothing.
	Refused bool
}

// StepState is what became of a step.
type StepState string

// The states of a step. CONTRACT: Help-desk work.
const (
	StepDone    StepState = "done"    // the help desk accepted the write
	StepAdopted StepState = "adopted" // its effect was found after an answer was lost
	StepSkipped StepState = "skipped"
	StepFailed  StepState = "failed"
	StepPlanned StepState = "planned" // in a plan: a delivery would bring it about
)

// StepInfo is a step as an outcome lists it.
type StepInfo struct {
	Name  string    `json:"name"`
	State StepState `json:"state"`
	// Made marks a step that this process has taken with a write that takes effect again when it
	// is sent again.
	Made bool `json:"-"`
}

// Progress is what is on record of an event before its outcome is: what another process needs
// to go on with it.
type Progress struct {
	// Claim is the number of the claim under which it was written.
	Claim int64 `json:"claim"`
	// Rule is the name of the rule by which the event goes, "" for none, and RuleHash that of what
	// the rule asks for.
	Rule     string `json:"rule,omitempty"`
	RuleHash string `json:"rule_hash,omitempty"`
	// Steps took effect, or were found to be needless.
	Steps []StepRecord `json:"steps,omitempty"`
	// Next is the write that may have been sent since, nil for none.
	Next *Announcement `json:"next,omitempty"`
	// Writes are what the event's writes come back as from the help desk, where that is read.
	Writes []Echo `json:"writes,omitempty"`
	// Joined is how many earlier events of its lane go out with the event, in calls that may have
	// been made since; 0 for none. Such a progress has nothing else: the calls may be made again, and
	// whoever does sends no less.
	Joined int `json:"joined,omitempty"`
}

// StepRecord is a step that took effect, or with StepSkipped one that what has the ids made needless.
type StepRecord struct {
	StepInfo
	IDs map[string]string `json:"ids,omitempty"`
	// Repeatable marks a step that takes no further effect when it is taken again: where there is
	// no room for it, it may be missing on record.
	Repeatable bool `json:"repeatable,omitempty"`
}

// Announcement is a write that is about to be sent.
type Announcement struct {
	Step string `json:"step"`
	Mark Mark   `json:"mark,omitempty"`
	At   Time   `json:"at"`
	// Echoes are what it comes back as from the help desk, where that is read: until it is known
	// whether it took effect, such an event may be of it.
	Echoes []Echo `json:"echoes,omitempty"`
}

// clocksDiffer is by how much the clocks of two processes may differ.
const clocksDiffer = 10 * time.Minute

// ended is when the call of a write that was announced had ended at the latest, but for its
// timeout. By which clock it was announced nobody knows, so that a recent one may be of now.
func (a *Announcement) ended(now time.Time) time.Time {
	if a.At.IsZero() || now.Sub(a.At.Time) < clocksDiffer {
		return now
	}
	return a.At.Time
}

// Exists reports whether anything of the event is on record.
func (p *Progress) Exists() bool { return p != nil && (len(p.Steps) > 0 || p.Next != nil) }

// step is the step of a name that took effect, nil for none.
func (p *Progress) step(name string) *StepRecord {
	for i := range p.Steps {
		if p.Steps[i].Name == name {
			return &p.Steps[i]
		}
	}
	return nil
}

// eventSteps is what is known of the steps of one event.
type eventSteps struct {
	progress Progress
	steps    []StepInfo // as the outcome lists them
	onRecord bool       // there is a progress of the event, and so it is not too old
}

// already is the step of a name that took effect before, which the outcome lists as well, once.
func (e *eventSteps) already(name string) (done Effected, ok bool) {
	step := e.progress.step(name)
	if step == nil {
		return Effected{}, false
	}
	if !slices.ContainsFunc(e.steps, func(s StepInfo) bool { return s.Name == name }) {
		e.steps = append(e.steps, step.StepInfo)
	}
	return Effected{IDs: step.IDs, State: step.State}, true
}

// withdraw notes that the announced write has taken no effect.
func (e *eventSteps) withdraw() { e.progress.Next = nil }

// Ledger puts the progress of one event on record.
type Ledger interface {
	// Record returns when the progress is on record. Its error is the cause of ctx's end.
	Record(ctx context.Context, p Progress) error
	// Follow takes in what others have put on record since a moment: what they made is not the
	// effect that is looked for. Its error is the cause of ctx's end.
	Follow(ctx context.Context, since time.Time) error
	// Holds reports whether what was recorded is still on record: the topic that it lay on may
	// have been recreated since.
	Holds() bool
}

// Effected is an Effect that was brought about.
type Effected struct {
	// Reply is the response to the write; without a status when the effect was on record, or
	// was found.
	Reply Reply
	// IDs are those of what was made.
	IDs map[string]string
	// State is StepDone or StepAdopted; "" when Reply has one of Call.Answers, or is planned.
	State StepState
}

// How long an announcement holds, and how long after a call's timeout its effect may come to
// be seen at the latest: five seconds by CONTRACT, Effects once, and one for a list that was read
// meanwhile.
const (
	announcedFor = 5 * time.Second
	seenWithin   = 6 * time.Second
)

// The pauses between looks for an effect: the first, doubled each time.
const firstLook = time.Second

// once brings about one Effect for a retrier.
type once struct {
	*retrier
	effect Effect
	// announced is the announcement that stands, nil for none. Without a Ledger it is known
	// to this process only.
	announced *Announcement
	// sent says that the write may have taken effect.
	sent bool
}

// Once makes it a Doer.
func (s *retrier) Once(ctx context.Context, e Effect) (done Effected, err error) {
	if done, ok := s.already(e.Step); ok {
		return done, nil
	}
	end := s.trace.Step(e.Step)
	defer func() { end(string(done.State)) }()
	o := &once{retrier: s, effect: e}
	next := s.progress.Next
	switch {
	case next == nil || next.Step != e.Step:
	case e.Blind:
		if err := o.inTheDark(); err != nil {
			return Effected{}, err
		}
	default:
		found, err := o.look(ctx, next, next.ended(time.Now()))
		if err != nil || found.State != "" {
			return found, err
		}
	}
	for again := true; again; {
		done, again, err = o.bring(ctx)
	}
	return done, err
}

// bring makes the call. again says that it is to be made once more, the back-off being over.
func (o *once) bring(ctx context.Context) (done Effected, again bool, err error) {
	call := o.effect.Call
	call.Answers = slices.Concat(call.Answers, o.effect.Duplicate)
	if o.ledger != nil {
		if err := o.prepare(ctx); err != nil { // its lookups come before the write in the list of calls
			return Effected{}, false, err
		}
		call.recorded = true
	}
	call.blind = o.effect.Blind && o.dest.Unknown == UnknownProbed
	reply, found, err := o.call(ctx, call, o)
	o.fails(err)
	if o.effect.Blind && err != nil {
		return Effected{}, false, o.left(ctx, err)
	}
	if err != nil || found.State != "" {
		return found, false, err
	}
	if !reply.OK() {
		o.withdraw()
		return o.refused(ctx, reply)
	}
	return o.took(reply, StepDone, o.effect.IDs(reply)), false, nil
}

// refused takes in one of the call's Answers. What a duplicate is one of is adopted.
func (o *once) refused(ctx context.Context, reply Reply) (done Effected, again bool, err error) {
	if !slices.Contains(o.effect.Duplicate, reply.Status) {
		return Effected{Reply: reply}, false, nil
	}
	seen, err := o.effect.Find(ctx, o.effect.Mark())
	if err == nil && seen.IDs != nil {
		return o.took(Reply{}, StepAdopted, seen.IDs), false, nil
	}
	if err == nil && reply.Status == http.StatusConflict {
		err = o.CountFailure(ctx, o.effect.Call, reply)
	} else if err == nil {
		err = o.Reject(o.effect.Call, reply)
	}
	o.fails(err)
	return Effected{}, err == nil, err
}

// fails notes that the step failed, if that is what an error says.
func (o *once) fails(err error) {
	if _, dead := errors.AsType[*Failure](err); dead {
		o.steps = append(o.steps, StepInfo{Name: o.effect.Step, State: StepFailed})
	}
}

// took notes that the step took effect.
func (o *once) took(reply Reply, state StepState, ids map[string]string) Effected {
	info := StepInfo{Name: o.effect.Step, State: state}
	o.steps = append(o.steps, StepInfo{Name: info.Name, State: state, Made: state == StepDone})
	o.keep(StepRecord{StepInfo: info, IDs: o.dest.redaction().calls.ids(maps.Clone(ids))})
	o.progress.Next, o.behind = nil, true
	if state == StepAdopted {
		o.echo(o.effect.Call, &reply)
	}
	return Effected{Reply: reply, IDs: ids, State: state}
}

// announce puts the write on record, unless it was a moment ago. ready reports whether the
// write may go out now: if it is not, its turn has to be asked for again.
func (o *once) announce(ctx context.Context) (ready bool, err error) {
	if o.announced != nil && time.Since(o.announced.At.Time) < announcedFor && (o.ledger == nil || o.ledger.Holds()) {
		if o.ledger != nil {
			o.progress.Next = o.announced // an answer may have withdrawn it
		}
		return true, nil
	}
	if o.ledger != nil && o.announced != nil { // bring has just prepared the first
		if err := o.prepare(ctx); err != nil {
			return false, err
		}
	}
	o.announced = &Announcement{Step: o.effect.Step, At: Time{time.Now()}, Echoes: o.expected(o.effect.Call)}
	if !o.effect.Blind {
		o.announced.Mark = o.effect.Mark()
	}
	if o.ledger == nil {
		return true, nil
	}
	o.progress.Next, o.behind, o.onRecord = o.announced, false, true
	return false, o.putOnRecord(ctx)
}

// unsure reports whether the write's effect is looked for before it is sent again.
func (o *once) unsure(j judgement) bool {
	if o.dest.Unknown != UnknownProbed || o.announced == nil || o.effect.Blind {
		return false
	}
	// A command has no other events to wait for an outage's end with: an answer, however bad,
	// is one.
	return j.unanswered || j.mayHaveActed && !o.dest.Alone
}

// follow takes in what others have on record since the write was announced.
func (o *once) follow(ctx context.Context, since time.Time) error {
	if o.ledger == nil || o.effect.Exact {
		return nil
	}
	o.does(looking)
	return o.wait(ctx, func(ctx context.Context) error { return o.ledger.Follow(ctx, since) })
}

// look looks for the effect of a write whose call had ended by a moment, until it is seen or
// cannot come any more. Found without a state is none.
func (o *once) look(ctx context.Context, a *Announcement, ended time.Time) (Effected, error) {
	due := ended.Add(o.dest.Timeout + seenWithin)
	for pause := firstLook; a.Mark != nil; pause *= 2 {
		if err := o.follow(ctx, a.At.Time); err != nil {
			return Effected{}, err
		}
		seen, err := o.effect.Find(ctx, a.Mark)
		switch {
		case err != nil:
			return Effected{}, err
		case seen.IDs != nil:
			return o.took(Reply{}, StepAdopted, seen.IDs), nil
		case seen.Refused:
			return Effected{}, nil
		}
		left := time.Until(due)
		if left <= 0 && !seen.Unsure {
			o.withdraw()
			return Effected{}, nil
		}
		if left <= 0 {
			left, pause = firstLook, firstLook
		}
		o.pass.Rest()
		o.does(looking)
		if err := o.wait(ctx, func(ctx context.Context) error { return sleep(ctx, min(pause, left)) }); err != nil {
			return Effected{}, err
		}
	}
	return Effected{}, nil
}
