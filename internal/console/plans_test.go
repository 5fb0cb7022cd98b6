package console

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/deskstream/deskstream/internal/letters"
)

func TestPlans_areDroppedAnHourAfterTheirLastUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, offline(t, ""), nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		applied := &heldPlan{Plan: &letters.Plan{ID: "applied"}}
		apply := &job{ID: "01"}
		applied.applying(apply)
		s.plans.add(applied)
		s.plans.add(&heldPlan{Plan: &letters.Plan{ID: "idle"}})
		want := func(ids ...string) {
			t.Helper()
			var held []string
			for _, p := range s.plans.all() {
				held = append(held, p.ID)
			}
			if len(held) != len(ids) || len(ids) > 0 && held[0] != ids[0] {
				t.Errorf("after %v the plans %v are held, want %v", time.Since(applied.held), held, ids)
			}
		}
		time.Sleep(plansKept - time.Second)
		want("idle", "applied")
		time.Sleep(sampleEvery + time.Second)
		want("applied")
		time.Sleep(3 * plansKept)
		want("applied")
		apply.finish(nil, false)
		time.Sleep(plansKept - time.Second)
		want("applied")
		time.Sleep(sampleEvery + time.Second)
		want()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// The page of a job stays for a while, and what it has to show is not the plan.
func TestJob_letsGoOfItsPlanWhenItHasEnded(t *testing.T) {
	j := new(job)
	plan := func() weak.Pointer[letters.Plan] {
		p := &letters.Plan{ID: "1", Letters: make([]letters.Planned, 3)}
		j.watch(func() jobProgress { return jobProgress{Total: len(p.Letters)} })
		return weak.Make(p)
	}()
	j.finish(nil, false)
	runtime.GC()
	if plan.Value() != nil {
		t.Error("the plan is still in memory")
	}
	if now := j.now(); now.Total != 3 {
		t.Errorf("the job has ended at %v", now)
	}
}
