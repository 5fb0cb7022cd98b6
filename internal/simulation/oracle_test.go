//go:build synctests

package simulation

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// The rules of the oracle.
const (
	ruleLost            = "nothing is lost"
	ruleVerdict         = "nothing dies, or is skipped, that need not"
	ruleEvidence        = "no verdict without evidence"
	ruleOrder           = "a lane is in order"
	ruleOverlap         = "a lane has one call open"
	ruleSettled         = "the next event waits for the acknowledgement"
	ruleRepeat          = "no repeat without a reason"
	ruleRepeated        = "a message id is delivered once within its time"
	ruleOriginal        = "a duplicate repeats another record"
	ruleTwice           = "no ticket is opened twice"
	ruleCommitAhead     = "no commit ahead of what is settled"
	ruleCommitBack      = "no commit goes back"
	ruleCommitOwner     = "no commit for a partition of somebody else"
	ruleCheckpoint      = "the checkpoint hides no outcome"
	ruleFirstCheckpoint = "a checkpoint comes before the first call"
	ruleLetter          = "a letter comes before its outcome"
	ruleName            = "an outcome and a letter name their record"
	ruleState           = "a letter is closed by its own state"
	ruleFence           = "no call for a partition of somebody else"
	ruleStart           = "a group begins where it is told"
	ruleSession         = "no call beyond the session"
	ruleHold            = "one probe at a time in a hold"
	ruleOperator        = "no call while an operator holds"
	ruleBreaker         = "the breaker stops a destination that rejects"
	ruleConservation    = "it adds up"
	ruleEnd             = "it ends"
	ruleCrash           = "it does not crash"
	ruleBudget          = "no window sees more calls than the limit"
	ruleShare           = "the budget is used"
	ruleStarved         = "no priority starves, the urgent go first"
	rulePlace           = "no place without a call"
	ruleGroup           = "what goes out together are identifies that follow each other"
	ruleGroupOrder      = "the outcomes of a lane are in its order"
	ruleValue           = "no value goes back to an older one"
)

// oracle has the journal in the order that the rules need.
type oracle struct {
	script *script
	*journal

	byOffset map[place]*source
	lanes    map[string][]*source // by offset
	calls    []*call              // by begin
	byEvent  map[string][]*call   // writes of an event, by begin
	outcomes map[place][]*written // as seen on the topic
	settled  map[place]stamp      // when the first outcome was acknowledged or seen
	assigned map[int32][]*life
	// restarts are claims that did not use their checkpoint, since it was of a responses topic
	// that was deleted: they begin at the committed offset, whatever lay on the topic by then.
	restarts []*rewind
	taken    []*committed // commits that were not refused, others' than instances' too
	begins   map[eraPartition]*begin
}

type place struct {
	era       int
	partition int32
	offset    int64
}

func (s *source) place() place { return place{s.era, s.partition, s.offset} }

func (s *source) lane() string { return fmt.Sprintf("%s of topic %d", s.user, s.era) }

func (w *written) place() place { return place{w.era, w.entry.Partition, w.entry.Offset} }

// judge applies all rules to what a run left.
func judge(s *script, j *journal) []finding {
	o := &oracle{
		script: s, journal: j, byOffset: make(map[place]*source), lanes: make(map[string][]*source),
		byEvent: make(map[string][]*call), outcomes: make(map[place][]*written), settled: make(map[place]stamp), assigned: make(map[int32][]*life),
	}
	o.prepare()
	o.checkOutcomes()
	o.checkGroups()
	o.checkOrder()
	o.checkOverlap()
	o.checkRepeats()
	o.checkMessages()
	o.checkCommits()
	o.checkCheckpoints()
	o.checkLetters()
	o.checkNames()
	o.checkStates()
	o.checkFence()
	o.checkStarts()
	o.checkSession()
	o.checkHolds()
	o.checkBreaker()
	return j.findings
}

func (o *oracle) findf(rule, format string, args ...any) { o.find(rule, fmt.Sprintf(format, args...)) }

