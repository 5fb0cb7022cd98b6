package export

import (
	"context"
	"time"

	"github.com/deskstream/deskstream/internal/wiring"
)

// rereadEvery is the time between two looks at the files of a credential.
const rereadEvery = 2 * time.Second

// watchCredential reads the credential of a destination again, until stop is called: a walk may take
// days.
func (w *walker) watchCredential(ctx context.Context, l wiring.Library) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(rereadEvery)
		defer tick.Stop()
		for logged := ""; ; {
			logged = w.rereadCredential(l, logged)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// rereadCredential returns the error that it met. One that was met last is not logged again.
func (w *walker) rereadCredential(l wiring.Library, logged string) string {
	changed, err := wiring.RereadCredential(l.Config)
	if changed {
		w.log.Info("credential changed")
		w.renewed()
	}
	switch {
	case err == nil:
		return ""
	case err.Error() != logged:
		w.log.Error("reading the credential again failed, the current one stays", "err", err)
	}
	return err.Error()
}
