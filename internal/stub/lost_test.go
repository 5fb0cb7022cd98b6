package stub_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/internal/stub"
)

// contactsOf is where a contact is made, and newContact the body of the nth.
const contactsOf = trengo + "/channels/123456/contacts"

func newContact(n int) string { return fmt.Sprintf(`{"identifier":"u%d@example.com"}`, n) }

// status makes a call within a context, and returns its status, 0 if its connection was cut.
func status(ctx context.Context, s *stub.Server, method, path, body string) (status int) {
	r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer secret")
	w := httptest.NewRecorder()
	defer func() {
		if err, ok := recover().(error); ok {
			if !errors.Is(err, http.ErrAbortHandler) {
				panic(err)
			}
			status = 0
		}
	}()
	s.ServeHTTP(w, r)
	return w.Code
}

func contactsIn(s *stub.Server) int { return s.Stats().Holds["trengo"]["contacts"] }

// faultsOf makes equal lists of writes and reads of both desks and returns what became of them.
func faultsOf(t *testing.T, cfg stub.Config) []stub.Fault {
	t.Helper()
	s := newServer(cfg)
	t.Cleanup(s.Close)
	for i := range 200 {
		status(t.Context(), s, "POST", contactsOf, newContact(i))
		status(t.Context(), s, "GET", trengo+"/contacts", "")
		status(t.Context(), s, "POST", kustomer+"/customers", fmt.Sprintf(`{"externalId":"u-%d"}`, i))
	}
	var faults []stub.Fault
	for _, c := range s.Received() {
		faults = append(faults, c.Fault)
		if c.Method == http.MethodGet && c.Fault != stub.Honest {
			t.Errorf("a read has the fault %s", c.Fault)
		}
		if got := c.Status != 0; got == (c.Fault == stub.Lost || c.Fault == stub.LateEffect) {
			t.Errorf("a call with the fault %q has the status %d", c.Fault, c.Status)
		}
	}
	if cfg.Quirks.LateEffects == 0 && (contactsIn(s) != 200 || s.Stats().Holds["kustomer"]["customers"] != 200) {
		t.Errorf("of 200 writes each there are %v", s.Stats().Holds)
	}
	return faults
}

func TestQuirks_loseTheAnswersOfAShareOfWrites(t *testing.T) {
	cfg := stub.Config{Seed: 7, Silence: time.Microsecond, Quirks: stub.Quirks{LostAnswers: 0.3, LateAnswers: 0.2}}
	first := faultsOf(t, cfg)
	n := map[stub.Fault]int{}
	for _, f := range first {
		n[f]++
	}
	if n[stub.Lost] < 90 || n[stub.Lost] > 150 || n[stub.LateAnswer] < 55 || n[stub.LateAnswer] > 105 {
		t.Errorf("of 400 writes %d answers were lost and %d late, want about 120 and 80", n[stub.Lost], n[stub.LateAnswer])
	}
	if diff := cmp.Diff(first, faultsOf(t, cfg)); diff != "" {
		t.Errorf("a second run of the seed differs: %s", diff)
	}
	cfg.Seed = 8
	if cmp.Equal(first, faultsOf(t, cfg)) {
		t.Error("another seed loses the same answers")
	}
}

func TestQuirks_aLateAnswerComesAfterItsEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(stub.Config{Silence: 15 * time.Second, Quirks: stub.Quirks{LateAnswers: 1, LateEffects: time.Minute}})
		begin, answered := time.Now(), make(chan int)
		go func() { answered <- status(t.Context(), s, "POST", contactsOf, newContact(1)) }()
		synctest.Wait()
		if contactsIn(s) != 1 {
			t.Error("the write did not take effect at once")
		}
		if code := <-answered; code != 201 || time.Since(begin) != 15*time.Second {
			t.Errorf("the answer is %d after %v, want 201 after 15s", code, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		status(ctx, s, "POST", contactsOf, newContact(2))
		if last := s.Received()[1]; time.Since(begin) != 25*time.Second || !last.ClosedEarly || last.Status != 201 || contactsIn(s) != 2 {
			t.Errorf("after %v a call whose caller went away is %+v", time.Since(begin), last)
		}
	})
}

// effects makes 20 writes without an answer and returns how long after the end of its
// connection each took effect.
func effects(t *testing.T, cfg stub.Config, call func(ctx context.Context, s *stub.Server, n int)) []time.Duration {
	t.Helper()
	var took []time.Duration
	synctest.Test(t, func(t *testing.T) {
		s := newServer(cfg)
		for n := range 20 {
			call(t.Context(), s, n)
			begin := time.Now()
			if contactsIn(s) != n || s.Stats().LateEffects != 1 {
				t.Fatalf("%d contacts are there and %d to come, want %d and 1", contactsIn(s), s.Stats().LateEffects, n)
			}
			for contactsIn(s) == n {
				time.Sleep(10 * time.Millisecond)
				synctest.Wait()
			}
			took = append(took, time.Since(begin))
			if c := s.Received()[n]; c.Fault != stub.LateEffect || c.Status != 0 || s.Stats().LateEffects != 0 {
				t.Errorf("call %d is %+v, %d effects are to come", n, c, s.Stats().LateEffects)
			}
		}
	})
	return took
}

