package console

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/internal/status"
)

// hour takes points of an hour that ends at now: each minute has one, but for the minutes 20 to 29.
func hour(p *points, now time.Time) {
	for i := range 60 {
		if i >= 20 && i < 30 {
			continue
		}
		state := status.Pipeline{Destination: "crm", Dead: int64(100 + 2*i), Budget: status.Budget{Calls: 100, Used: i}}
		if i >= 40 && i < 50 {
			state.Hold = "http_401"
		}
		p.take(now.Add(time.Duration(i-59)*time.Minute), []string{"crm"}, samplePair{}, []status.Pipeline{state})
	}
}

func TestPoints_areThoseOfTheLastHour(t *testing.T) {
	now := journaltest.Day
	var p points
	hour(&p, now.Add(-30*time.Minute))
	hour(&p, now)
	list := p.minutes("crm", now)
	if n := len(p.of["crm"]); n > 61+30 {
		t.Errorf("%d points are kept", n)
	}
	for i, want := range map[int]minute{
		59: {running: 1, dead: 2, budget: .59},
		45: {running: 1, dead: 2, budget: .45, held: true},
	} {
		if list[i].running != want.running || list[i].dead != want.dead || list[i].budget != want.budget || list[i].held != want.held {
			t.Errorf("minute %d is %+v, want %+v", i, list[i], want)
		}
	}
	p.take(now, []string{"inbox"}, samplePair{}, nil)
	if len(p.of) != 1 {
		t.Errorf("a destination that is gone is kept: %d", len(p.of))
	}
}

func TestCharts_sayWhatTheyShow(t *testing.T) {
	now := journaltest.Day
	var p points
	hour(&p, now)
	found := charts(p.minutes("crm", now), now, true)
	if len(found) != 2 {
		t.Fatalf("%d charts, want those of dead events and of the rate budget: %+v", len(found), found)
	}
	if got, want := found[0].Summary, "dead in a minute 2, at most 22 at 02:35"; got != want {
		t.Errorf("dead events: %q, want %q", got, want)
	}
	if got, want := found[1].Summary, "used 59 %"; got != want {
		t.Errorf("rate budget: %q, want %q", got, want)
	}
	for _, c := range found {
		if len(c.Lines) != 1 || len(c.Lines[0].Parts) != 2 || len(c.Bands) != 1 || c.Bands[0] != (band{"200", "50"}) {
			t.Errorf("%s has the lines %+v and bands %+v, want a line with a gap and one hold", c.Title, c.Lines, c.Bands)
		}
	}
}

func TestCharts_ofADestinationWorkWithoutScripts(t *testing.T) {
	d := journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
	f := running()
	s := open(t, d.Config, f)
	if page := s.get("/destination/crm"); !strings.Contains(page, "Nothing is known yet") {
		t.Errorf("before the first sample:\n%s", page)
	}
	client := d.Client(t, kgo.DisableClientMetrics())
	for i := range 3 {
		f.status[0].Dead = int64(7 * i)
		s.sample(t.Context(), client)
		d.Event(0, fmt.Sprint("m-", i), "u")
	}
	for target, wants := range map[string][]string{
		"/":                {"<polyline class=\"line-1\"", "lag 2", "/destination/crm"},
		"/destination/crm": {"lag 2", "dead in a minute 14", "used 0 %", "of this instance", `<rect class="band"`, "<th scope=\"row\">", "1 of 5 min", "records"},
	} {
		page := html.UnescapeString(s.get(target))
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q:\n%s", target, want, page)
			}
		}
	}
	if page := s.get("/destination/inbox"); strings.Contains(page, `class="band"`) {
		t.Errorf("the hold of another destination is shown:\n%s", page)
	}
	if w := s.ask(http.MethodGet, "/destination/none"); w.Code != http.StatusNotFound {
		t.Errorf("a destination that is none is answered with %d", w.Code)
	}
	alone := open(t, d.Config, nil)
	alone.sample(t.Context(), client)
	if page := alone.get("/destination/crm"); !strings.Contains(page, "known to <code>run</code> only") || strings.Contains(page, "Rate budget</strong>") || !strings.Contains(page, "Lag</strong>") {
		t.Errorf("without pipelines:\n%s", page)
	}
}
