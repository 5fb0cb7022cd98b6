//go:build kafka

package service

import (
	"flag"
	"testing"
	"time"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

var nights = flag.Bool("nights", false, "play the nights of the alerts on Apache Kafka, in real time: for a machine that has little else to do")

// The first three incidents, on Apache Kafka and in real time: the same script, in which a second stands for
// each minute. They fire the same alerts, and the hour before them none.
func TestKafka_alertsFireInTheNight(t *testing.T) {
	if !*nights {
		t.Skip("goes by the clock; 'make nights' does it")
	}
	rules := readRules(t)
	kafka := kafkatest.OwnApache(t, kafkatest.ApacheConfig{Brokers: 1})
	for _, in := range incidents[:3] {
		t.Run(in.name, func(t *testing.T) {
			t.Parallel()
			n := beginNight(t, nightAt{
				kafka: kafka.Cluster, prefix: kafkatest.Unique(), minute: time.Second, settled: func() {},
				retry: "retry: {initial: 50ms, max: 1s}, ",
			})
			end := n.play(in)
			n.close() // or it would be scraped while its series are read
			n.judge(t, rules, in, end)
		})
	}
}
