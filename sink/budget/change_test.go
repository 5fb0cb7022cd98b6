package budget

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// spent is how many calls a Budget lets through in a minute.
func spent(b *Budget) (calls int) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, ok := b.Take(); ok; _, ok = b.Take() {
			calls++
		}
	}
	return calls
}

func TestSetRate_changesThePaceFromTheNextCallOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Rate{Requests: 600, Per: time.Minute})
		if n := spent(b); n < 580 || n > 600 {
			t.Fatalf("%d calls of 600 in a minute", n)
		}
		b.SetRate(Rate{Requests: 60, Per: time.Minute})
		if n := spent(b); n < 55 || n > 75 { // what the bucket held is spent first
			t.Errorf("%d calls of 60 in a minute", n)
		}
		b.SetRate(Rate{Requests: 60, Per: time.Minute, Reserve: 0.5})
		if n := spent(b); n < 25 || n > 32 {
			t.Errorf("%d calls of 30 in a minute", n)
		}
		b.SetRate(Rate{Requests: 60, Per: 10 * time.Second})
		if n := spent(b); n < 330 || n > 361 {
			t.Errorf("%d calls of 360 in a minute", n)
		}
	})
}

// A caller that waits for the slow pace is not left with it.
func TestSetRate_wakesWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Rate{Requests: 1, Per: time.Hour})
		b.Take()
		began := time.Now()
		time.AfterFunc(time.Second, func() { b.SetRate(Rate{Requests: 600, Per: time.Minute}) })
		if _, err := b.Wait(t.Context(), 0); err != nil || time.Since(began) > 2*time.Second {
			t.Errorf("waited %v, %v", time.Since(began), err)
		}
	})
}

// What the vendor says is the limit counts more than the file.
func TestSetRate_leavesALimitThatTheVendorNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Rate{Requests: 100, Per: time.Minute})
		g, _ := b.Take()
		b.Learn(g, http.StatusOK, http.Header{"X-Ratelimit-Limit": {"300"}}, time.Now())
		b.SetRate(Rate{Requests: 50, Per: time.Minute})
		if own, _ := b.Own(); own != 300 {
			t.Errorf("own = %v, want 300", own)
		}
		b.SetRate(Rate{Requests: 50, Per: time.Second})
		if own, per := b.Own(); own != 50 || per != time.Second {
			t.Errorf("own = %v in %v, want 50 in 1s", own, per)
		}
	})
}
