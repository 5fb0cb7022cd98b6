package kafkatest

import (
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// FailProduce answers the next n produce requests to a topic with err, all that
// come if n is negative, until the handle's Remove. The handle counts them, too.
func (c *Cluster) FailProduce(topic string, n int, err *kerr.Error) *kfake.FaultHandle {
	return c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Err: err, Count: n})
}

// WatchProduce counts the produce requests to a topic and leaves them alone.
func (c *Cluster) WatchProduce(topic string) *kfake.FaultHandle {
	return c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: topic, Observe: true, Count: -1})
}

// HoldProduce leaves produce requests to a topic unanswered, and undone, until the
// function that it returns is called. What a client sends after them over the same
// connection waits as well. The test's end lets them go.
func (c *Cluster) HoldProduce(t testing.TB, topic string) (release func()) {
	t.Helper()
	info := c.TopicInfo(topic)
	if info == nil {
		t.Fatalf("topic %s does not exist", topic)
	}
	released := make(chan struct{})
	var once sync.Once
	release = func() { once.Do(func() { close(released) }) }
	t.Cleanup(release)
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		produce := req.(*kmsg.ProduceRequest)
		held := slices.ContainsFunc(produce.Topics, func(t kmsg.ProduceRequestTopic) bool {
			return t.Topic == topic || t.TopicID == info.TopicID
		})
		if held {
			c.SleepControl(func() { <-released })
		}
		return nil, nil, false
	})
	return release
}

// FailHeartbeats answers the next n heartbeats of classic groups with err.
func (c *Cluster) FailHeartbeats(n int, err *kerr.Error) *kfake.FaultHandle {
	return c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Err: err, Count: n})
}

// HoldGroups leaves the members of all groups without an answer until the function that
// it returns is called, or the test ends. What they ask of topics is answered.
func (c *Cluster) HoldGroups(t testing.TB) (release func()) {
	t.Helper()
	released := make(chan struct{})
	var once sync.Once
	release = func() { once.Do(func() { close(released) }) }
	t.Cleanup(release)
	for _, key := range []kmsg.Key{kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat} {
		c.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
			select {
			case <-released:
			default:
				c.KeepControl()
				c.SleepControl(func() { <-released })
			}
			return nil, nil, false
		})
	}
	return release
}
