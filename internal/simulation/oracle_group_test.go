//go:build synctests

package simulation

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// checkCommits: what is committed is settled, commits do not go back, and are of the
// partition's owner.
func (o *oracle) checkCommits() {
	highest := make(map[eraPartition]*committed)
	for _, c := range o.commits {
		for p, s := range o.byOffset {
			if p.era != c.era || p.partition != c.partition || p.offset >= c.offset || o.leftOut(s) {
				continue
			}
			if at, ok := o.settled[p]; !ok || at.at > c.at {
				o.findf(ruleCommitAhead, "instance %d committed %d of partition %d at %v, but %s at %d had its outcome at %v", c.instance, c.offset, c.partition, c.at, s.mark, p.offset, at.at)
				break
			}
		}
		if o.given(c) && !o.beginning(c) {
			o.findf(ruleCommitOwner, "instance %d committed %d of partition %d at %v, which it had released", c.instance, c.offset, c.partition, c.at)
		}
		if c.code != 0 {
			continue
		}
		at := eraPartition{c.era, c.partition}
		if h := highest[at]; h != nil && c.offset < h.offset && h.answered.before(c.stamp) {
			o.findf(ruleCommitBack, "instance %d committed %d of partition %d at %v, after instance %d had %d at %v", c.instance, c.offset, c.partition, c.at, h.instance, h.offset, h.at)
		}
		if h := highest[at]; h == nil || h.offset < c.offset {
			highest[at] = c
		}
	}
}

// given reports whether the partition had been released by the time of the commit, and
// not assigned again.
func (o *oracle) given(c *committed) bool {
	var last *life
	for _, l := range o.lives {
		if l.instance == c.instance && l.partition == c.partition && l.seq < c.seq && (l.what == lifeAssigned || l.what == lifeReleased) {
			last = l
		}
	}
	return last == nil || last.what == lifeReleased && last.at < c.at
}

// eraPartition is a partition of one of the source topics of the name.
type eraPartition struct {
	era       int
	partition int32
}

// beginning reports whether a commit says where the group begins: the owner of partition 0
// says it of all partitions that have no offset, and of a recreated topic every instance that
// read the old one. One that was refused says nothing: so it may be of a topic that was there
// a moment before, and had offsets.
func (o *oracle) beginning(c *committed) bool {
	for _, before := range o.commits {
		if c.code <= 0 && o.eraOf[c.instance] == c.era && before.era == c.era && before.partition == c.partition && before.seq < c.seq && before.code == 0 && (before.instance != c.instance || before.offset != c.offset) {
			return false // the client repeats the whole of a commit of which a part was refused
		}
	}
	zero := *c
	zero.partition = 0
	return !o.given(&zero) || o.eraOf[c.instance] < c.era
}

// checkCheckpoints: of each outcome at or above the committed offset that was there by then,
// the checkpoint's position, or a later one, has a copy.
func (o *oracle) checkCheckpoints() {
	for _, c := range o.commits {
		if c.code > 0 {
			continue // it was refused, as one of an earlier owner is
		}
		if c.checkpoint == "" { // where the group starts: it may hide nothing
			o.checkHidden(c, math.MaxInt64)
			continue
		}
		fields := strings.Split(c.checkpoint, " ")
		if len(fields) != 7 || fields[5] != strconv.FormatInt(c.offset, 10) {
			o.findf(ruleCheckpoint, "instance %d committed %d of partition %d with %q", c.instance, c.offset, c.partition, c.checkpoint)
			continue
		}
		from, err := strconv.ParseInt(fields[6], 10, 64)
		if err != nil {
			o.findf(ruleCheckpoint, "instance %d committed %q", c.instance, c.checkpoint)
			continue
		}
		o.checkHidden(c, from)
	}
}

// checkHidden finds an outcome at or after what was committed that lies before from.
func (o *oracle) checkHidden(c *committed, from int64) {
	for p, list := range o.outcomes {
		if p.era != c.era || p.partition != c.partition || p.offset < c.offset {
			continue
		}
		if lost := o.hidden(list, c, from); lost != "" {
			o.findf(ruleCheckpoint, "instance %d committed %d of partition %d at %v with position %d: %s", c.instance, c.offset, c.partition, c.at, from, lost)
			return
		}
	}
}

