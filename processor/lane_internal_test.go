package processor

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/deskstream/deskstream/mapping"
)

// A lane that was last when it became ready is not last any more when what came since
// needs more rounds than there are before it.
func TestLaneQueue_aLaneThatGrowsBeginsEarlier(t *testing.T) {
	const apart = 4 // arrivals between two records here, so that turns fall in between
	tests := map[string]struct {
		arrivals []string // the lane of each record, as they come in
		want     []string
	}{
		"what came first is next":              {[]string{"a", "b", "c"}, []string{"a", "b", "c"}},
		"the longest is before all":            {[]string{"a", "b", "c", "d", "d", "d", "d"}, []string{"d", "a", "b", "c"}},
		"a longer one no earlier than it must": {[]string{"a", "b", "c", "d", "e", "f", "f"}, []string{"a", "b", "c", "d", "f", "e"}},
		"one that is early keeps its turn":     {[]string{"a", "b", "c", "d", "e", "f", "b"}, []string{"a", "b", "c", "d", "e", "f"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			q, lanes := laneQueue{places: 5}, make(map[string]*lane)
			for i, value := range tt.arrivals {
				l := lanes[value]
				if l == nil {
					l = &lane{key: laneKey{value: value}}
					lanes[value] = l
				}
				if l.push(&record{arrival: int64(i * apart)}) {
					q.push(l)
				} else {
					q.grown(l)
				}
			}
			var got []string
			for l := q.pop(mapping.Normal); l != nil; l = q.pop(mapping.Normal) {
				got = append(got, l.key.value)
				for range 10 { // that come while its first is in flight
					l.push(&record{arrival: int64(len(tt.arrivals) * apart)})
					q.grown(l)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

// An outcome may wait for others to be written with it, unless its lane is next once it is.
func TestLaneQueue_whoWouldBeNext(t *testing.T) {
	tests := map[string]struct {
		inAir []int64 // arrivals of the records of the lane that is asked for, the first in flight
		ready []int64 // arrivals of lanes of one record
		want  bool
	}{
		"no other is ready":                        {[]int64{1, 9}, nil, true},
		"nothing is behind it":                     {[]int64{1}, nil, false},
		"others came before":                       {[]int64{1, 9}, []int64{8, 7}, false},
		"others came after":                        {[]int64{1, 9}, []int64{11, 10}, true},
		"others came before, but it has many more": {[]int64{1, 9, 10, 11}, []int64{8, 7}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			q, asked := laneQueue{places: 1}, new(lane)
			for _, arrival := range tt.inAir {
				asked.push(&record{arrival: arrival})
			}
			for _, arrival := range tt.ready {
				l := new(lane)
				l.push(&record{arrival: arrival})
				q.push(l)
			}
			if got := q.nextIs(asked); got != tt.want {
				t.Errorf("next: %v, want %v", got, tt.want)
			}
		})
	}
}
