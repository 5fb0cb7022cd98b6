package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// runRaw is what net/http and the Kafka client can do: it writes each body to the topic as it came,
// under its path as the key, and answers 200 when all in-sync replicas have it. It checks no signature,
// reads nothing of a body and bounds nothing.
func runRaw(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("raw", flag.ContinueOnError)
	brokers := flags.String("brokers", "", "comma-separated")
	topic := flags.String("topic", "", "to write")
	listen := flags.String("listen", "", "address")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(*brokers, ",")...), kgo.DefaultProduceTopic(*topic),
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0))
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer client.Close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	server := http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = client.ProduceSync(r.Context(), &kgo.Record{Key: []byte(r.URL.Path), Value: body}).FirstErr()
		}
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"ok"}`) // the client went away
	})}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