func (o *oracle) prepare() {
	for _, s := range o.sources {
		if !s.Aborted {
			o.byOffset[s.place()] = s
			o.lanes[s.lane()] = append(o.lanes[s.lane()], s)
		}
	}
	for _, lane := range o.lanes {
		slices.SortFunc(lane, func(a, b *source) int { return cmp.Compare(a.offset, b.offset) })
	}
	o.calls = slices.Clone(o.journal.calls)
	for _, c := range o.calls {
		if c.end.zero() {
			c.end = stamp{seq: 1 << 60, at: 1 << 60}
		}
		if c.write && c.mark != "" && c.fault != connRefused {
			o.byEvent[c.mark] = append(o.byEvent[c.mark], c)
		}
	}
	settle := func(w *written) {
		p := w.place()
		if at, ok := o.settled[p]; !ok || w.seq < at.seq {
			o.settled[p] = w.stamp
		}
	}
	o.nameRepeats()
	for _, w := range o.logged {
		if w.topic == responsesTopic {
			o.outcomes[w.place()] = append(o.outcomes[w.place()], w)
			settle(w)
		}
	}
	for _, w := range o.acked {
		if w.topic == responsesTopic {
			settle(w)
		}
	}
	for _, l := range o.lives {
		if l.what == lifeAssigned {
			o.assigned[l.partition] = append(o.assigned[l.partition], l)
		}
	}
	o.findRestarts()
	o.findStarts()
}

// permitted reports whether the event may be delivered again at a moment because its
// checkpoint was foreign or its outcome deleted.
func (o *oracle) permitted(s *source, at stamp) bool {
	for _, r := range o.rewinds {
		if r.era != s.era || r.partition != s.partition || at.before(r.stamp) || s.offset < r.from {
			continue
		}
		if r.below < 0 {
			return true
		}
		known := false
		for _, w := range o.outcomes[s.place()] {
			if w.ledger < r.ledger || w.offset < r.below {
				return true
			}
			known = known || w.before(r.stamp)
		}
		if !known {
			return true // whatever was written before is gone before the audit read it
		}
	}
	return false
}

// assignment is the latest assignment of a partition to an instance before a moment.
func (o *oracle) assignment(instance int, partition int32, before stamp) *life {
	var latest *life
	for _, l := range o.assigned[partition] {
		if l.instance == instance && l.seq < before.seq {
			latest = l
		}
	}
	return latest
}

// troubled reports whether an instance lost its partitions, or may have, in a time: it
// was killed or cut off, its group had trouble or did not hear of it, or its drain timeout
// was reached.
func (o *oracle) troubled(instance int, from, to stamp) bool {
	frozen, good := false, time.Duration(0)
	for _, l := range o.lives {
		if l.instance != instance {
			continue
		}
		if l.what == lifeGood && l.before(to) {
			good = max(good, l.at)
		}
		if l.what == lifeFreeze {
			frozen = !frozen && l.at <= to.at
		}
		if l.at < from.at || l.at > to.at {
			continue
		}
		switch l.what {
		case lifeKill, lifeFreeze, lifeTrouble, lifeDrained, lifeCut:
			return true
		}
	}
	return frozen || to.at-good > unheard
}

// rejoined reports whether an instance was heard of again in a time, of which its group had
// not heard for so long that its partitions may have been with others.
func (o *oracle) rejoined(instance int, from, to stamp) bool {
	good := time.Duration(0)
	for _, l := range o.lives {
		if l.instance != instance || l.what != lifeGood || !l.before(to) {
			continue
		}
		if good > 0 && l.at >= from.at && l.at-good > unheard {
			return true
		}
		good = max(good, l.at)
	}
	return false
}

// unheard is how long the group may not have heard of an instance before its partitions may
// be with others.
const unheard = session - time.Second

// checkOutcomes: every record has an outcome, a fitting one, and what is called
// delivered is at the help desk.
func (o *oracle) checkOutcomes() {
	for _, s := range o.byOffset {
		list := o.outcomes[s.place()]
		// Others may have gone with their topic; and with deleted outcomes what the audit had not
		// read, but whose writer had its acknowledgement.
		if len(list) == 0 && s.era == o.era && (!o.outcomesWent() || o.seenOnly(s)) && !o.leftOut(s) {
			o.findf(ruleLost, "%s (%s, partition %d offset %d) has no outcome", s.mark, s.Want, s.partition, s.offset)
		}
		for _, w := range list {
			o.checkOutcome(s, w)
		}
	}
	for p, list := range o.outcomes {
		if o.byOffset[p] == nil {
			o.findf(ruleLost, "an outcome of partition %d offset %d, which has no record: %+v", p.partition, p.offset, list[0].entry)
		}
	}
}

