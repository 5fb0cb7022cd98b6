//go:build kafka

package main

import (
	"testing"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// On Apache Kafka an instance dies besides before each call that makes something takes effect: the
// next one waits until it may believe that nothing was made.
func TestKafka_recipesSurviveADeathAtEveryCall(t *testing.T) {
	needsProcess(t)
	a := kafkatest.SharedApache(t)
	for _, r := range recipesOf(t) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.surviveEveryCall(t, func(t *testing.T) worldOptions {
				o := on(t, a, worldOptions{sources: 1, others: 1})
				o.timeout = ticketTimeout
				return o
			}, func(clean story, call int) bool { return clean.creates[call] })
		})
	}
}
