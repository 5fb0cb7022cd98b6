package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// settles is how long a console that has just started is left alone before its CPU time counts.
const settles = 2 * time.Second

// readAlone measures a console beside no pipeline, for which outcomes are written at consoleRate: so the
// rate of the goal is reached on a machine where pipeline, broker and desk together do not reach it.
func (b *consoleBench) readAlone(ctx context.Context) (res Result, err error) {
	ctx, cancel := context.WithTimeout(ctx, runBound)
	defer cancel()
	b.runs++
	name := fmt.Sprintf("bench-%d-%d", os.Getpid(), b.runs)
	j := job{brokers: b.kafka.brokers, topic: name, group: name, responses: name + ".responses", letters: name + ".letters", url: "http://127.0.0.1:1", inFlight: 1, console: b.console}
	remove, err := b.kafka.topics(ctx, outputBytes, j.topic, j.responses, j.letters)
	if err != nil {
		return res, err
	}
	defer remove()
	file := filepath.Join(b.dir, name+".yaml")
	if err := os.WriteFile(file, []byte(configuration(j)), 0o600); err != nil {
		return res, fmt.Errorf("writing the configuration: %w", err)
	}
	measured, err := start(ctx, []string{b.binary, "console", "-c", file, "--log-level", "warn"})
	if err != nil {
		return res, err
	}
	defer measured.stop()
	if b.page, err = openPage(ctx, j.console, measured); err != nil {
		return res, err
	}
	if !b.isOpen { // it was opened to know that the console serves
		if err := b.page.close(); err != nil {
			return res, err
		}
	}
	n := consoleRate * b.seconds
	if _, err = b.write(ctx, j.responses, int(settles.Seconds()*consoleRate)); err != nil {
		return res, err
	}
	before, err := measured.used()
	if err != nil {
		return res, err
	}
	took, err := b.write(ctx, j.responses, n)
	after, errUsed := measured.used()
	if b.isOpen {
		err = errors.Join(err, b.page.close())
	}
	res.CPU, res.PerSecond = after-before, float64(n)/took.Seconds()
	return res, errors.Join(err, errUsed)
}

// write writes n outcomes at consoleRate.
func (b *consoleBench) write(ctx context.Context, topic string, n int) (took time.Duration, err error) {
	began := time.Now()
	var failed error
	promise := func(_ *kgo.Record, err error) { failed = errors.Join(failed, err) } // promises come one at a time
	for i := 0; i < n && ctx.Err() == nil; {
		for due := min(n, int(time.Since(began).Seconds()*consoleRate)+1); i < due; i++ {
			o := b.outcomes[i%len(b.outcomes)]
			b.kafka.client.Produce(ctx, &kgo.Record{Topic: topic, Key: o.Key, Value: o.Value, Headers: o.Headers}, promise)
		}
		time.Sleep(time.Millisecond)
	}
	if err := b.kafka.client.Flush(ctx); err != nil {
		return 0, fmt.Errorf("writing outcomes: %w", err)
	}
	return time.Since(began), failed
}
