package sink_test

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/budget"
)

func TestKnownTime_isNoneForWhatIsNoTime(t *testing.T) {
	for ms, known := range map[int64]bool{
		-1: false, 0: false, -5: false, 1: true, 1_767_323_045_678: true,
		253_402_300_799_999: true, 253_402_300_800_000: false, math.MaxInt64: false, math.MinInt64: false,
	} {
		at := time.UnixMilli(ms)
		if got := sink.KnownTime(at); got.IsZero() == known || known && !got.Equal(at) {
			t.Errorf("%d milliseconds are read as %v, want it known: %v", ms, got, known)
		}
	}
	if got := sink.KnownTime(time.Time{}); !got.IsZero() {
		t.Errorf("the zero time is read as %v", got)
	}
}

func TestEventTime_isWhatTheEventSays(t *testing.T) {
	reader, err := mapping.NewReader(mapping.Layout{Lane: []string{"userId"}})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"timestamp":"2026-01-02T03:04:05.678Z","originalTimestamp":"2020-01-01T00:00:00Z"}`: "2026-01-02T03:04:05.678Z",
		`{"originalTimestamp":"2020-01-01T01:00:00+01:00"}`:                                   "2020-01-01T00:00:00.000Z",
		`{"timestamp":"yesterday","originalTimestamp":7}`:                                     "",
		`{}`: "",
	} {
		ev, err := reader.Event(mapping.JSON, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		at := sink.EventTime(ev)
		if got := (sink.Time{Time: at}).String(); want == "" && !at.IsZero() || want != "" && got != want {
			t.Errorf("%s happened at %s, want %q", text, got, want)
		}
	}
}

// A record without a time is not of 1970: it is not too old, and the event says when it was.
func TestSession_anUnknownTimeNeverExpires(t *testing.T) {
	value := []byte(`{"type":"track","timestamp":"2026-01-02T03:04:05.678Z"}`)
	route := sink.NewRoute(sink.DestinationInfo{Name: "desk", Type: "test"}, mapping.Filter{},
		func(ev mapping.Event) (mapping.Event, error) { return ev, nil },
		func(ctx context.Context, do sink.Doer, _ mapping.Event) (sink.Receipt, error) {
			_, err := do.Do(ctx, sink.Call{Op: "POST /x", Method: "POST", Path: "/x"})
			return sink.Receipt{}, err
		})
	cfg := sink.Config{Name: "desk", BaseURL: "http://desk.test", Rate: budget.Rate{Requests: 1000, Per: time.Minute}, MaxAge: time.Hour, MaxInFlight: 1}
	dest := sink.NewDestination(cfg, budget.New(cfg.Rate), slog.New(slog.DiscardHandler))
	defer dest.Close()
	for ms, want := range map[int64]struct {
		outcome sink.Disposition
		at      string
	}{
		-1:   {sink.Planned, "2026-01-02T03:04:05.678Z"},
		0:    {sink.Planned, "2026-01-02T03:04:05.678Z"},
		1000: {sink.Dead, "1970-01-01T00:00:01.000Z"},
	} {
		s := dest.PlanSession(t.Context(), sink.PlanOffline, nil)
		s.Timestamp = sink.KnownTime(time.UnixMilli(ms))
		out, err := route.Deliver(t.Context(), s, value)
		if err != nil {
			t.Fatal(err)
		}
		if got := (sink.Time{Time: s.SourceTime()}).String(); out.Outcome != want.outcome || got != want.at {
			t.Errorf("timestamp %d: %s of %s, want %s of %s", ms, out.Outcome, got, want.outcome, want.at)
		}
	}
}

func TestOutcome_aTimeThatNobodyKnowsIsTheBeginningOf1970(t *testing.T) {
	o := sink.Outcome{Source: &sink.Source{Topic: "t"}}
	if got, want := string(o.AppendJSON(nil)), `"offset":0,"timestamp":"1970-01-01T00:00:00.000Z"}`; !strings.Contains(got, want) {
		t.Errorf("%s lacks %s", got, want)
	}
}
