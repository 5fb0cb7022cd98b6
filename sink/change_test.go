package sink_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/sink"
)

// changes makes a change, or finds a ticket, as a step of the route of opening.
func changes(ctx context.Context, do sink.Doer, step string) error {
	if step == "find" {
		if !do.Begun("a") {
			do.Skip("a", map[string]string{"ticket_id": "7"})
		}
		return nil
	}
	call := update
	call.Answers = []int{http.StatusGone}
	made, err := do.Change(ctx, sink.Change{
		Step: step, Call: call, Refusals: []int{http.StatusUnprocessableEntity}, Final: step == "set finally",
		Already: func(ctx context.Context) (bool, error) {
			look := find
			look.Query = "looks"
			reply, err := do.Do(ctx, look)
			return reply.JSON().Get("data").Len() > 0, err
		},
	})
	if err == nil && made.State == "" && !made.Reply.Planned {
		do.Skip(step, nil)
	}
	return err
}

func TestChange(t *testing.T) {
	info := func(name string, state sink.StepState) sink.StepInfo { return sink.StepInfo{Name: name, State: state} }
	made := func(name string) sink.StepInfo { return sink.StepInfo{Name: name, State: "done", Made: true} }
	refused := []func() (*http.Response, error){status(422)}
	tests := map[string]onceCase{
		"is a step": {
			ledger: &memory{}, steps: []string{"set"}, log: []string{"0s put"}, outcome: "delivered ",
			states: []sink.StepInfo{info("set", "done")}, left: "set",
		},
		"goes on record with the next step": {
			ledger: &memory{}, steps: []string{"a", "set", "b"},
			log:     []string{"0s record a after 0", "0s post", "0s record nothing after 1", "0s put", "0s record b after 2", "0s post"},
			outcome: "delivered 41", states: []sink.StepInfo{made("a"), info("set", "done"), made("b")},
		},
		"is not made again by another process": {
			ledger: &memory{}, steps: []string{"set"}, before: &sink.Progress{Steps: []sink.StepRecord{{StepInfo: info("set", "done")}}},
			outcome: "delivered ", states: []sink.StepInfo{info("set", "done")},
		},
		"what was found is kept": {
			ledger: &memory{}, steps: []string{"find", "a", "b"},
			log: []string{"0s record b after 1", "0s post"}, outcome: "delivered 40",
			states: []sink.StepInfo{info("a", "skipped"), made("b")},
		},
		"what was found is on record before the last change": {
			ledger: &memory{}, steps: []string{"find", "set finally"},
			log: []string{"0s record nothing after 1", "0s put"}, outcome: "delivered ",
			states: []sink.StepInfo{info("a", "skipped"), info("set finally", "done")},
		},
		"the last change of nothing is not put on record": {
			ledger: &memory{}, steps: []string{"set finally"}, log: []string{"0s put"}, outcome: "delivered ",
			states: []sink.StepInfo{info("set finally", "done")},
		},
		"refused since it is so already": {
			ledger: &memory{}, steps: []string{"set"}, desk: onceDesk{puts: refused, tickets: []int{39}},
			log: []string{"0s put", "0s look"}, outcome: "delivered ", states: []sink.StepInfo{info("set", "done")}, left: "set",
		},
		"refused, and not so": {
			ledger: &memory{}, steps: []string{"set"}, desk: onceDesk{puts: refused},
			log: []string{"0s put", "0s look"}, outcome: "dead rejected http_422", states: []sink.StepInfo{info("set", "failed")}, left: "nothing",
		},
		"one of the call's answers": {
			ledger: &memory{}, steps: []string{"set"}, desk: onceDesk{puts: []func() (*http.Response, error){gone}},
			log: []string{"0s put"}, outcome: "delivered ", states: []sink.StepInfo{info("set", "skipped")}, left: "nothing",
		},
	}
	for name, tt := range tests {
		bubble(t, name, func(t *testing.T) { tt.run(t) })
	}
}

func TestNamed_aListIsReadAgainWhenANameIsMissing(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		ids, reads := sink.NewIDs(1, time.Minute), 0
		list := map[string]string{"Billing": "1"}
		steps := []struct {
			after time.Duration
			name  string
			want  string
			reads int
		}{
			{0, "Billing", "1", 1},
			{0, "Sales", "", 1}, // it was just read
			{30 * time.Minute, "Billing", "1", 1},
			{0, "Sales", "2", 2},
			{61 * time.Minute, "Billing", "1", 3},
		}
		for i, step := range steps {
			time.Sleep(step.after)
			got, err := ids.Named(t.Context(), awaiting{}, "teams", step.name, func(context.Context) (map[string]string, error) {
				if reads++; reads > 1 {
					list = map[string]string{"Billing": "1", "Sales": "2"}
				}
				return list, nil
			})
			if err != nil || got != step.want || reads != step.reads {
				t.Errorf("step %d: %q after %d reads, %v; want %q after %d", i, got, reads, err, step.want, step.reads)
			}
		}
	})
}

func TestNamed_eventsThatAskTogetherReadOnce(t *testing.T) {
	bubble(t, "", func(t *testing.T) {
		ids, reads := sink.NewIDs(1, time.Minute), 0
		read := func(context.Context) (map[string]string, error) {
			reads++
			time.Sleep(time.Second)
			if reads == 1 {
				return nil, errors.New("no")
			}
			return map[string]string{"Billing": "1"}, nil
		}
		got := make(chan string, 3)
		for range 3 {
			go func() {
				id, err := ids.Named(t.Context(), awaiting{}, "teams", "Billing", read)
				if err != nil {
					id = "failed"
				}
				got <- id
			}()
		}
		counts := map[string]int{}
		for range 3 {
			counts[<-got]++
		}
		if diff := cmp.Diff(map[string]int{"1": 2, "failed": 1}, counts); diff != "" || reads != 2 {
			t.Errorf("after %d reads (-want +got):\n%s", reads, diff)
		}
	})
}

func TestMadeOf_isOneForEachKind(t *testing.T) {
	ids := sink.NewIDs(1, time.Minute)
	ids.MadeOf("messages").Take(7, "a")
	if !ids.MadeOf("messages").Taken(7, "b") || ids.MadeOf("notes").Taken(7, "b") || ids.Made().Taken(7, "b") {
		t.Error("what is known of one kind is not known of that kind alone")
	}
}

// awaiting is a Doer that waits.
type awaiting struct{ sink.Doer }

func (awaiting) Await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return sink.ErrInterrupted
	}
}
