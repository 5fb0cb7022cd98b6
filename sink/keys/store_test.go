package keys_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/sink/keys"
)

// tickets are ids in all forms that are packed, and in some that are not.
var tickets = []string{
	"1", "18446744073709551615", "507f1f77bcf86cd799439011", "000000000000000000000000",
	"", "007", "18446744073709551616", "507F1F77BCF86CD799439011", "507f1f77bcf86cd79943901", "tickets-7", strings.Repeat("x", 300),
}

func anEntry(r *rand.Rand, claim int64) keys.Entry {
	return keys.Entry{
		Ticket: tickets[r.IntN(len(tickets))], Closed: r.IntN(3) == 0, Kept: r.IntN(3) == 0,
		By:      keys.Event{TopicID: keys.ID{byte(r.IntN(2) + 1)}, Partition: int32(r.IntN(2)), Offset: int64(r.IntN(50)), Epoch: int32(r.IntN(3) - 1), At: time.UnixMilli(int64(r.IntN(1e9))).UTC()},
		Claim:   keys.Claim{TopicID: keys.ID{9}, Partition: int32(r.IntN(2)), Number: claim},
		Expires: time.Unix(int64(r.IntN(100)+1), 0).UTC(),
	}
}

// A store does what a map does that holds the entry that counts of each key.
func TestStore_isAMapOfTheEntriesThatCount(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		store, model := new(keys.Store), map[keys.Name]keys.Entry{}
		for step := range 2_000 {
			// Few keys are used much, so that entries come and go in crowded slots.
			name := keys.NameOf([]string{"events", "orders"}[r.IntN(2)], "u-"+strconv.Itoa(r.IntN(40)), "k-"+strconv.Itoa(r.IntN(20)))
			e, present := anEntry(r, int64(step/100)), model[name]
			_, known := model[name]
			counts := !known || e.Replaces(present)
			what := r.IntN(10)
			switch {
			case what < 6:
				if _, got := store.Put(name, e); got != counts {
					t.Fatalf("seed %d, step %d: Put counts is %v, want %v: %+v over %+v", seed, step, got, counts, e, present)
				}
				if counts {
					model[name] = e
				}
			case what < 9:
				if _, got := store.Remove(name, e); got != counts {
					t.Fatalf("seed %d, step %d: Remove counts is %v, want %v", seed, step, got, counts)
				}
				if counts {
					delete(model, name)
				}
			default:
				store.Drop(name)
				delete(model, name)
			}
			if store.Len() != len(model) {
				t.Fatalf("seed %d, step %d: %d keys, want %d", seed, step, store.Len(), len(model))
			}
		}
		for name, want := range model {
			if got, ok := store.Get(name); !ok || got != want {
				t.Fatalf("seed %d: got %+v, %v, want %+v", seed, got, ok, want)
			}
		}
		checkChoices(t, store, model)
	}
}

// checkChoices compares the keys that are to be removed with those of the model.
func checkChoices(t *testing.T, store *keys.Store, model map[keys.Name]keys.Entry) {
	t.Helper()
	now, id := time.Unix(50, 0), keys.ID{1}
	var expired, closed []keys.Named
	for name, e := range model {
		if name.Topic == "events" && !e.Expires.After(now) {
			expired = append(expired, keys.Named{Name: name, Entry: e})
		}
		if name.Topic == "events" && e.Closed && !e.Kept && e.By.TopicID == id && e.By.Partition == 1 {
			closed = append(closed, keys.Named{Name: name, Entry: e})
		}
	}
	for _, tt := range []struct {
		what      string
		got, want []keys.Named
	}{{"expired", store.Expired("events", now), expired}, {"closed", store.ClosedBy("events", id, 1), closed}} {
		for _, list := range [][]keys.Named{tt.got, tt.want} {
			slices.SortFunc(list, func(a, b keys.Named) int {
				return slices.Compare(a.Key[:], b.Key[:])*2 + slices.Compare(a.Lane[:], b.Lane[:])
			})
		}
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", tt.what, diff)
		}
	}
}

