// Package journaltest has what tests of the topics begin with: outcomes that try what is matched
// by ids and times, and the topics of a deployment.
package journaltest

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

// The origins of outcomes: of the topic as it is now, of one of its name that was deleted, and
// without ids. Day is when the record was read.
var (
	Now   = topics.Origin{Cluster: "c", TopicID: topics.TopicID{1}}
	Then  = topics.Origin{Cluster: "c", TopicID: topics.TopicID{2}}
	NoIDs = topics.Origin{}
	Day   = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
)

// Outcome returns an outcome of offset 0, with the source timestamp at, which may be zero.
func Outcome(origin topics.Origin, at time.Time, round int, what sink.Disposition) (*topics.LedgerEntry, *kgo.Record) {
	e := &topics.LedgerEntry{
		Group: "g", Destination: "crm", Outcome: what, Round: round,
		Place: topics.Place{Origin: origin, Topic: "events", Epoch: 4},
	}
	return e, &kgo.Record{Value: fmt.Appendf(nil, `{"source":{"topic":"events","timestamp":%q}}`, sink.Time{Time: at})}
}
