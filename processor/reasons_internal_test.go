package processor

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

func skippedEvent(reason mapping.Skip, typ, name string) *sink.Outcome {
	return &sink.Outcome{Outcome: sink.Skipped, Reason: &reason, Event: sink.EventInfo{Type: &typ, Name: &name}}
}

// A renamed event stops all tickets without a single fault.
func TestUnknownNames_areLoggedOnceEach(t *testing.T) {
	var log strings.Builder
	u := unknownNames{log: slog.New(slog.NewTextHandler(&log, nil))}
	for range 3 {
		u.note(skippedEvent(mapping.EventNotConfigured, "track", "order_completed"))
		u.note(skippedEvent(mapping.TypeNotTaken, "trak", "x"))
		u.note(skippedEvent(mapping.TypeNotTaken, "group", "x"))
		u.note(skippedEvent(mapping.Filtered, "track", "y"))
		u.note(&sink.Outcome{Outcome: sink.Delivered})
	}
	u.note(skippedEvent(mapping.EventNotConfigured, "track", "a\nb"+strings.Repeat("\u00E9", 200)))
	if got, want := strings.Count(log.String(), "\n"), 3; got != want {
		t.Errorf("%d lines, want %d:\n%s", got, want, log.String())
	}
	for _, want := range []string{"event=order_completed", "type=trak"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), strings.Repeat("\u00E9", 60)) {
		t.Errorf("a long name is not cut:\n%s", log.String())
	}
}

func TestUnknownNames_areBounded(t *testing.T) {
	var log strings.Builder
	u := unknownNames{log: slog.New(slog.NewTextHandler(&log, nil))}
	for i := range 3 * maxNames {
		u.note(skippedEvent(mapping.EventNotConfigured, "track", fmt.Sprint("name ", i)))
	}
	if got, want := strings.Count(log.String(), "\n"), maxNames+1; got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
	if !strings.Contains(log.String(), "no more are logged") {
		t.Error("the log does not say that there are more")
	}
}

func TestReasons_areCountedByReasonAndCode(t *testing.T) {
	r := newReasons("crm", nil)
	dead := &sink.Outcome{Outcome: sink.Dead, Error: &sink.ErrorInfo{Class: sink.Invalid, Code: mapping.MissingEvent}}
	for _, o := range []*sink.Outcome{skippedEvent(mapping.Tombstone, "", ""), skippedEvent(mapping.Tombstone, "", ""), dead, {Outcome: sink.Delivered}} {
		r.settled(o, time.Time{}, "")
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(r.skipped, r.dead)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			if m.GetCounter().GetValue() == 0 {
				continue
			}
			got = append(got, fmt.Sprint(f.GetName(), labels, m.GetCounter().GetValue()))
		}
	}
	want := "deskstream_dead_events_total[invalid missing_event crm event] 1 deskstream_skipped_events_total[crm tombstone] 2"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("metrics %s, want %s", text, want)
	}
}
