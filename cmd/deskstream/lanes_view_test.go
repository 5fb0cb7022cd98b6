package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/internal/status"
)

func TestLanes_showsThoseThatWaitLongestAndWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	p := w.start(w.config(settings{}))
	admin := p.admin()
	runCommand(t, "", "hold", inbox, "--admin", admin).want(t, exitOK, "on hold", "")
	w.produce(300, each(50))
	await(t, "all of it to wait, and the other destination to be done", func() bool {
		p.alive()
		return w.committedAll(crm) && readyOf(t, p.listening()).Open == 300
	})
	code, text := get(t, admin+"/lanes?n=7")
	var shown struct {
		Open  int           `json:"open_lanes"`
		Lanes []status.Lane `json:"lanes"`
	}
	if err := json.Unmarshal([]byte(text), &shown); err != nil || code != http.StatusOK {
		t.Fatalf("/lanes answered %d, %v: %s", code, err, text)
	}
	if shown.Open != 50 || len(shown.Lanes) != 7 {
		t.Errorf("%d lanes of %d, want 7 of 50", len(shown.Lanes), shown.Open)
	}
	for _, l := range shown.Lanes {
		if l.Destination != inbox || l.Why != "hold" || l.Hold != "operator" || l.Behind != 5 || !strings.HasPrefix(l.Lane, "user-") || l.Topic != eventsTopic {
			t.Errorf("lane %+v", l)
		}
	}
	if !slices.IsSortedFunc(shown.Lanes, func(a, b status.Lane) int { return a.Since.Compare(b.Since) }) {
		t.Errorf("not in the order of waiting: %s", text)
	}
	if strings.Contains(text, secretText) || strings.Contains(text, "@example.com") {
		t.Errorf("events show: %s", text)
	}
	for _, n := range []string{"0", "1001", "x"} {
		if status, _ := get(t, admin+"/lanes?n="+n); status != http.StatusBadRequest {
			t.Errorf("n=%s got %d, want 400", n, status)
		}
	}
	p.stop()
}
