package journal_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/journal"
	"github.com/deskstream/deskstream/internal/journal/journaltest"
	"github.com/deskstream/deskstream/sink"
	"github.com/deskstream/deskstream/sink/topics"
)

var (
	now, then, noIDs, day = journaltest.Now, journaltest.Then, journaltest.NoIDs, journaltest.Day
	outcome               = journaltest.Outcome
)

func TestRecord_isKnownByItsIDsAndElseByItsTimestamp(t *testing.T) {
	for name, tt := range map[string]struct {
		record  topics.Origin // its timestamp is day
		outcome topics.Origin
		at      time.Time
		want    bool
	}{
		"the same topic":                         {now, now, day, true},
		"the same topic, whatever the timestamp": {now, now, day.Add(time.Hour), true},
		"another topic":                          {now, then, day, false},
		"another cluster":                        {now, topics.Origin{Cluster: "d"}, day, false},
		"no ids, the same timestamp":             {now, noIDs, day, true},
		"no ids, another timestamp":              {now, noIDs, day.Add(time.Millisecond), false},
		"no ids, unknown timestamp":              {now, noIDs, time.UnixMilli(-1), true},
		"ids in the outcome alone, another time": {noIDs, now, day.Add(-time.Hour), false},
		"no ids anywhere, the same timestamp":    {noIDs, noIDs, day, true},
	} {
		t.Run(name, func(t *testing.T) {
			record := journal.RecordOf(&kgo.Record{Topic: "events", LeaderEpoch: 4, Timestamp: day}, tt.record)
			e, r := outcome(tt.outcome, tt.at, 0, sink.Delivered)
			if got, err := record.SettledBy(e, r); got != tt.want || err != nil {
				t.Errorf("settled %v, %v; want %v", got, err, tt.want)
			}
			other := journal.Record{Place: e.Place, Timestamp: sink.KnownTime(tt.at)}
			if record.Is(other) != tt.want || other.Is(record) != tt.want {
				t.Errorf("the same record: %v and %v, want %v", record.Is(other), other.Is(record), tt.want)
			}
			e.Epoch = 5 // of a record that was truncated
			if got, _ := record.SettledBy(e, r); got {
				t.Error("settled by the outcome of another leader epoch")
			}
		})
	}
}
