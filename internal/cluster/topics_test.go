package cluster

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

var testTopics = Topics{
	Sources: []string{"events", "more"}, Responses: "events.responses", DeadLetters: "dlq.events.deskstream",
}

// goodTopics are what Verify has nothing against.
func goodTopics() []kafkatest.Option {
	return []kafkatest.Option{
		kafkatest.Virtual(),
		kafkatest.Fake(kfake.ClusterID("cluster-1")),
		kafkatest.Topic("events", 4),
		kafkatest.Topic("more", 2, "max.message.bytes", "2000000"),
		kafkatest.Topic("events.responses", 3, "max.message.bytes", "500000"),
		kafkatest.Topic("dlq.events.deskstream", 2, "max.message.bytes", "2065536"),
	}
}

func alter(t *testing.T, cl *kgo.Client, topic, key, value string) {
	t.Helper()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	config.Name, config.Value = key, &value
	resource.Configs = append(resource.Configs, config)
	req.Resources = append(req.Resources, resource)
	if _, err := req.RequestWith(t.Context(), cl); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyTopics_tellsWhatTheProcessorNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := kafkatest.Kafka(t, goodTopics()...)
		got, err := Verify(t.Context(), k.Client(t), testTopics, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != "cluster-1" {
			t.Errorf("cluster %q, want cluster-1", got.ID)
		}
		partitions, sizes := make(map[string]int32), make(map[string]int32)
		for name, info := range got.Topics {
			partitions[name], sizes[name] = info.Partitions, info.MaxMessageBytes
			if info.ID != k.TopicInfo(name).TopicID {
				t.Errorf("%s has another id", name)
			}
		}
		if diff := cmp.Diff(map[string]int32{"events": 4, "more": 2, "events.responses": 3, "dlq.events.deskstream": 2}, partitions); diff != "" {
			t.Errorf("partitions (-want +got):\n%s", diff)
		}
		want := map[string]int32{"events": 1048588, "more": 2000000, "events.responses": 500000, "dlq.events.deskstream": 2065536}
		if diff := cmp.Diff(want, sizes); diff != "" {
			t.Errorf("max.message.bytes (-want +got):\n%s", diff)
		}
	})
}

func TestVerifyTopics_namesEachMissingTopicAndTheFlag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic("events", 1))
		_, err := Verify(t.Context(), k.Client(t), testTopics, slog.New(slog.DiscardHandler))
		want := `topic more does not exist: create it or run with --create-topics
topic events.responses does not exist: create it or run with --create-topics
topic dlq.events.deskstream does not exist: create it or run with --create-topics`
		if err == nil || err.Error() != want {
			t.Errorf("got:\n%v\nwant:\n%s", err, want)
		}
	})
}

func TestVerifyTopics_refusesSettingsThatLoseEvents(t *testing.T) {
	tests := map[string]struct{ topic, key, value, want string }{
		"compacted responses": {
			"events.responses", "cleanup.policy", "compact",
			"topic events.responses is compacted and cannot be the ledger: set cleanup.policy=delete",
		},
		"responses compacted as well": {
			"events.responses", "cleanup.policy", "compact,delete",
			"topic events.responses is compacted and cannot be the ledger: set cleanup.policy=delete",
		},
		"compacted letters": {
			"dlq.events.deskstream", "cleanup.policy", "delete,compact",
			"topic dlq.events.deskstream has cleanup.policy delete,compact: set cleanup.policy=delete",
		},
		"letters one byte too small": {
			"dlq.events.deskstream", "max.message.bytes", "2065535",
			"topic dlq.events.deskstream takes messages of 2065535 bytes, too few for the letters of more: set max.message.bytes=2065536 or more",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := kafkatest.Kafka(t, goodTopics()...)
				cl := k.Client(t)
				alter(t, cl, tt.topic, tt.key, tt.value)
				_, err := Verify(t.Context(), cl, testTopics, slog.New(slog.DiscardHandler))
				if err == nil || err.Error() != tt.want {
					t.Errorf("got:\n%v\nwant:\n%s", err, tt.want)
				}
			})
		})
	}
}

func TestVerifyTopics_goesOnWithDefaultsWhereSettingsMayNotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := kafkatest.Kafka(t, goodTopics()...)
		k.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.DescribeConfigs}, Resource: "dlq.events.deskstream", Err: kerr.TopicAuthorizationFailed, Count: -1,
		})
		var log bytes.Buffer
		got, err := Verify(t.Context(), k.Client(t), testTopics, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if info := got.Topics["dlq.events.deskstream"]; info.described || info.MaxMessageBytes != DefaultMaxMessageBytes {
			t.Errorf("got %+v, want the defaults", info)
		}
		if info := got.Topics["more"]; info.MaxMessageBytes != 2000000 {
			t.Errorf("max.message.bytes of the topic that may be described is %d", info.MaxMessageBytes)
		}
		if strings.Count(log.String(), "topic settings not readable") != 1 {
			t.Errorf("want one warning, got:\n%s", log.String())
		}
	})
}

