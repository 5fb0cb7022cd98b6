//go:build synctests

package processor_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/internal/kafkatest"
	"github.com/deskstream/deskstream/processor"
)

func joinAlone(t *testing.T, c *kafkatest.Cluster, opts ...kgo.Opt) (*processor.SoleMember, error) {
	t.Helper()
	return processor.JoinAlone(t.Context(), "deskstream.crm.reprocess", "dlq", slog.New(slog.DiscardHandler), append(c.Options(), opts...)...)
}

func mustJoinAlone(t *testing.T, c *kafkatest.Cluster, opts ...kgo.Opt) *processor.SoleMember {
	t.Helper()
	s, err := joinAlone(t, c, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSoleMember_isAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic("dlq", 3))
		first := mustJoinAlone(t, c)
		began := time.Now()
		if _, err := joinAlone(t, c); !errors.Is(err, processor.ErrNotAlone) {
			t.Errorf("the second got %v, want ErrNotAlone", err)
		}
		t.Logf("the second was refused after %v", time.Since(began))
		select {
		case <-first.Lost():
			t.Error("the first lost its place to one that was refused")
		default:
		}
		if err := first.Await(t.Context()); err != nil {
			t.Errorf("the first is not counted in: %v", err)
		}
		first.Leave()
		began = time.Now()
		second := mustJoinAlone(t, c)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the next waited %v for one that had left", took)
		}
		second.Leave()
	})
}

func TestSoleMember_ofSeveralAtOnceExactlyOneGetsIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic("dlq", 3))
		results := make(chan *processor.SoleMember)
		for range 3 {
			go func() {
				s, err := joinAlone(t, c)
				if err != nil && !errors.Is(err, processor.ErrNotAlone) {
					t.Errorf("joining: %v", err)
				}
				results <- s
			}()
		}
		in := 0
		for range 3 {
			if s := <-results; s != nil {
				in++
				defer s.Leave()
			}
		}
		if in != 1 {
			t.Errorf("%d got in, want 1", in)
		}
	})
}

func TestSoleMember_waitsForTheSessionOfOneThatDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := kafkatest.Kafka(t, kafkatest.Virtual(), kafkatest.Topic("dlq", 3))
		network := &wire{w: &world{kafka: c}}
		dead := mustJoinAlone(t, c, kgo.Dialer(network.dial))
		network.cut()
		began := time.Now()
		next := mustJoinAlone(t, c)
		defer next.Leave()
		if took := time.Since(began); took < time.Second || took > 30*time.Second {
			t.Errorf("got in after %v, want the session of the dead one", took)
		}
		time.Sleep(time.Millisecond) // the session is over to the very moment
		bounded, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := dead.Await(bounded); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the dead one is still counted in: %v", err)
		}
		dead.Leave()
	})
}
