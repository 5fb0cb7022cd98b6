package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// sender sends requests over connections that stay open, each request as soon as a connection is free,
// or with a rate when it is due.
type sender struct {
	address     string
	connections int
	requests    [][]byte
	rate        float64 // a second, 0: as fast as they are answered
}

// sent is what sending took.
type sent struct {
	perSecond float64
	p50, p99  time.Duration // from when a request was due
}

// run sends all requests. An answer other than 200 is an error.
func (s sender) run(ctx context.Context) (sent, error) {
	conns := make([]net.Conn, s.connections)
	defer func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	}()
	for i := range conns {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
		if err != nil {
			return sent{}, err
		}
		conns[i] = c
	}
	var next atomic.Int64
	waits := make([]time.Duration, len(s.requests))
	failed := make([]error, len(conns))
	var group sync.WaitGroup
	began := time.Now()
	for i, c := range conns {
		group.Go(func() {
			answers := bufio.NewReader(c)
			for n := next.Add(1) - 1; n < int64(len(s.requests)) && ctx.Err() == nil; n = next.Add(1) - 1 {
				due := time.Now()
				if s.rate > 0 {
					due = began.Add(time.Duration(float64(n) / s.rate * float64(time.Second)))
					time.Sleep(time.Until(due))
				}
				if failed[i] = exchange(c, answers, s.requests[n]); failed[i] != nil {
					return
				}
				waits[n] = time.Since(due)
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	if err := errors.Join(errors.Join(failed...), ctx.Err()); err != nil {
		return sent{}, fmt.Errorf("sending webhooks: %w", err)
	}
	slices.Sort(waits)
	return sent{float64(len(waits)) / took.Seconds(), waits[len(waits)/2], waits[len(waits)*99/100]}, nil
}

func exchange(c io.Writer, answers *bufio.Reader, request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	resp, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("a webhook was answered with %s", resp.Status)
	}
	return nil
}
