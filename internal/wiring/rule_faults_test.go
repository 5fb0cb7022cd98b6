package wiring

import (
	"bytes"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/deskstream/deskstream/mapping/rules"
)

func TestRuleFaults_areSaidOncePerRuleAndReasonAndCounted(t *testing.T) {
	var log bytes.Buffer
	counts := map[string]int{}
	f := ruleFaults{log: slog.New(slog.NewTextHandler(&log, nil)), count: func(rule, reason string) { counts[rule+" "+reason]++ }}
	for range 3 {
		f.note("a", rules.ErrMissing)
		f.note("a", rules.ErrTypes)
		f.note("b", rules.ErrMissing)
	}
	for _, want := range []string{"rule=a reason=missing_field", "rule=a reason=types", "rule=b reason=missing_field"} {
		if n := strings.Count(log.String(), want); n != 1 {
			t.Errorf("%s was said %d times, want once", want, n)
		}
	}
	if want := map[string]int{"a missing_field": 3, "a types": 3, "b missing_field": 3}; !maps.Equal(counts, want) {
		t.Errorf("counted %v, want %v", counts, want)
	}
}
