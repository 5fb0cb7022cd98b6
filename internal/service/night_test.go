//go:build synctests

package service

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// newNight begins a night in simulated time, on the embedded broker. It has to be called in a bubble.
func newNight(t *testing.T) *night {
	t.Helper()
	return beginNight(t, nightAt{kafka: kafkatest.Kafka(t, kafkatest.Virtual()), minute: time.Minute, settled: synctest.Wait})
}

// In simulated time each incident fires the alerts that it should, and the hour before it none.
func TestAlerts_fireInTheNight(t *testing.T) {
	rules := readRules(t)
	if testing.Short() {
		incidents = incidents[:1]
	}
	for _, in := range incidents {
		t.Run(in.name, func(t *testing.T) {
			t.Parallel()
			var n *night
			var end time.Time
			synctest.Test(t, func(t *testing.T) {
				n = newNight(t)
				end = n.play(in)
			})
			n.judge(t, rules, in, end)
		})
	}
}
