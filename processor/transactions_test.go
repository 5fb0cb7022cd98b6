//go:build synctests

package processor_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/deskstream/deskstream/processor"
	"github.com/deskstream/deskstream/sink"
)

// openTransaction has a producer begin a transaction with an event of a user, and leaves it.
func (w *world) openTransaction(partition int32, user string) *kgo.Client {
	w.t.Helper()
	cl := w.kafka.Client(w.t, kgo.TransactionalID("tx-"+user), kgo.TransactionTimeout(15*time.Minute), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := cl.BeginTransaction(); err != nil {
		w.t.Fatal(err)
	}
	if err := cl.ProduceSync(w.t.Context(), &kgo.Record{Topic: source, Partition: partition, Value: event(user, 1)}).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
	return cl
}

func TestTransactions_oneThatDoesNotEndIsTrouble(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.sendUser(1, "u", 1, 3)
		in := w.start()
		w.settledAll()
		tx := w.openTransaction(1, "tx")
		began := time.Now()
		w.sendUser(1, "u", 4, 9)
		w.eventually("a figure", func() bool { return in.Figures().OpenTransaction > 0 })
		time.Sleep(time.Until(began.Add(100 * time.Second)))
		if f := in.Figures(); len(f.Trouble) > 0 || f.OpenTransaction < 30*time.Second || f.OpenTransaction > 100*time.Second {
			t.Errorf("after 100 s the figures are %+v, want a transaction of 30 s or more and no trouble", f)
		}
		w.eventually("trouble", func() bool { return slices.Equal(in.Figures().Trouble, []string{"transaction"}) })
		if took := time.Since(began); took > 3*time.Minute+30*time.Second {
			t.Errorf("it was seen after %v", took)
		}
		time.Sleep(8 * time.Minute)
		if got := w.desk.ids(); len(got) != 3 {
			t.Errorf("%d calls, want 3 with a transaction that is open", len(got))
		}
		if err := tx.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
		w.settledAll()
		w.eventually("the end of the trouble", func() bool { f := in.Figures(); return f.OpenTransaction == 0 && len(f.Trouble) == 0 })
		// Two users are two lanes, and either may be called first.
		later := w.desk.ids()[3:]
		slices.Sort(later)
		if diff := cmp.Diff([]string{"tx-1", "u-4", "u-5", "u-6", "u-7", "u-8", "u-9"}, later); diff != "" {
			t.Errorf("calls after the transaction (-want +got):\n%s", diff)
		}
		begun, right, over := w.logged("ERROR"), w.logged("ERROR", "topic=events partition=1 start_offset=3 records_behind=7"), w.logged("INFO", "lasted=")
		if begun != 1 || right != 1 || over != 1 {
			t.Errorf("logged %d times that a transaction is open, %d times which, and %d times that it is over; want once each", begun, right, over)
		}
		in.check()
		in.stop()
	})
}

// Transactions that come one after another, with records of no transaction among them, are none
// that does not end.
func TestTransactions_thoseThatEndAreNoTrouble(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		in := w.start()
		for until := time.Now().Add(20 * time.Minute); time.Now().Before(until); {
			tx := w.openTransaction(0, "tx")
			w.sendUser(0, "u", 1, 1)
			time.Sleep(25 * time.Second)
			if f := in.Figures(); len(f.Trouble) > 0 || f.OpenTransaction > 30*time.Second {
				t.Fatalf("figures %+v with a transaction of 25 s", f)
			}
			if err := tx.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
				t.Fatal(err)
			}
			tx.Close()
		}
		w.settledAll()
		in.stop()
	})
}

// A reader of uncommitted records waits for no transaction.
func TestTransactions_areNoMatterToAReaderOfUncommittedRecords(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		in := w.start(func(c *processor.Config, _ *sink.Config) { c.ReadUncommitted = true })
		w.openTransaction(0, "tx")
		w.eventually("the call", func() bool { return len(w.desk.ids()) == 1 })
		time.Sleep(10 * time.Minute)
		if f := in.Figures(); len(f.Trouble) > 0 || f.OpenTransaction > 0 {
			t.Errorf("figures %+v", f)
		}
		in.stop()
	})
}
