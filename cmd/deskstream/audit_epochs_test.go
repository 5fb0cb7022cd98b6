package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// An unclean election cut the log off, and another record has the offset of a lost one: the
// outcome of that is not one of the new record.
func TestAudit_anOutcomeOfALostRecordIsNoneOfTheRecordInItsPlace(t *testing.T) {
	t.Parallel()
	b := newBox(t, kafkatest.Topic(eventsTopic, 1), kafkatest.Topic(responsesTopic, 1), kafkatest.Topic(lettersTopic, 1),
		kafkatest.Topic(statesTopic, 1, "cleanup.policy", "compact"))
	b.Produce(t, &kgo.Record{Topic: eventsTopic, Value: []byte(identify("m-0"))}, &kgo.Record{Topic: eventsTopic, Value: []byte(identify("m-1"))})
	if err := b.MoveTopicPartition(eventsTopic, 0, b.LeaderFor(eventsTopic, 0)); err != nil { // a new epoch
		t.Fatal(err)
	}
	b.Produce(t, &kgo.Record{Topic: eventsTopic, Value: []byte(identify("m-2"))})
	var offsets kadm.Offsets
	offsets.Add(kadm.Offset{Topic: eventsTopic, At: 3, LeaderEpoch: -1})
	if err := b.Admin(t).CommitAllOffsets(t.Context(), "deskstream.crm", offsets); err != nil {
		t.Fatal(err)
	}
	for offset := range 3 {
		b.outcome(offset, "delivered", "0") // of epoch 0
	}
	b.run("audit").want(t, exitMissing, "1 missing", "")
	later := outcomeRecord(eventsTopic+"/0/2", "delivered", "0", `{}`)
	for i, h := range later.Headers {
		if h.Key == "deskstream.source.epoch" {
			later.Headers[i].Value = []byte("1")
		}
	}
	b.Produce(t, later)
	b.run("audit").want(t, exitOK, "0 missing", "")
}
