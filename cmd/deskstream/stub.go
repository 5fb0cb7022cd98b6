package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/deskstream/deskstream/internal/stub"
)

func newStubCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stub",
		Short: "Serves stub Trengo and Kustomer help desks",
		Long: `stub serves help desks that answer as Trengo's and Kustomer's documents say, for
local stacks and load tests. Everything is kept in memory. What the help desks
received is shown as NDJSON at /_stub/received; /_stub/stats counts it, POST to
/_stub/reset forgets it, and POST to /_stub/outage?destination=trengo&status=503
puts one out of order until the same with status=0.`,
		Example: `  deskstream stub --listen 127.0.0.1:9500 --latency 20ms
  deskstream stub --fail-rate 0.01 --seed 7 --limit 1000 --token "$TRENGO_API_TOKEN"`,
		Args: cobra.NoArgs,
	}
	var cfg stub.Config
	listen := cmd.Flags().String("listen", "127.0.0.1:9500", "the `address` to serve at; port 0 is a free one")
	stubFlags(cmd, &cfg)
	cmd.Flags().DurationVar(&cfg.Jitter, "jitter", 0, "the most that is added to the latency of a call, by its hash")
	cmd.Flags().DurationVar(&cfg.Silence, "silence", 2*time.Second, "how long a failing call without an answer is held")
	cmd.Flags().IntVar(&cfg.Limit, "limit", 60000, "calls in a window: of each Trengo token, of all Kustomer tokens together")
	cmd.Flags().DurationVar(&cfg.Window, "window", time.Minute, "the length of that window")
	cmd.Flags().BoolVar(&cfg.Sliding, "sliding", false, "count in the window that ends now instead of fixed ones")
	cmd.Flags().StringArrayVar(&cfg.Tokens, "token", nil, "a token to accept; repeatable (default: every token)")
	cmd.Flags().StringToStringVar(&cfg.Channels, "channel", map[string]string{"123456": stub.EMAIL, "123457": stub.WABusiness},
		"a Trengo channel as `id=TYPE` (EMAIL, WA_BUSINESS, SMS, VOIP); repeatable")
	cmd.Flags().BoolVar(&cfg.KeepBodies, "keep-bodies", false, "show the bodies of the calls received too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := cfg.Validate(); err != nil {
			return usageError{err}
		}
		return a.serveStub(cmd.Context(), *listen, stub.New(cfg))
	}
	return cmd
}

// stubFlags are the flags that stub and demo share.
func stubFlags(cmd *cobra.Command, cfg *stub.Config) {
	cmd.Flags().Uint64Var(&cfg.Seed, "seed", 1, "what decides about everything random; the same seed gives the same run")
	cmd.Flags().DurationVar(&cfg.Latency, "latency", 0, "how long the help desks take to answer")
	cmd.Flags().Float64Var(&cfg.FailRate, "fail-rate", 0, "the share of calls, 0 to 1, that the help desks fail to answer")
}

// serveStub serves until ctx ends and prints where.
func (a *app) serveStub(ctx context.Context, address string, s *stub.Server) error {
	listening, err := startStub(ctx, address, s)
	if err != nil {
		return err
	}
	defer listening.close()
	if _, err := fmt.Fprintf(a.stdout, "trengo    %s\nkustomer  %s\nreceived  %s\n", listening.url+stub.TrengoPath,
		listening.url+stub.KustomerPath, listening.url+"/_stub/received"); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-listening.failed:
		return fmt.Errorf("serving the stub help desks: %w", err)
	}
}

// stubServer is a stub that listens.
type stubServer struct {
	url    string
	failed <-chan error
	close  func()
}

// startStub begins to serve in a goroutine that close ends.
func startStub(ctx context.Context, address string, s *stub.Server) (stubServer, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return stubServer{}, fmt.Errorf("listening for the stub help desks: %w", err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	failed, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	return stubServer{
		url: "http://" + listener.Addr().String(), failed: failed,
		close: func() {
			_ = server.Close() // calls that are open were told to go
			<-done
		},
	}, nil
}
