package main

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// outcome is the record that the limit writes for each event: about what an outcome
// is without bodies.
const outcome = `{"event":{"id":"bench-0000000","type":"track","name":"Product Purchased","lane":"user-0000"},"destination":{"name":"crm","type":"kustomer"},` +
	`"outcome":"delivered","calls":[{"method":"POST","url":"http://127.0.0.1/v1/tracking/identityEvent","status":201,"attempts":1,"duration_ms":1}],"round":0,"schema":1}`

// limit is what the client libraries can do without any guarantee: a user's events
// go to one of the workers, each event is one POST, and one record to the responses
// topic that nobody waits for. Offsets are committed by the client, ahead of it all.
type limit struct {
	brokers          []string
	topic, responses string
	group            string
	url              string
	workers          int
}

// backlog is how many events wait for one worker.
const backlog = 64

func (l limit) run(ctx context.Context) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(l.brokers...), kgo.ConsumeTopics(l.topic), kgo.ConsumerGroup(l.group),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DefaultProduceTopic(l.responses),
	)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	defer client.Close()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, l.workers
	defer transport.CloseIdleConnections()

	var wg sync.WaitGroup
	queues := make([]chan *kgo.Record, l.workers)
	for i := range queues {
		queues[i] = make(chan *kgo.Record, backlog)
		wg.Go(func() {
			for r := range queues[i] {
				l.deliver(ctx, client, transport, r)
			}
		})
	}
	hash := maphash.MakeSeed()
	for ctx.Err() == nil {
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			select {
			case queues[maphash.Bytes(hash, r.Key)%uint64(len(queues))] <- r:
			case <-ctx.Done():
			}
		})
	}
	for _, queue := range queues {
		close(queue)
	}
	wg.Wait()
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := client.Flush(flush); err != nil {
		return fmt.Errorf("flushing: %w", err)
	}
	return nil
}

func (l limit) deliver(ctx context.Context, client *kgo.Client, transport http.RoundTripper, r *kgo.Record) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url, bytes.NewReader(r.Value))
	if err != nil {
		return
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body) // no guarantees
	_ = resp.Body.Close()
	client.Produce(ctx, &kgo.Record{Key: r.Key, Value: []byte(outcome)}, nil)
}