func (o *oracle) hidden(list []*written, c *committed, from int64) string {
	hidden := ""
	for _, w := range list {
		if w.at >= c.at || w.ledger < o.ledgerAt(c.stamp) || c.ledger >= 0 && w.ledger != c.ledger {
			continue // it went with its topic, or the checkpoint is of an earlier one and hides nothing
		}
		if w.offset >= from || o.rewound(w, c.stamp) {
			return ""
		}
		hidden = fmt.Sprintf("the outcome of %d lies at %d since %v", w.entry.Offset, w.offset, w.at)
	}
	return hidden
}

// rewound reports whether the outcome was deleted, or released with a checkpoint that was not
// used, by then.
func (o *oracle) rewound(w *written, at stamp) bool {
	for _, r := range slices.Concat(o.rewinds, o.restarts) {
		if r.era == w.era && r.partition == w.entry.Partition && r.seq <= at.seq && w.at <= r.at && (r.below < 0 || w.ledger < r.ledger || w.offset < r.below) {
			return true
		}
	}
	return false
}

// checkLetters: a dead event's letter is on its topic before its outcome is.
func (o *oracle) checkLetters() {
	letters := make(map[string]*written)
	for _, w := range append(o.logged, o.acked...) {
		if w.topic == lettersTopic {
			if l := letters[w.letter]; l == nil || w.seq < l.seq {
				letters[w.letter] = w
			}
		}
	}
	for _, list := range o.outcomes {
		for _, w := range list {
			if w.entry.Outcome != "dead" {
				continue
			}
			if l := letters[w.dlqID]; l == nil || l.at > w.at {
				o.findf(ruleLetter, "the outcome of partition %d offset %d came at %v, its letter %q did not come before", w.entry.Partition, w.entry.Offset, w.at, w.dlqID)
			}
		}
	}
}

// checkFence: a call begins at the partition's owner only, once a later owner has begun
// one; and not before the group has a checkpoint of the partition.
func (o *oracle) checkFence() {
	newest := make(map[eraPartition]*life) // the assignment under which calls were begun last
	marked := make(map[eraPartition]bool)
	commits := o.commits
	for _, c := range o.calls {
		s := o.byMark[c.mark]
		if s == nil || !c.write {
			continue
		}
		own, here := o.assignment(c.instance, s.partition, c.begin), eraPartition{s.era, s.partition}
		if own == nil {
			o.findf(ruleFence, "%s was sent by instance %d at %v, which never had partition %d", s.mark, c.instance, c.begin.at, s.partition)
			continue
		}
		if last := newest[here]; last != nil && own.before(last.stamp) {
			o.findf(ruleFence, "%s was sent by instance %d at %v, partition %d was instance %d's since %v", s.mark, c.instance, c.begin.at, s.partition, last.instance, last.at)
		} else {
			newest[here] = own
		}
		for len(commits) > 0 && commits[0].before(c.begin) {
			at := eraPartition{commits[0].era, commits[0].partition}
			marked[at] = marked[at] || commits[0].code <= 0 || commits[0].code == kerr.RequestTimedOut.Code // which is done anyway
			commits = commits[1:]
		}
		if !marked[here] && !o.script.OldEpoch && !o.script.OldLife && !o.script.OldForm {
			o.findf(ruleFirstCheckpoint, "%s was sent by instance %d at %v, partition %d has no checkpoint yet", s.mark, c.instance, c.begin.at, s.partition)
			marked[here] = true
		}
	}
}

// checkSession: no call begins when the last group request that was answered well was
// sent longer ago than the session lasts.
func (o *oracle) checkSession() {
	good := make(map[int]time.Duration)
	lives := o.lives
	for _, c := range o.calls {
		for len(lives) > 0 && lives[0].seq < c.begin.seq {
			if l := lives[0]; l.what == lifeGood {
				good[l.instance] = max(good[l.instance], l.at)
			}
			lives = lives[1:]
		}
		if silence := c.begin.at - good[c.instance]; silence > session {
			o.findf(ruleSession, "%s of %s was sent by instance %d at %v, which heard nothing of its group for %v", c.op, c.user, c.instance, c.begin.at, silence)
		}
	}
}
