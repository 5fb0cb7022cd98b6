package topics_test

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/sink/topics"
)

// While one partition takes nothing, what waits for it can fill the client. There may be as
// many records beside it as there are lanes, each of which is made again to be tried.
func TestWrite_aFullClientIsNotAskedAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int64
		b := newBench(t, func(c *topics.Config) {
			c.Encode = func(text []byte) ([]byte, error) { made.Add(1); return text, nil }
		})
		cl := b.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(1))
		writer := topics.NewWriter(b.cfg, cl, slog.New(slog.DiscardHandler))
		release := b.HoldProduce(t, responses)
		const entries = 50
		done := make(chan error, entries)
		for range entries {
			writer.Write(t.Context(), delivered(), func(_ int64, err error) { done <- err })
		}
		time.Sleep(time.Minute)
		if n := made.Load(); n > 60*entries {
			t.Errorf("%d records were made %d times in a minute in which none could be sent", entries, n)
		}
		release()
		released := time.Now()
		for range entries {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(released); took > 30*time.Second {
			t.Errorf("the client was free again, and the last record written %v later", took)
		}
	})
}
