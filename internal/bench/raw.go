package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// rawKeys is how many keys the raw loop's records have: as many as there are tickets in the webhooks, so
// that its batches are spread over the partitions as those of receive are.
const rawKeys = 1000

// runRaw is what net/http and the Kafka client can do: it writes each body to the topic as it came,
// under a key of rawKeys in turn, and answers 200 when all in-sync replicas have it. It checks no
// signature, reads nothing of a body and bounds nothing.
func runRaw(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("raw", flag.ContinueOnError)
	brokers := flags.String("brokers", "", "comma-separated")
	topic := flags.String("topic", "", "to write")
	listen := flags.String("listen", "", "address")
	padding := flags.Int("padding", 0, "bytes that each record has beyond the body")
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
	keys := make([][]byte, rawKeys)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "crm/ticket/%d", i)
	}
	var taken atomic.Uint64
	server := http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			if *padding > 0 {
				body = append(body, bytes.Repeat(body[:1], *padding)...)
			}
			key := keys[taken.Add(1)%rawKeys]
			err = client.ProduceSync(r.Context(), &kgo.Record{Key: key, Value: body}).FirstErr()
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
