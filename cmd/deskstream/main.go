// Command deskstream reads customer events from Kafka and delivers them to help desks.
package main

import (
	"context"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(start()) }

// start runs the program until it is done or told to stop. The first signal asks for
// an orderly end, the second one ends the process at once.
func start() int {
	// What the standard library logs by itself has no form of ours, and the HTTP client
	// quotes an answer that nobody asked for.
	log.SetOutput(io.Discard)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitFault)
	}()
	return run(ctx, os.Args[1:], os.LookupEnv, streams{os.Stdin, os.Stdout, os.Stderr})
}

// hangUps receives each SIGHUP until stop is called.
func hangUps() (received <-chan os.Signal, stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	return signals, func() { signal.Stop(signals) }
}

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
