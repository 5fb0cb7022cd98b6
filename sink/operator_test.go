package sink_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/sink"
)

func TestOperator_aHoldHasNoProbesAndEndsByResumeOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := sink.NewGate(4, time.Second, 0, nil)
		inAir := enter(t, g, "a")
		if err := g.Halt(); err != nil {
			t.Fatal(err)
		}
		var l line
		l.add(g, "b", done)
		inAir.Passed(true) // what was in flight proves nothing about a person's hold
		inAir.Done()
		time.Sleep(24 * time.Hour)
		if h := g.Held(); l.came() != 0 || h.Reason != sink.OperatorHold || g.InUse() != 0 {
			t.Fatalf("%q came in during %+v", l.in, h)
		}
		if err := g.Halt(); !errors.Is(err, sink.ErrHaltedAlready) {
			t.Errorf("a second Halt gave %v", err)
		}
		was, err := g.Resume()
		if err != nil || was.Reason != sink.OperatorHold {
			t.Errorf("Resume = %+v, %v", was, err)
		}
		l.group.Wait()
		if l.at[0] != 24*time.Hour || g.HeldFor() != 24*time.Hour {
			t.Errorf("came in at %v, held for %v", l.at, g.HeldFor())
		}
		if _, err := g.Resume(); !errors.Is(err, sink.ErrNotHeld) {
			t.Errorf("a second Resume gave %v", err)
		}
	})
}

func TestOperator_aHoldTakesThePlaceOfOneWithProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := sink.NewGate(4, time.Second, 0, nil)
		enter(t, g, "a").Hold("http_401", 0)
		probe := enter(t, g, "b")
		if err := g.Halt(); err != nil {
			t.Fatal(err)
		}
		probe.Passed(true)
		probe.Done()
		if h := g.Held(); h.Reason != sink.OperatorHold {
			t.Errorf("the probe that was in the air ended it: %+v", h)
		}
		var l line
		l.add(g, "c", done)
		time.Sleep(time.Hour)
		late := enterSoon(t, g)
		if l.came() != 0 || late {
			t.Errorf("a probe was let in: %q", l.in)
		}
		if _, err := g.Resume(); err != nil {
			t.Fatal(err)
		}
		l.group.Wait()
	})
}

// enterSoon reports whether an event gets a place within a minute.
func enterSoon(t *testing.T, g *sink.Gate) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p, err := g.Enter(ctx, "soon")
	if err == nil {
		p.Done()
	}
	return err == nil
}

func TestOperator_callsComeBackByDoublingAfterResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := sink.NewGate(8, time.Second, 0, nil)
		if err := g.Halt(); err != nil {
			t.Fatal(err)
		}
		var l line
		for range 15 {
			l.add(g, "l", func(p *sink.Pass) {
				time.Sleep(time.Second)
				p.Passed(true)
				p.Done()
			})
		}
		if _, err := g.Resume(); err != nil {
			t.Fatal(err)
		}
		l.group.Wait()
		per := make([]int, 4)
		for _, at := range l.at {
			per[at/time.Second]++
		}
		if want := [4]int{1, 2, 4, 8}; [4]int(per) != want {
			t.Errorf("came in per second: %v, want %v", per, want)
		}
	})
}

func TestOperator_resumeEndsAnyHoldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := sink.NewGate(4, time.Second, 0, nil)
		began := time.Now()
		enter(t, g, "a").Hold("http_403", time.Hour)
		time.AfterFunc(time.Minute, func() {
			if _, err := g.Resume(); err != nil {
				t.Error(err)
			}
		})
		enter(t, g, "b").Done()
		if took := time.Since(began); took != time.Minute {
			t.Errorf("the first call after resume came after %v, want 1m", took)
		}
	})
}

// A hold is in the log once when it begins and once when it ends, whatever its probes meet.
func TestOperator_theLogSaysAHoldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := config(exchange(func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second) // so that none is answered between the resume and the operator's hold
			return answer(http.StatusUnauthorized, "")
		}))
		d := sink.NewDestination(c, sink.NewBudget(c.Rate), slog.New(slog.NewTextHandler(&log, nil)))
		stops := newStops()
		for range 3 {
			go func() { _, _ = deliver(stops.ctx, d, calling(update), "l", stops.stop) }()
		}
		time.Sleep(time.Hour)
		if _, err := d.Gate().Resume(); err != nil {
			t.Fatal(err)
		}
		if err := d.Gate().Halt(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		stops.soft()
		stops.hard()
		stops.last()
		synctest.Wait()
		var said []string
		for text := range strings.Lines(log.String()) {
			_, text, _ = strings.Cut(strings.TrimSpace(text), "level=")
			said = append(said, text)
		}
		want := []string{
			`ERROR msg="destination put on hold" reason=http_401 ends_by="a probe that is accepted or judged"`,
			`INFO msg="destination resumed" reason=http_401 held_for=59m59s`,
			`WARN msg="destination put on hold" reason=operator ends_by=resume`,
		}
		if strings.Join(said, "\n") != strings.Join(want, "\n") {
			t.Errorf("the log says\n%s\nwant\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
		}
	})
}
