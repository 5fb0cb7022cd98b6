//go:build synctests

package processor_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Without any right to write a client gets no producer id either, and it keeps that answer.
func TestWrites_beginOnceAProducerIDIsGranted(t *testing.T) {
	for _, refusal := range []*kerr.Error{kerr.ClusterAuthorizationFailed, kerr.UnknownServerError, kerr.CoordinatorNotAvailable} {
		t.Run(refusal.Message, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.sendUser(0, "u", 1, 3)
				refused := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, TopLevel: true, Err: refusal, Count: -1})
				in := w.start()
				time.Sleep(time.Minute)
				if n := len(w.desk.ids()); n > 0 {
					t.Errorf("%d calls whose outcomes could not be written", n)
				}
				refused.Remove()
				w.settledAll()
				in.check()
				if got := len(w.desk.ids()); got != 3 {
					t.Errorf("%d calls for 3 events", got)
				}
				in.stop()
			})
		})
	}
}
