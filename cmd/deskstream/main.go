// Command deskstream reads customer events from Kafka and delivers them to help desks.
package main

import (
	"context"
	"io"
	"log"
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
	return run(ctx, os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, os.Stderr)
}
