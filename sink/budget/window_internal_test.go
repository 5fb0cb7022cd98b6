package budget

import (
	"testing"
	"time"
)

// seen makes calls of a process and tells a window of their answers.
type seen struct {
	t *testing.T
	w window
	// now is the time, at which nothing passes by itself.
	now time.Time
}

func newSeen(t *testing.T) *seen {
	t.Helper()
	return &seen{t: t, w: window{per: time.Minute}, now: time.Unix(1_767_323_000, 0)}
}

// call makes a call whose answer comes at once and counts used calls.
func (s *seen) call(used int) (began bool) {
	s.t.Helper()
	return s.w.learn(s.w.grant(s.now), used, s.now)
}

func (s *seen) pass(d time.Duration) { s.now = s.now.Add(d) }

// ten makes ten calls, a second apart, of which the first finds used spent.
func (s *seen) ten(used int) {
	s.t.Helper()
	for i := range 10 {
		if s.call(used + i) {
			s.t.Fatalf("call %d of 10 began a window, and counted %d calls", i+1, used+i)
		}
		s.pass(time.Second)
	}
}

func TestWindow_beganBetweenTheCallBeforeAndTheAnswer(t *testing.T) {
	s := newSeen(t)
	s.ten(41)
	before := s.now.Add(-time.Second)
	s.pass(3 * time.Second)
	if !s.call(5) {
		t.Fatal("5 calls are counted, of which this process alone has made 11 within a minute, and no window began")
	}
	earliest, latest, ok := s.w.ends(s.now)
	if !ok || !earliest.Equal(before.Add(time.Minute)) || !latest.Equal(s.now.Add(time.Minute)) {
		t.Errorf("it ends from %v to %v, %v; want a minute after the last call before and after this one", earliest, latest, ok)
	}
	if s.pass(56 * time.Second); s.call(30) {
		t.Error("another one began before it was over")
	}
	if _, _, ok := s.w.ends(s.now); ok {
		t.Error("it is known when the window ends, which may be over")
	}
}

func TestWindow_nothingBeganThatAnythingElseExplains(t *testing.T) {
	for name, used := range map[string]func(s *seen) (began bool){
		"the calls before are counted":          func(s *seen) bool { s.ten(1); return s.call(11) },
		"half of them are":                      func(s *seen) bool { s.ten(1); return s.call(6) },
		"they are of two minutes ago":           func(s *seen) bool { s.ten(1); s.pass(2 * time.Minute); return s.call(1) },
		"others' calls left a window":           func(s *seen) bool { s.ten(91); return s.call(11) },
		"the answer came when they had left it": lateAnswer,
		"the answer is of a call before theirs": earlyCall,
		"the answers of 64 calls come in any order": func(s *seen) bool {
			began := false
			var open []Grant
			for range 64 {
				open = append(open, s.w.grant(s.now))
			}
			for i := range open {
				began = began || s.w.learn(open[(i*37)%64], i+1, s.now)
			}
			return began
		},
	} {
		if used(newSeen(t)) {
			t.Errorf("%s: a window began", name)
		}
	}
}

// lateAnswer has a call wait so long that a sliding window has lost those before it.
func lateAnswer(s *seen) bool {
	s.ten(1)
	late := s.w.grant(s.now)
	s.pass(time.Minute)
	return s.w.learn(late, 1, s.now)
}

// earlyCall has an answer overtaken by those of calls made after its own.
func earlyCall(s *seen) bool {
	early := s.w.grant(s.now)
	s.ten(2)
	return s.w.learn(early, 1, s.now)
}

// A window whose beginning is not known to a fifth of its length is of no use.
func TestWindow_endsNobodyKnowsWhenAfterALongPause(t *testing.T) {
	s := newSeen(t)
	s.ten(1)
	s.pass(20 * time.Second)
	if !s.call(1) {
		t.Fatal("no window began")
	}
	if _, _, ok := s.w.ends(s.now); ok {
		t.Error("it is said when it ends, though it began at any time of 20 seconds")
	}
}

// Calls that were open when a window began are not taken for calls of it.
func TestWindow_callsOfTheOneBeforeDoNotCount(t *testing.T) {
	s := newSeen(t)
	var open []Grant
	for range 20 {
		open = append(open, s.w.grant(s.now))
	}
	s.ten(21)
	if !s.call(1) {
		t.Fatal("no window began")
	}
	for _, g := range open {
		s.w.learn(g, 20, s.now)
	}
	s.pass(time.Second)
	if s.call(5) {
		t.Error("another window began: calls of the one before were taken for calls of this one")
	}
}

// What is used of a window is what its own answers count, though calls of the one before
// are answered late, and though a call that was granted later arrived before it began.
func TestWindow_isCountedByItsOwnAnswersOnly(t *testing.T) {
	for name, overtakes := range map[string]bool{"late answer": false, "later call": true} {
		t.Run(name, func(t *testing.T) {
			s := newSeen(t)
			s.ten(81)
			first, other := s.w.grant(s.now), s.w.grant(s.now)
			if overtakes {
				s.w.learn(other, 91, s.now)
			}
			if !s.w.learn(first, 1, s.now) {
				t.Fatal("no window began")
			}
			if !overtakes {
				s.w.learn(other, 91, s.now)
			}
			if got := s.w.used(); got != 2 {
				t.Errorf("%d calls of the window are used, want 2: the one that was counted and the one granted after it", got)
			}
			if got := s.w.byOthers(); got > 0 {
				t.Errorf("others have made %d calls, want none", got)
			}
		})
	}
}
