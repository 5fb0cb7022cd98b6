package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// scrapeEvery is how often the metrics of an observed program are read: far more often than Prometheus
// does, since a run takes seconds.
const scrapeEvery = time.Second

// observer reads the metrics of a program and takes its traces, and keeps neither.
type observer struct {
	server   *http.Server
	url      string
	batches  atomic.Int64 // of spans that arrived
	scraped  atomic.Int64
	shutdown func() error
}

// observe starts an observer on loopback.
func observe(ctx context.Context) (*observer, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for traces: %w", err)
	}
	o := &observer{url: "http://" + listener.Addr().String()}
	o.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // nobody reads traces here
		o.batches.Add(1)
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = o.server.Serve(listener) }) // it ends when it is closed
	o.shutdown = func() error {
		err := o.server.Close()
		serving.Wait()
		return err
	}
	return o, nil
}

// close ends the observer. It is an error if nothing was observed: the figures would be of a program
// whose signals were off.
func (o *observer) close() error {
	err := o.shutdown()
	if o.batches.Load() == 0 || o.scraped.Load() == 0 {
		err = errors.Join(err, fmt.Errorf("%d batches of spans arrived, and metrics were read %d times", o.batches.Load(), o.scraped.Load()))
	}
	return err
}

// observed is a program with traces of a share of the events, and with metrics that are read.
func (o *observer) observed(p program, share float64) program {
	p.name, p.observer = "observed", o
	p.env = []string{
		"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_ENDPOINT=" + o.url,
		"OTEL_TRACES_SAMPLER=parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG=" + strconv.FormatFloat(share, 'g', -1, 64),
	}
	return p
}

// scrape reads the metrics at an address until stop is called.
func (o *observer) scrape(ctx context.Context, address string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	reading.Go(func() {
		tick := time.NewTicker(scrapeEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := get(ctx, "http://"+address+"/metrics", func(body io.Reader) error {
				_, err := io.Copy(io.Discard, body)
				return err
			})
			if err == nil { // it may not listen yet
				o.scraped.Add(1)
			}
		}
	})
	return func() { cancel(); reading.Wait() }
}
