package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kversion"
)

// oldBrokers are the API versions of brokers that keep a group's offsets by the topic's name.
var oldBrokers = map[string][]kfake.Opt{
	"2.8": {kfake.MaxVersions(kversion.V2_8_0())}, "3.9": {kfake.MaxVersions(kversion.V3_9_0())},
}

func TestRun_recordsOfARecreatedTopicAreOthers(t *testing.T) {
	t.Parallel()
	for version, fake := range oldBrokers {
		for name, scenario := range map[string]func(*testing.T, worldOptions){
			"letters": lettersOfARecreatedTopic, "discarded": aDiscardedLetterHidesNoOther, "mirror": outcomesOfAMirrorSettleNothing,
			"offsets": staleOffsetsAreNotBelieved, "clocks": latestIgnoresClocks, "timestamps": unknownTimestampsDoNotExpire,
			"partitions": func(t *testing.T, o worldOptions) { addedPartitionsLoseNothing(t, o, "") },
			"together":   func(t *testing.T, o worldOptions) { startTogether(t, o, "") },
		} {
			t.Run(version+" "+name, func(t *testing.T) {
				t.Parallel()
				scenario(t, worldOptions{fake: fake})
			})
		}
	}
}
