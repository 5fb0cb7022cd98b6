package wiring

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

func TestRuleFaults_areSaidOncePerRuleAndReason(t *testing.T) {
	var log bytes.Buffer
	f := ruleFaults{log: slog.New(slog.NewTextHandler(&log, nil))}
	missing, other := errors.New("missing"), errors.New("other")
	for range 3 {
		f.note("a", missing)
		f.note("a", other)
		f.note("b", missing)
	}
	for _, want := range []string{"rule=a err=missing", "rule=a err=other", "rule=b err=missing"} {
		if n := strings.Count(log.String(), want); n != 1 {
			t.Errorf("%s was said %d times, want once", want, n)
		}
	}
}
