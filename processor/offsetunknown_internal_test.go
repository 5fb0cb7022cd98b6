package processor

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
)

// The client asks for the offsets of a source under the id that it knew before the source was
// recreated. It reports once that no broker knows that id, and asks for the partition no more.
func TestFetchError_aPartitionThatTheClientHasGivenUpIsOneToJoinAnewFor(t *testing.T) {
	for _, claimed := range []bool{false, true} {
		p, part := alone(Limits{})
		part.claimed = claimed
		p.fetchError(part.topic, part.id, kerr.UnknownTopicID)
		p.troubles.fetch.end()
		if part.offsetUnknown == claimed {
			t.Errorf("claimed %v: the member rejoins for it: %v", claimed, part.offsetUnknown)
		}
	}
}
