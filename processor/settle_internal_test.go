package processor

import (
	"math"
	"testing"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// What was made for a partition that another process has by then may have been made twice.
func TestSettle_countsEffectsThatCameTooLate(t *testing.T) {
	step := func(state sink.StepState) []sink.StepInfo { return []sink.StepInfo{{Name: "ticket", State: state}} }
	made := []sink.StepInfo{{Name: "ticket", State: sink.StepDone, Made: true}}
	tests := map[string]struct {
		steps []sink.StepInfo
		gone  bool
		late  int64
	}{
		"a ticket":                          {made, true, 1},
		"a ticket in time":                  {made, false, 0},
		"a label, or an earlier owner's":    {step(sink.StepDone), true, 0},
		"a ticket that was there":           {step(sink.StepAdopted), true, 0},
		"a ticket that was refused":         {step(sink.StepFailed), true, 0},
		"an event without steps":            {nil, true, 0},
		"a ticket, and a note that was not": {append(made, step(sink.StepFailed)...), true, 1},
	}
	for name, tt := range tests {
		p, part := alone(Limits{Span: math.MaxInt64})
		p.book.takeIn(batch(0, 1, func(int64) string { return "u" }))
		l, err := p.nextLane(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r := p.book.start(l)
		if tt.gone {
			part.phase = gone
		}
		p.settled(&settling{lane: l, rec: r, entry: topics.Entry{Outcome: &sink.Outcome{Outcome: sink.Delivered, Steps: tt.steps}}}, 0, nil)
		if late := p.book.counts.late; late != tt.late {
			t.Errorf("%s: %d counted, want %d", name, late, tt.late)
		}
	}
}
