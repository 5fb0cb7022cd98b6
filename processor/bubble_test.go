//go:build synctests

package processor_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/deskstream/deskstream/internal/kafkatest"
)

// bubble runs a test in a synctest bubble, where waiting costs nothing. The tag
// synctests makes kgo's mutexes such that a bubble sees who waits for them: without
// it, a commit that waits for a rejoin stops the bubble's clock permanently.
func bubble(t *testing.T, test func(t *testing.T, w *world), opts ...kafkatest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, append(opts, kafkatest.Virtual())...)
		w.step = 100 * time.Millisecond
		test(t, w)
	})
}