func TestEntry_ofTwoTheOneOfTheLaterEventCounts(t *testing.T) {
	at := func(change func(*keys.Entry)) keys.Entry {
		e := keys.Entry{
			By:    keys.Event{TopicID: keys.ID{1}, Partition: 3, Offset: 10, At: time.UnixMilli(1000)},
			Claim: keys.Claim{TopicID: keys.ID{7}, Partition: 3, Number: 100},
		}
		change(&e)
		return e
	}
	tests := map[string]struct {
		change func(*keys.Entry) // of the one that was written later
		want   bool
	}{
		"the same event":                         {func(*keys.Entry) {}, true},
		"a later event":                          {func(e *keys.Entry) { e.By.Offset++ }, true},
		"an earlier event":                       {func(e *keys.Entry) { e.By.Offset-- }, false},
		"an earlier event, delivered again":      {func(e *keys.Entry) { e.By.Offset--; e.Claim.Number++ }, true},
		"a zombie":                               {func(e *keys.Entry) { e.Claim.Number-- }, false},
		"a zombie with a later event":            {func(e *keys.Entry) { e.Claim.Number--; e.By.Offset++ }, false},
		"a topic whose id is not known":          {func(e *keys.Entry) { e.By.TopicID = keys.ID{}; e.By.Offset-- }, false},
		"an event of another partition":          {func(e *keys.Entry) { e.By.Partition, e.By.Offset, e.Claim.Number = 4, 0, 0 }, true},
		"an event of a topic recreated":          {func(e *keys.Entry) { e.By.TopicID, e.By.Offset, e.Claim.Number = keys.ID{2}, 0, 0 }, true},
		"a claim on responses recreated":         {func(e *keys.Entry) { e.Claim.TopicID, e.Claim.Number = keys.ID{8}, 0 }, true},
		"a claim on another partition":           {func(e *keys.Entry) { e.Claim.Partition, e.Claim.Number = 0, 0 }, true},
		"a letter of the same event":             {func(e *keys.Entry) { e.Redriven, e.Claim = true, keys.Claim{} }, true},
		"a letter of a later event":              {func(e *keys.Entry) { e.Redriven, e.Claim = true, keys.Claim{}; e.By.Offset++ }, true},
		"a letter of an earlier event":           {func(e *keys.Entry) { e.Redriven, e.Claim = true, keys.Claim{}; e.By.Offset-- }, false},
		"a later letter of another partition":    {func(e *keys.Entry) { e.Redriven, e.By.Partition, e.By.At = true, 0, time.UnixMilli(1001) }, true},
		"an earlier letter of another partition": {func(e *keys.Entry) { e.Redriven, e.By.Partition, e.By.At = true, 0, time.UnixMilli(999) }, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := at(tt.change).Replaces(at(func(*keys.Entry) {})); got != tt.want {
				t.Errorf("it counts: %v, want %v", got, tt.want)
			}
		})
	}
	// What was written by a letter is replaced by a later event, whatever its claim.
	letter := at(func(e *keys.Entry) { e.Redriven, e.Claim = true, keys.Claim{} })
	if later := at(func(e *keys.Entry) { e.By.Offset++ }); !later.Replaces(letter) {
		t.Error("a live event does not replace the entry of an earlier letter")
	}
}

// A million keys is a supported size. CONTRACT: a key takes at most 128 bytes of memory.
func TestStore_aKeyTakesAtMost128Bytes(t *testing.T) {
	const n, limit = 1_000_000, 128
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	store, r := new(keys.Store), rand.New(rand.NewPCG(1, 1))
	for i := range n {
		e := anEntry(r, 1)
		e.Ticket = fmt.Sprintf("%024x", r.Uint64())
		store.Put(keys.NameOf("events", "u-"+strconv.Itoa(i%1000), "k-"+strconv.Itoa(i)), e)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	perKey := float64(after.HeapAlloc-before.HeapAlloc) / n
	t.Logf("%.1f bytes per key", perKey)
	if store.Len() != n || perKey > limit {
		t.Errorf("%d keys of %.1f bytes, want %d of at most %d", store.Len(), perKey, n, limit)
	}
}
