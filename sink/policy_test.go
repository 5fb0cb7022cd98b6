package sink_test

import (
	"math"
	"testing"
	"time"

	"github.com/deskstream/deskstream/sink"
)

func TestPolicy_delayDoublesUpToItsBound(t *testing.T) {
	p := sink.Policy{Initial: 500 * time.Millisecond, Max: 60 * time.Second}
	for n, want := range map[int]time.Duration{
		0: 500 * time.Millisecond, 1: 500 * time.Millisecond, 2: time.Second, 3: 2 * time.Second, 7: 32 * time.Second,
		8: 60 * time.Second, 9: 60 * time.Second, 1_000_000: 60 * time.Second, math.MaxInt: 60 * time.Second,
	} {
		if got := p.Delay(n, 0); got != want {
			t.Errorf("Delay(%d, 0) = %v, want %v", n, got, want)
		}
		if got := p.Delay(n, 0.5); got != want*3/4 {
			t.Errorf("Delay(%d, 0.5) = %v, want %v", n, got, want*3/4)
		}
		if got := p.Delay(n, math.Nextafter(1, 0)); got < want/2 || got > want/2+time.Microsecond {
			t.Errorf("Delay(%d, almost 1) = %v, want half of %v", n, got, want)
		}
	}
}

func TestPolicy_delayDoesNotOverflow(t *testing.T) {
	for name, tt := range map[string]struct {
		p    sink.Policy
		want time.Duration
	}{
		"longest":          {sink.Policy{Initial: 3, Max: math.MaxInt64}, math.MaxInt64},
		"initial over max": {sink.Policy{Initial: time.Hour, Max: time.Second}, time.Second},
		"zero":             {sink.Policy{}, 0},
		"initial zero":     {sink.Policy{Max: time.Second}, 0},
	} {
		if got := tt.p.Delay(1_000_000, 0); got != tt.want {
			t.Errorf("%s: Delay = %v, want %v", name, got, tt.want)
		}
	}
}
