//go:build kafka

package main

import (
	"flag"
	"fmt"
	"testing"
)

// starts is how often two instances start together on a new group.
var starts = flag.Int("starts", 2, "how often two instances start together on real Kafka")

func TestKafka_recordsOfARecreatedTopicAreOthers(t *testing.T) {
	for name, scenario := range map[string]func(*testing.T, worldOptions){
		"letters": lettersOfARecreatedTopic, "discarded": aDiscardedLetterHidesNoOther, "mirror": outcomesOfAMirrorSettleNothing,
		"offsets": staleOffsetsAreNotBelieved, "clocks": latestIgnoresClocks, "timestamps": unknownTimestampsDoNotExpire,
		"renamed": renameDestination,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scenario(t, real(t, onePartition(worldOptions{})))
		})
	}
}

func TestKafka_latestLosesNothingAndDeliversNoBacklog(t *testing.T) {
	for name, source := range protocols {
		t.Run(name+" partitions", func(t *testing.T) {
			t.Parallel()
			addedPartitionsLoseNothing(t, real(t, onePartition(worldOptions{})), source)
		})
		for n := range *starts {
			t.Run(fmt.Sprint(name, " together ", n), func(t *testing.T) {
				t.Parallel()
				startTogether(t, real(t, worldOptions{sources: 4, others: 2}), source)
			})
		}
	}
}
