package sink_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/hold"
	"github.com/deskstream/deskstream/sink/sinktest"
)

func found(id string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return id, nil }
}

func wantFind(t *testing.T, gotID string, gotHow sink.How, err error, wantID string, wantHow sink.How) {
	t.Helper()
	if err != nil || gotID != wantID || gotHow != wantHow {
		t.Errorf("Find = %q, %v, %v; want %q, %v, nil", gotID, gotHow, err, wantID, wantHow)
	}
}

func TestIDs_findsOnceAndRemembers(t *testing.T) {
	ids := sink.NewIDs(10, time.Minute)
	id, how, err := ids.Find(t.Context(), alone, "a@b.example", found("7"))
	wantFind(t, id, how, err, "7", sink.Own)
	id, how, err = ids.Find(t.Context(), alone, "a@b.example", found("8"))
	wantFind(t, id, how, err, "7", sink.Cached)
	ids.Drop("a@b.example")
	id, how, err = ids.Find(t.Context(), alone, "a@b.example", found("8"))
	wantFind(t, id, how, err, "8", sink.Own)
}

func TestIDs_notFoundAndFailureAreNotRemembered(t *testing.T) {
	ids := sink.NewIDs(10, time.Minute)
	id, how, err := ids.Find(t.Context(), alone, "a", found(""))
	wantFind(t, id, how, err, "", sink.Own)
	broken := errors.New("broken")
	if _, _, err := ids.Find(t.Context(), alone, "a", func(context.Context) (string, error) { return "5", broken }); !errors.Is(err, broken) {
		t.Errorf("error = %v, want %v", err, broken)
	}
	if id, ok := ids.Get("a"); ok {
		t.Errorf("Get = %q, want nothing remembered", id)
	}
}

func TestIDs_boundAndLifetimeForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := sink.NewIDs(2, time.Minute)
		ids.Put("a", "1")
		ids.Put("b", "2")
		ids.Put("c", "3")
		if _, ok := ids.Get("a"); ok {
			t.Error("the oldest of three is remembered with a size of 2")
		}
		time.Sleep(time.Minute - time.Nanosecond)
		if id, ok := ids.Get("c"); !ok || id != "3" {
			t.Errorf("Get = %q, %v before the lifetime ended; want 3", id, ok)
		}
		time.Sleep(time.Nanosecond)
		if _, ok := ids.Get("c"); ok {
			t.Error("the entry outlived its lifetime")
		}
	})
}

func TestIDs_withoutSizeOrLifetimeStillFinds(t *testing.T) {
	ids := sink.NewIDs(0, 0)
	for range 2 {
		id, how, err := ids.Find(t.Context(), alone, "a", found("1"))
		wantFind(t, id, how, err, "1", sink.Own)
	}
}

// leadAndFollow runs a find that ends as lead says when all followers wait for it.
func leadAndFollow(t *testing.T, lead func() (string, error), follow func(ids *sink.IDs)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ids := sink.NewIDs(10, time.Minute)
		release := make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() {
			defer func() { _ = recover() }()
			_, how, _ := ids.Find(context.Background(), alone, "a", func(context.Context) (string, error) {
				<-release
				return lead()
			})
			if how != sink.Own {
				t.Errorf("the leader's find was %v, want Own", how)
			}
		})
		synctest.Wait()
		for range 3 {
			group.Go(func() { follow(ids) })
		}
		synctest.Wait()
		close(release)
		group.Wait()
	})
}

func TestIDs_callersShareOneFind(t *testing.T) {
	leadAndFollow(t, func() (string, error) { return "7", nil }, func(ids *sink.IDs) {
		id, how, err := ids.Find(context.Background(), alone, "a", found("another"))
		wantFind(t, id, how, err, "7", sink.Shared)
	})
}

func TestIDs_notFoundIsShared(t *testing.T) {
	leadAndFollow(t, func() (string, error) { return "", nil }, func(ids *sink.IDs) {
		id, how, err := ids.Find(context.Background(), alone, "a", found("another"))
		wantFind(t, id, how, err, "", sink.Shared)
	})
}

func TestIDs_failureOfTheLeaderIsItsOwn(t *testing.T) {
	leads := map[string]func() (string, error){
		"interrupted": func() (string, error) { return "", sink.ErrInterrupted },
		"failed":      func() (string, error) { return "", &sink.Failure{Code: sink.Timeout} },
		"panicked":    func() (string, error) { panic("broken") },
	}
	for name, lead := range leads {
		t.Run(name, func(t *testing.T) {
			leadAndFollow(t, lead, func(ids *sink.IDs) {
				id, _, err := ids.Find(context.Background(), alone, "a", found("8"))
				if id != "8" || err != nil {
					t.Errorf("Find = %q, %v; want 8", id, err)
				}
				if id, ok := ids.Get("a"); !ok || id != "8" {
					t.Errorf("Get = %q, %v; want 8", id, ok)
				}
			})
		})
	}
}

