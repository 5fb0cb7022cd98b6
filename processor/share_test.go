//go:build synctests

package processor_test

import (
	"sync"
	"testing"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// division is what instances reported of their partitions.
type division struct {
	t    *testing.T
	mu   sync.Mutex
	ours map[string]int
	all  map[string]int
}

// of is an instance's part in it. At no moment may all have more than there is.
func (d *division) of(name string) func(*processor.Config, *sink.Config) {
	return func(c *processor.Config, _ *sink.Config) {
		c.SourcePartitions = map[string]int32{source: 4}
		c.Divided = func(ours, all int) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.ours[name], d.all[name] = ours, all
			sum := 0
			for _, n := range d.ours {
				sum += n
			}
			if sum > all {
				d.t.Errorf("%v: %d partitions are counted, there are %d", d.ours, sum, all)
			}
		}
	}
}

// is reports whether the instances have so many partitions, of all.
func (d *division) is(all int, want map[string]int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, n := range want {
		if d.ours[name] != n || n > 0 && d.all[name] != all {
			return false
		}
	}
	return true
}

// The rate budget is divided again at each rebalance, and a part is released before another
// instance has it.
func TestDivided_followsThePartitionsOfEachInstance(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(string(protocol), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.cfg.Protocol = protocol
				d := &division{t: t, ours: map[string]int{}, all: map[string]int{}}
				expect := func(what string, all int, want map[string]int) {
					t.Helper()
					w.eventually(what, func() bool { return d.is(all, want) })
				}
				a := w.start(d.of("a"))
				expect("one instance has all", 4, map[string]int{"a": 4})
				b := w.start(d.of("b"))
				expect("two have half each", 4, map[string]int{"a": 2, "b": 2})
				w.kafka.AddPartitions(w.t, source, 5)
				w.eventually("one has the new partition and both know of it", func() bool {
					return d.is(5, map[string]int{"a": 3, "b": 2}) || d.is(5, map[string]int{"a": 2, "b": 3})
				})
				a.stop()
				expect("the one that stays has all", 5, map[string]int{"a": 0, "b": 5})
				b.stop()
				expect("nobody has any", 5, map[string]int{"a": 0, "b": 0})
			})
		})
	}
}
