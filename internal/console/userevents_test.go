package console

import (
	"html"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/sink"
)

func TestUserEvents_showOutcomesAndLettersOfAUser(t *testing.T) {
	d, id := full(t)
	s := open(t, d.Config, nil)
	masked := html.UnescapeString(s.get("/event?user=hopper-1906"))
	// The form has what was asked for.
	masked = strings.Replace(masked, `value="hopper-1906"`, "", 1)
	for _, want := range []string{"m-1", "delivered</span>", "http_422", "of all 3 outcomes", "/letter/" + id, "person-"} {
		if !strings.Contains(masked, want) {
			t.Errorf("the page lacks %q:\n%s", want, masked)
		}
	}
	for _, text := range []string{mail, "Grace", phone} {
		if strings.Contains(masked, text) {
			t.Errorf("the page shows %q", text)
		}
	}
	if strings.Contains(masked, "m-2") {
		t.Errorf("the page shows events of another user:\n%s", masked)
	}
	if page := s.get("/event?user=hopper-1906&show=personal"); !strings.Contains(page, "The newest of hopper-1906") {
		t.Errorf("shown, the page does not name the user:\n%s", page)
	}
	if page := s.get("/event?user=somebody"); !strings.Contains(page, "discarded</span>") || strings.Contains(page, "m-1") {
		t.Errorf("of a user whose letter is closed:\n%s", page)
	}
	if page := s.get("/event?user=nobody"); !strings.Contains(page, "None of them is of this user.") || !strings.Contains(page, "No letter is of this user.") {
		t.Errorf("of a user without events:\n%s", page)
	}
}

func TestTrend_saysWhetherLettersBecomeMore(t *testing.T) {
	for want, hours := range map[string][24]int{
		"none in the last day": {},
		"2\u202f002 in the last day, 0 in the last 3 hours, 0 in the 3 before: as many as before": {0: 1001, 17: 1001},
		"5 in the last day, 3 in the last 3 hours, 2 in the 3 before: more than before":           {18: 1, 20: 1, 21: 3},
		"3 in the last day, 1 in the last 3 hours, 2 in the 3 before: fewer than before":          {20: 2, 23: 1},
	} {
		got := trendOf(hours)
		if got.Words != want || (got.Points == "") != (hours == [24]int{}) {
			t.Errorf("%v is %q with the points %q, want %q", hours, got.Words, got.Points, want)
		}
		if n := len(strings.Fields(got.Points)); n != 0 && n != 24 {
			t.Errorf("%v has %d points", hours, n)
		}
	}
}

func TestCauses_showTheirTrend(t *testing.T) {
	d := journaltest.NewDeployment(t, "http://127.0.0.1:1", "")
	r := &kgo.Record{Topic: journaltest.Events, Key: []byte("u"), Value: []byte(`{"type":"identify","messageId":"m-1","userId":"u"}`), Timestamp: time.Now()}
	d.Write(r)
	d.Settle(r, "crm", 0, sink.Dead)
	page := open(t, d.Config, nil).get("/letters")
	if !strings.Contains(page, "1 in the last day, 1 in the last 3 hours, 0 in the 3 before: more than before") || !strings.Contains(page, `<polyline points="0,17 `) {
		t.Errorf("the page has no trend:\n%s", page)
	}
}
