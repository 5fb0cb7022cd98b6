package main

import (
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// ignoreHangUp logs each SIGHUP until stop is called. Without it the signal ends the
// process at once, without an orderly stop: a terminal that is closed sends it, and
// people who expect a reload.
func ignoreHangUp(log *slog.Logger) (stop func()) {
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range hangUps {
			log.Warn("SIGHUP ignored: restart to use another configuration; credentials in files are read again while it runs")
		}
	}()
	return func() {
		signal.Stop(hangUps)
		close(hangUps)
		<-done
	}
}
