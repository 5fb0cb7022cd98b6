package redrive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/output"
	"github.com/deskstream/deskstream/internal/wiring"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// tallyOfLetters counts the results of one Apply.
type tallyOfLetters struct {
	delivered, skipped, died int
	changed                  int // no longer what was planned
	dead                     int // would die, unsent
	exhausted                int // temporary failures used up the retry budget: still open
	behind                   int // after a letter of the user that was left open
	interrupted              int
	repaired                 int // had an outcome, only the state was missing
	again                    int // were being sent when an earlier apply was ended
	overtaken                int // were delivered since the plan was made, or sent too often
	twins                    int // settled with another letter of their record
}

// sent is how many letters have a result of being sent.
func (t *tallyOfLetters) sent() int { return t.delivered + t.skipped + t.died + t.exhausted }

// done is how many letters this run has finished with.
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
		{t.behind, "after an open letter of their user"},
		{t.interrupted, "not sent"},
		{t.overtaken, "no longer needed"},
		{t.repaired, "sent by an earlier apply"},
		{t.again, "in flight when an earlier apply ended"},
	} {
		if n.count > 0 {
			list = append(list, fmt.Sprintf("%d %s", n.count, n.what))
		}
	}
	return cmp.Or(strings.Join(list, ", "), "nothing to do")
}

// Progress is how far an Apply is.
type Progress struct {
	// Total is how many letters it sends or settles. Done of them have a result or were left open:
	// Settled are those skipped, or settled with another letter of their record, Failed those that
	// died again or whose desk kept failing, Open those left open otherwise.
	Total, Done, Delivered, Settled, Failed, Open int
	// Stage is the stage that is sent, of Stages, and Size its letters. All but the last are canaries.
	Stage, Stages, Size int
	// PerSecond is how many are done a second, and Left how long the others take at that rate, 0 where
	// that is not known.
	PerSecond float64
	Left      time.Duration
	// Waits are what letters wait for, for people.
	Waits []string
}

// now returns how far the run is.
func (r *redelivery) now() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &r.counts
	p := Progress{
		Total: r.total, Done: t.done(), Delivered: t.delivered, Settled: t.skipped + t.twins, Failed: t.failed(),
		Open: t.changed + t.dead + t.behind + t.interrupted, Stage: r.part + 1, Stages: len(canary) + 1, Size: r.size, Waits: r.waitsFor(),
	}
	if passed := time.Since(r.began); p.Done > 0 && passed > 0 {
		p.PerSecond = float64(p.Done) / passed.Seconds()
		p.Left = passed / time.Duration(p.Done) * time.Duration(p.Total-p.Done)
	}
	return p
}

// progress returns a line for people: the results so far, how long the other letters take,
// and what they wait for.
func (r *redelivery) progress() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var line strings.Builder
	fmt.Fprintf(&line, "%d of %d letters: %s", r.counts.sent(), r.total, r.counts.text())
	if done := r.counts.done(); done > 0 && done < r.total {
		each := time.Since(r.began) / time.Duration(done)
		line.WriteString(", about " + output.Roughly(each*time.Duration(r.total-done)) + " left")
	}
	for _, why := range r.waitsFor() {
		line.WriteString("; " + why)
	}
	return line.String()
}

// waitsFor returns what letters wait for, by destination. The caller holds r.mu.
func (r *redelivery) waitsFor() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(r.rehearsal.ways)) {
		w := r.rehearsal.ways[name]
		if hold := w.Destination.Gate().Held(); hold.Active() {
			list = append(list, fmt.Sprintf("%s is on hold (%s) for %s", name, hold.Reason, output.Roughly(time.Since(hold.Since))))
			continue
		}
		if why := wiring.BudgetWait(name, w.Budget); why != "" {
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
		list = append(list, fmt.Sprintf("%s failed (%s) and will be tried again", output.Count(waiting, "letter"), code))
	}
	return list
}

// conclude prints the sum and returns an error when letters were left open.
func (r *redelivery) conclude() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &r.counts
	t.interrupted += r.total - t.done()
	if err := r.print(); err != nil {
		return err
	}
	switch {
	case r.ctx.Err() != nil && !errors.Is(context.Cause(r.ctx), context.Canceled):
		return fmt.Errorf("stopped: %w", context.Cause(r.ctx))
	case r.ctx.Err() != nil:
		return errors.New("stopped before the end of the plan: run it again")
	case t.failed()+t.changed+t.dead+t.behind+t.interrupted > 0:
		return errors.New("not every letter of the plan was delivered or settled")
	}
	return nil
}

// print prints the sum, as text or as a document.
func (r *redelivery) print() error {
	if !r.options.JSON {
		output.Printf(r.box.out, "plan %s: %s\n", r.plan.ID, r.counts.text())
		return nil
	}
	t := &r.counts
	return output.WriteDocument(r.box.out, "dlq.apply", struct {
		Plan      string `json:"plan"`
		Letters   int    `json:"letters"`
		Delivered int    `json:"delivered"`
		Skipped   int    `json:"skipped"`
		Settled   int    `json:"settled"`
		Unneeded  int    `json:"unneeded"`
		Died      int    `json:"died"`
		Open      int    `json:"open"`
	}{
		r.plan.ID, len(r.plan.Letters), t.delivered, t.skipped, t.twins + t.repaired, t.overtaken, t.died,
		t.changed + t.dead + t.exhausted + t.behind + t.interrupted,
	})
}