func TestVerifyTopics_saysWhichTopicItMayNotSee(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := kafkatest.Kafka(t, goodTopics()...)
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "more", Err: kerr.TopicAuthorizationFailed, Count: -1})
		_, err := Verify(t.Context(), k.Client(t), testTopics, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "no right to Read topic more") {
			t.Errorf("got %v, want the topic named", err)
		}
	})
}

func TestVerifyTopics_warnsWhenOutcomesGoBeforeEvents(t *testing.T) {
	for retention, want := range map[string]int{"604800000": 0, "604799999": 2, "-1": 0} {
		synctest.Test(t, func(t *testing.T) {
			k := kafkatest.Kafka(t, goodTopics()...)
			cl := k.Client(t)
			alter(t, cl, "events.responses", "retention.ms", retention)
			var log bytes.Buffer
			if _, err := Verify(t.Context(), cl, testTopics, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
				t.Fatal(err)
			}
			if got := strings.Count(log.String(), "outcomes are kept for less time than events"); got != want {
				t.Errorf("retention %s: %d warnings, want %d", retention, got, want)
			}
		})
	}
}

func TestCreateTopics_createsWhatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := kafkatest.Kafka(t, kafkatest.Virtual(),
			kafkatest.Topic("more", 16, "max.message.bytes", "2000000", "retention.ms", "2592000000"))
		cl, log := k.Client(t), slog.New(slog.DiscardHandler)
		if err := Create(t.Context(), cl, testTopics, log); err != nil {
			t.Fatal(err)
		}

		for topic, want := range map[string]int{
			"events": 12, "more": 16, "events.responses": 16, "dlq.events.deskstream": 16, "dlq.events.deskstream.state": 16,
		} {
			if got := len(k.PartitionInfos(topic)); got != want {
				t.Errorf("%s has %d partitions, want %d", topic, got, want)
			}
		}
		for topic, want := range map[string]map[string]string{
			"events": {},
			"events.responses": {
				"cleanup.policy": "delete", "retention.ms": "2592000000", "retention.bytes": "-1", "max.message.bytes": "2065536",
			},
			"dlq.events.deskstream": {
				"cleanup.policy": "delete", "retention.ms": "7776000000", "retention.bytes": "-1", "max.message.bytes": "2065536",
			},
			"dlq.events.deskstream.state": {"cleanup.policy": "compact", "segment.bytes": "16777216"},
		} {
			got := make(map[string]string)
			for key, value := range k.TopicInfo(topic).Configs {
				got[key] = *value
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("settings of %s (-want +got):\n%s", topic, diff)
			}
		}
		if _, err := Verify(t.Context(), cl, testTopics, log); err != nil {
			t.Errorf("what was created is refused: %v", err)
		}
	})
}

func TestCreateTopics_keepsOutcomesForTwoWeeksAtLeast(t *testing.T) {
	for retention, want := range map[string]string{"3600000": "1209600000", "-1": "1209600000", "9223372036854775807": "9223372036854"} {
		synctest.Test(t, func(t *testing.T) {
			k := kafkatest.Kafka(t, kafkatest.Virtual(),
				kafkatest.Topic("events", 1, "retention.ms", retention), kafkatest.Topic("more", 1, "retention.ms", "1"))
			if err := Create(t.Context(), k.Client(t), testTopics, slog.New(slog.DiscardHandler)); err != nil {
				t.Fatal(err)
			}
			if got := *k.TopicInfo("events.responses").Configs["retention.ms"]; got != want {
				t.Errorf("source keeps %s, outcomes %s ms; want %s", retention, got, want)
			}
		})
	}
}

func TestCreateTopics_leavesWhatIsThereAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := kafkatest.Kafka(t, goodTopics()...)
		before := k.TopicInfo("dlq.events.deskstream")
		if err := Create(t.Context(), k.Client(t), testTopics, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, k.TopicInfo("dlq.events.deskstream")); diff != "" {
			t.Errorf("dead letters changed (-before +after):\n%s", diff)
		}
	})
}

func TestCreateTopics_whenAnotherInstanceIsFasterWaitsForItsTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic("events", 1), kafkatest.Topic("more", 1))
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "events.responses", Err: kerr.TopicAlreadyExists})
		time.AfterFunc(time.Second, func() {
			if err := k.CreateTopic("events.responses", 5, nil); err != nil {
				t.Errorf("creating the topic: %v", err)
			}
		})
		began := time.Now()
		if err := Create(t.Context(), k.Client(t), testTopics, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < time.Second {
			t.Errorf("took %v, want it to wait for the topic", took)
		}
	})
}

func TestCreateTopics_saysWhatItMayNotCreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic("events", 1), kafkatest.Topic("more", 1))
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "dlq.events.deskstream", Err: kerr.TopicAuthorizationFailed, Count: -1})
		err := Create(t.Context(), k.Client(t), testTopics, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "creating topic dlq.events.deskstream: ") {
			t.Errorf("got %v, want the topic named", err)
		}
	})
}

func TestCreateTopics_endsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic("events", 1), kafkatest.Topic("more", 1))
		k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Topic: "events.responses", Err: kerr.TopicAlreadyExists})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := Create(ctx, k.Client(t), testTopics, slog.New(slog.DiscardHandler))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "waiting for topics events.responses, ") {
			t.Errorf("got %v, want the wait for events.responses to end", err)
		}
	})
}
