package sink_test

import (
	"context"
	"regexp"
	"testing"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

func TestRef_namesTheStepOfAnEventAndNoOther(t *testing.T) {
	record := func(name string) func() string { return func() string { return name } }
	tests := map[string]struct {
		identity func() string
		step     string
		plans    bool
		same     bool // as that of the record a and the step ticket
	}{
		"the same step in another process": {record("a"), "ticket", false, true},
		"in a plan":                        {record("a"), "ticket", true, true},
		"another step":                     {record("a"), "note", false, false},
		"another record":                   {record("b"), "ticket", false, false},
		"without a record":                 {nil, "ticket", false, false},
		"a plan without a record":          {nil, "ticket", true, false},
	}
	refOf := func(t *testing.T, identity func() string, step string, plans bool) (ref string) {
		t.Helper()
		d := destination(t, config(script(status(200))))
		s := d.PlanSession(t.Context(), sink.PlanOffline, nil)
		if !plans {
			s = d.Session(enter(t, d.Gate(), "l"), forever())
		}
		s.Identity = identity
		route := sink.NewRoute(sink.DestinationInfo{}, mapping.Filter{}, func(ev mapping.Event) (mapping.Event, error) { return ev, nil },
			func(_ context.Context, do sink.Doer, _ mapping.Event) (sink.Receipt, error) {
				if ref = do.Ref(step); ref != do.Ref(step) {
					t.Errorf("one step has the references %s and %s", ref, do.Ref(step))
				}
				return sink.Receipt{}, nil
			})
		if _, err := route.Deliver(t.Context(), s, []byte(track)); err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(ref) {
			t.Errorf("the reference is %q, not 32 hexadecimal digits", ref)
		}
		return ref
	}
	first := refOf(t, record("a"), "ticket", false)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := refOf(t, tt.identity, tt.step, tt.plans)
			if (got == first) != tt.same {
				t.Errorf("the reference is %s beside %s", got, first)
			}
			if again := refOf(t, tt.identity, tt.step, tt.plans); (again == got) != (tt.identity != nil || tt.plans) {
				t.Errorf("asked again it is %s after %s", again, got)
			}
		})
	}
}
