// Command deskstream reads customer events from Kafka and delivers them to help desks.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(start()) }

// start runs the program until it is done or told to stop.
func start() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks for an orderly end. It also takes the handler away, so that
	// a second one ends the process at once.
	defer context.AfterFunc(ctx, stop)()
	return run(ctx, os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, os.Stderr)
}
