package processor

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// stalledError is returned by a read to which nothing came for ledgerStall.
type stalledError struct {
	topic string
	// next is up to where each partition was read, end where those that are not read end.
	next, end map[int32]int64
}

// stalledShown is how many partitions the error names.
const stalledShown = 3

// Error says how far each partition was read, and what to do.
func (e *stalledError) Error() string {
	parts := slices.Sorted(maps.Keys(e.end))
	shown := make([]string, 0, stalledShown+1)
	for _, id := range parts[:min(len(parts), stalledShown)] {
		shown = append(shown, fmt.Sprintf("partition %d was read to offset %d of %d", id, e.next[id], e.end[id]))
	}
	if more := len(parts) - stalledShown; more > 0 {
		shown = append(shown, fmt.Sprintf("%d more partitions are not at their ends", more))
	}
	return fmt.Sprintf("reading topic %s: nothing came for %v: %s: if it goes on, look at the brokers that lead these partitions",
		e.topic, ledgerStall, strings.Join(shown, ", "))
}

func isStalled(err error) bool {
	_, is := errors.AsType[*stalledError](err)
	return is
}
