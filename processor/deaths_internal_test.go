package processor

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/sink"
)

func TestDeaths_areLoggedByTheTenfoldWithoutTheEvent(t *testing.T) {
	var text bytes.Buffer
	d := deaths{log: slog.New(slog.NewTextHandler(&text, nil))}
	secret := "nora@example.com"
	died := &sink.Outcome{
		Outcome: sink.Dead, Event: sink.EventInfo{ID: &secret},
		Error: &sink.ErrorInfo{Stage: sink.StageRequest, Class: sink.Rejected, Code: "http_422", Message: secret},
	}
	for range 1000 {
		d.note(died)
		d.note(&sink.Outcome{Outcome: sink.Delivered})
	}
	other := *died
	other.Error = &sink.ErrorInfo{Class: sink.Invalid, Code: sink.Panic}
	d.note(&other)
	log := text.String()
	if n := strings.Count(log, "event dead-lettered"); n != 5 || strings.Contains(log, secret) {
		t.Errorf("%d lines, want four of the one cause and one of the other, and nothing of the event:\n%s", n, log)
	}
	for _, want := range []string{"events=1000", "class=rejected code=http_422 fault=event", "fault=us"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}
