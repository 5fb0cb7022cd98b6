package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

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
	twins                    int // settled with another letter of their record
}

// sent are those of which a result of sending is known.
func (t *tallyOfLetters) sent() int { return t.delivered + t.skipped + t.died + t.exhausted }

// done are those of which no more is to be done in this run.
func (t *tallyOfLetters) done() int {
	return t.sent() + t.changed + t.dead + t.behind + t.interrupted + t.twins
}

func (t *tallyOfLetters) failed() int { return t.died + t.exhausted }

func (t *tallyOfLetters) text() string {
	var list []string
	for _, n := range []struct {
		count int
		what  string
	}{
		{t.delivered, "delivered"},
		{t.skipped, "skipped"},
		{t.twins, "settled with another letter of their record"},
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

// progress is a line for people: what became of the letters so far, how long the others
// take, and what they wait for.
func (r *redelivery) progress() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var line strings.Builder
	fmt.Fprintf(&line, "%d of %d letters: %s", r.counts.sent(), r.total, r.counts.text())
	if done := r.counts.done(); done > 0 && done < r.total {
		each := time.Since(r.began) / time.Duration(done)
		line.WriteString(", about " + roughly(each*time.Duration(r.total-done)) + " left")
	}
	for _, why := range r.waitsFor() {
		line.WriteString("; " + why)
	}
	return line.String()
}

// waitsFor is what letters wait for, by destination. r is locked.
func (r *redelivery) waitsFor() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(r.rehearsal.ways)) {
		w := r.rehearsal.ways[name]
		if hold := w.dest.Gate().Held(); hold.Active() {
			list = append(list, fmt.Sprintf("%s is on hold (%s) for %s", name, hold.Reason, roughly(time.Since(hold.Since))))
			continue
		}
		if why := budgetWait(name, w.budget); why != "" {
			list = append(list, why)
		}
	}
	waiting, code := 0, mapping.Code("")
	for s := range r.open {
		if what, fault := s.Doing(); what == sink.BackOff {
			waiting++
			code = fault
		}
	}
	if waiting > 0 {
		list = append(list, fmt.Sprintf("%s failed (%s) and will be tried again", count(waiting, "letter"), code))
	}
	return list
}

// conclude prints the sum and gives the error that the command ends with.
func (r *redelivery) conclude() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &r.counts
	t.interrupted += r.total - t.done()
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