func TestQuirks_writesWithoutAnAnswerTakeEffectLate(t *testing.T) {
	killedAfter := func(d time.Duration) func(context.Context, *stub.Server, int) {
		return func(ctx context.Context, s *stub.Server, n int) {
			ctx, cancel := context.WithTimeout(ctx, d)
			defer cancel()
			status(ctx, s, "POST", contactsOf, newContact(n))
		}
	}
	cut := func(ctx context.Context, s *stub.Server, n int) { status(ctx, s, "POST", contactsOf, newContact(n)) }
	outage := func(code int) func(context.Context, *stub.Server, int) {
		return func(ctx context.Context, s *stub.Server, n int) {
			s.Desk("trengo").SetOutage(func(stub.Call) int { return code })
			killedAfter(15*time.Second)(ctx, s, n)
		}
	}
	late := stub.Quirks{LateEffects: 10 * time.Second}
	lost := late
	lost.LostAnswers = 1
	for name, c := range map[string]struct {
		cfg  stub.Config
		call func(context.Context, *stub.Server, int)
	}{
		"lost answer":            {stub.Config{Quirks: lost}, cut},
		"caller went away":       {stub.Config{Latency: time.Second, Quirks: late}, killedAfter(500 * time.Millisecond)},
		"outage, answer lost":    {stub.Config{Quirks: late}, outage(stub.LoseAnswer)},
		"outage, answer is held": {stub.Config{Quirks: late}, outage(stub.HoldAnswer)},
	} {
		took := effects(t, c.cfg, c.call)
		first, last := took[0], took[0]
		for _, d := range took {
			first, last = min(first, d), max(last, d)
		}
		if first > 3*time.Second || last < 7*time.Second || last > 10*time.Second+10*time.Millisecond {
			t.Errorf("%s: effects came after %v to %v, want all of 10s", name, first, last)
		}
		if diff := cmp.Diff(took, effects(t, c.cfg, c.call)); diff != "" {
			t.Errorf("%s: a second run of the seed differs: %s", name, diff)
		}
	}
}

func TestQuirks_withLateEffectsAnAnsweredWriteIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(stub.Config{Latency: time.Second, Quirks: stub.Quirks{LateEffects: 10 * time.Second}})
		begin := time.Now()
		for want, body := range map[int]string{201: newContact(1), 422: `{}`} {
			if code := status(t.Context(), s, "POST", contactsOf, body); code != want {
				t.Errorf("got %d, want %d", code, want)
			}
		}
		if contactsIn(s) != 1 || s.Stats().LateEffects != 0 || time.Since(begin) != 2*time.Second {
			t.Errorf("after %v there are %d contacts", time.Since(begin), contactsIn(s))
		}
	})
}

// A goroutine that is left would keep the bubble from ending.
func TestServer_aResetOrCloseDropsLateEffects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(stub.Config{Quirks: stub.Quirks{LostAnswers: 1, LateEffects: 10 * time.Second}})
		write := func() {
			for n := range 5 {
				status(t.Context(), s, "POST", contactsOf, newContact(n))
			}
		}
		write()
		if n := s.Desk("trengo").LateEffects(); n != 5 {
			t.Errorf("%d effects are to come, want 5", n)
		}
		begin := time.Now()
		s.Reset()
		if n := s.Desk("trengo").LateEffects(); n != 0 {
			t.Errorf("after a reset %d effects are to come", n)
		}
		write()
		s.Close()
		if n := s.Desk("trengo").LateEffects(); n != 0 || !time.Now().Equal(begin) {
			t.Errorf("after a close, %v later, %d effects are to come", time.Since(begin), n)
		}
		write()
		time.Sleep(time.Minute)
		if n := contactsIn(s); n != 0 {
			t.Errorf("%d writes took effect after all", n)
		}
	})
}

func TestDesk_anOutageCanLoseTheAnswerOfOneOp(t *testing.T) {
	d := serve(t, stub.Config{})
	for code, takesEffect := range map[string]bool{"-3": true, "-1": false} {
		d.Server.Reset()
		d.expect([]refusal{{"outage", "POST", "/_stub/outage?destination=trengo&op=POST+/channels/{id}/contacts&status=" + code, "", 204, ""}})
		if _, err := d.Try("secret", "POST", contactsOf, newContact(1)); err == nil {
			t.Errorf("%s: the call was answered", code)
		}
		if got := contactsIn(d.Server) == 1; got != takesEffect {
			t.Errorf("%s: took effect: %v, want %v", code, got, takesEffect)
		}
		d.expect([]refusal{{"another op", "GET", trengo + "/contacts", "", 200, ""}})
	}
	d.Server.Reset()
	d.expect([]refusal{
		{"held", "POST", "/_stub/outage?destination=trengo&status=-4", "", 204, ""},
		{"unknown", "POST", "/_stub/outage?destination=trengo&status=-5", "", 400, "-4"},
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int)
	go func() { done <- status(ctx, d.Server, "POST", contactsOf, newContact(2)) }()
	waitFor(t, "the effect of the held call", func() bool { return contactsIn(d.Server) == 1 && d.Server.Open() == 1 })
	cancel()
	if code := <-done; code != 0 {
		t.Errorf("the held call was answered %d", code)
	}
}