// A find may create what the vendor does not have: those who waited for a leader that failed
// would each create one if they went on all at once.
func TestIDs_afterAFailureOneCallerLeadsAndTheOthersWait(t *testing.T) {
	var finds, open, most atomic.Int32
	failures := int32(2)
	leadAndFollow(t, func() (string, error) { return "", sink.ErrInterrupted }, func(ids *sink.IDs) {
		_, _, _ = ids.Find(context.Background(), alone, "a", func(context.Context) (string, error) {
			n := finds.Add(1)
			most.Store(max(most.Load(), open.Add(1)))
			time.Sleep(time.Second) // of the bubble: the others come to wait
			open.Add(-1)
			if n <= failures-1 {
				return "", sink.ErrInterrupted
			}
			return "8", nil
		})
	})
	if got := finds.Load(); got != failures || most.Load() != 1 {
		t.Errorf("%d finds, %d at once; want %d, one after the other", got, most.Load(), failures)
	}
}

func TestIDs_callerStopsWaitingWhenItsContextEnds(t *testing.T) {
	leadAndFollow(t, func() (string, error) { return "7", nil }, func(ids *sink.IDs) {
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(hold.ErrHeld)
		_, how, err := ids.Find(ctx, alone, "a", found("8"))
		if how != sink.Shared || !errors.Is(err, sink.ErrInterrupted) || !errors.Is(err, hold.ErrHeld) {
			t.Errorf("Find = %v, %v; want an interrupted wait and its cause", how, err)
		}
	})
}

// resting is a Doer that counts how often its caller gave its place back.
type resting struct {
	sinktest.DoerFunc
	rests atomic.Int32
}

func (r *resting) Await(_ context.Context, done <-chan struct{}) error {
	r.rests.Add(1)
	<-done
	return nil
}

func TestIDs_callerThatWaitsGivesItsPlaceBack(t *testing.T) {
	waiting := &resting{}
	leadAndFollow(t, func() (string, error) { return "7", nil }, func(ids *sink.IDs) {
		id, how, err := ids.Find(context.Background(), waiting, "a", found("8"))
		wantFind(t, id, how, err, "7", sink.Shared)
	})
	if n := waiting.rests.Load(); n != 3 {
		t.Errorf("3 callers that waited rested %d times", n)
	}
	leading := &resting{}
	id, how, err := sink.NewIDs(10, time.Minute).Find(t.Context(), leading, "a", found("8"))
	wantFind(t, id, how, err, "8", sink.Own)
	if n := leading.rests.Load(); n != 0 {
		t.Errorf("a caller that finds itself rested %d times", n)
	}
}

func TestIDs_keepsNothingBesideTheID(t *testing.T) {
	answer := strings.Repeat("x", 1000) + "id-7"
	ids := sink.NewIDs(1, time.Minute)
	ids.Put("a@b.example", answer[1000:])
	id, _ := ids.Get("a@b.example")
	if id != "id-7" || unsafe.StringData(id) == unsafe.StringData(answer[1000:]) {
		t.Errorf("remembered %q as a part of the answer, want a copy of id-7", id)
	}
}

func TestIDs_changesLoseNothing(t *testing.T) {
	ids := sink.NewIDs(10, time.Minute)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { ids.Change("a", func(was string) (string, bool) { return was + "x", true }) })
	}
	all.Wait()
	if got, _ := ids.Get("a"); got != strings.Repeat("x", 100) {
		t.Errorf("remembered %q, want what 100 changes made", got)
	}
}

func TestIDs_changeKeepsOrRenewsTheLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := sink.NewIDs(10, time.Minute)
		change := func(identifier string, renews bool) (was string) {
			ids.Change(identifier, func(text string) (string, bool) { was = text; return text + "x", renews })
			return was
		}
		for _, renews := range []bool{false, true} {
			change("kept", false)
			change("renewed", renews)
			time.Sleep(40 * time.Second)
		}
		if _, ok := ids.Get("kept"); ok {
			t.Error("an entry lives on by changes that do not renew it")
		}
		if got, ok := ids.Get("renewed"); !ok || got != "xx" {
			t.Errorf("renewed = %q, %t", got, ok)
		}
		if was := change("kept", false); was != "" {
			t.Errorf("an expired entry was changed: %q", was)
		}
		if got, ok := ids.Get("kept"); !ok || got != "x" {
			t.Errorf("kept = %q, %t, want a new entry", got, ok)
		}
	})
}
