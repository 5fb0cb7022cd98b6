//go:build synctests

package processor

import (
	"testing"
	"testing/synctest"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// The client answers from what it learned of a topic up to five seconds ago.
func TestDescribe_returnsTheTopicThatIsThereNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kafka := kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic("events", 1))
		c := clients{admin: kadm.NewClient(kafka.Client(t))}
		for range 2 {
			found, err := c.describe(t.Context(), "events")
			if err != nil {
				t.Fatal(err)
			}
			if got, want := found["events"].ID, kadm.TopicID(kafka.TopicInfo("events").TopicID); got != want {
				t.Errorf("topic %s, want %s", got, want)
			}
			if err := kafka.DeleteTopic("events"); err != nil {
				t.Fatal(err)
			}
			if err := kafka.CreateTopic("events", 1, nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}