// acted reports whether a call for the event took effect: its own, or that of the one that it went
// out with.
func (o *oracle) acted(s *source) bool {
	return slices.ContainsFunc(o.byEvent[s.mark], func(c *call) bool { return c.acted })
}

func (o *oracle) checkOutcome(s *source, w *written) {
	if w.merged >= 0 {
		if s = o.sentFor(s, w); s == nil {
			return
		}
	}
	what := string(w.entry.Outcome)
	if w.class != "" {
		what += " " + w.class
	} else if w.reason != "" {
		what += " " + w.reason
	}
	var ok bool
	switch what {
	case "delivered", "skipped nothing_to_update":
		ok = s.Want != wantInvalid && s.Want != wantSkipped && s.Want != wantRefused
		if ok && !o.acted(s) {
			o.findf(ruleLost, "%s is %s, but nothing took effect at the help desk", s.mark, what)
		}
	case "skipped duplicate":
		ok = o.script.Dedup > 0 // see checkMessages
	case "dead invalid":
		ok = s.Want == wantInvalid
	case "dead rejected":
		ok = s.Want == wantRefused || o.met(s, rejectsAll) || o.misled(s) || o.convicted(s, w.stamp, 403)
	case "dead exhausted":
		ok = o.convicted(s, w.stamp, 0)
	case "dead unknown":
		ok = o.script.UnknownIsDead && o.unanswered(s)
	default:
		ok = s.Want == wantSkipped && w.entry.Outcome == "skipped"
	}
	if ok {
		return
	}
	rule := ruleVerdict
	if what == "dead exhausted" || what == "dead rejected" {
		rule = ruleEvidence
	}
	o.findf(rule, "%s (%s, partition %d offset %d) is %s at %v", s.mark, s.Want, s.partition, s.offset, what, w.at)
}

func (o *oracle) met(s *source, k kind) bool {
	return slices.ContainsFunc(o.byEvent[s.mark], func(c *call) bool { return c.fault == k })
}

// misled reports whether a gateway that imitates the API answered a call of the event. A
// lookup shows the user only.
func (o *oracle) misled(s *source) bool {
	return o.script.Gateway.Imitates && slices.ContainsFunc(o.calls, func(c *call) bool {
		return c.fault == gatewayAnswers && (c.mark == s.mark || c.mark == "" && c.user == s.user)
	})
}

// unanswered reports whether a write of the event may have taken effect unseen.
func (o *oracle) unanswered(s *source) bool {
	return slices.ContainsFunc(o.byEvent[s.mark], func(c *call) bool {
		switch c.fault {
		case lostAnswer, resetCall, silent, nonsense:
			return true
		default:
			return c.end.at-c.begin.at >= callTimeout
		}
	})
}

// convicted reports whether three rounds spoke against the event, at one op and one
// instance: others' calls passed, its own failed, others' passed. status is that of
// the failures, 0 for passing ones. Ties of time speak against the event.
func (o *oracle) convicted(s *source, until stamp, status int) bool {
	type trial struct {
		instance int
		op       string
	}
	fails := make(map[trial][]time.Duration)
	for _, c := range o.calls {
		if (c.mark == s.mark || c.mark == "" && c.user == s.user) && c.end.at <= until.at && !c.usable {
			if status == 0 && !c.holds || status == c.status {
				fails[trial{c.instance, c.op}] = append(fails[trial{c.instance, c.op}], c.end.at)
			}
		}
	}
	for t, own := range fails {
		var passes []time.Duration
		for _, c := range o.calls {
			if c.instance == t.instance && c.op == t.op && c.usable && c.mark != s.mark && c.end.at <= until.at {
				passes = append(passes, c.end.at)
			}
		}
		slices.Sort(passes)
		slices.Sort(own)
		if rounds(own, passes) >= 3 {
			return true
		}
	}
	return false
}

// rounds counts pass, failure, pass, after a first failure; a pass may end a round and
// begin the next.
func rounds(own, passes []time.Duration) int {
	n, at := 0, own[0]
	own = own[1:]
	passed := func() bool {
		i, _ := slices.BinarySearch(passes, at)
		if i < len(passes) {
			at = passes[i]
		}
		return i < len(passes)
	}
	failed := func() bool {
		i, _ := slices.BinarySearch(own, at)
		if i == len(own) {
			return false
		}
		at, own = own[i], own[i+1:]
		return true
	}
	for passed() && failed() && passed() {
		n++
	}
	return n
}
