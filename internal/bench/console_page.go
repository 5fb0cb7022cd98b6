package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// page is the live page as a browser has it open: a stream that is read, and beside it the overview, which
// is fetched again and again to find out how long people wait for a page.
type page struct {
	base   string
	end    context.CancelFunc
	both   sync.WaitGroup
	failed [2]error
	rows   atomic.Int64
	opened time.Time
	lasted time.Duration // from its opening to its closing
	// waits are of the overview, from the request to the last byte.
	waits []time.Duration
}

// refetchEvery is how often the overview is fetched.
const refetchEvery = time.Second

// openPage waits until the console of p serves pages, and opens one.
func openPage(ctx context.Context, address string, p *process) (*page, error) {
	pg := &page{base: "http://" + address}
	if err := until(ctx, p, "its console answered", func() (bool, error) { return pg.fetch(ctx) == nil, nil }); err != nil {
		return nil, err
	}
	ctx, pg.end = context.WithCancel(ctx)
	pg.opened = time.Now()
	opened := make(chan error, 1)
	pg.both.Go(func() { pg.failed[0] = pg.stream(ctx, opened) })
	pg.both.Go(func() { pg.failed[1] = pg.refetch(ctx) })
	if err := <-opened; err != nil {
		return nil, errors.Join(err, pg.close())
	}
	return pg, nil
}

// close closes the page. Its error is that of a stream or an overview that did not come.
func (p *page) close() error {
	p.end()
	p.both.Wait()
	p.lasted = time.Since(p.opened)
	return errors.Join(p.failed[:]...)
}

func (p *page) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the console: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("the console answers %s with %s", path, resp.Status)
	}
	return resp, nil
}

func (p *page) fetch(ctx context.Context) error {
	resp, err := p.get(ctx, "/")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func (p *page) refetch(ctx context.Context) error {
	tick := time.NewTicker(refetchEvery)
	defer tick.Stop()
	for {
		began := time.Now()
		if err := p.fetch(ctx); ctx.Err() != nil {
			return nil
		} else if err != nil {
			return err
		}
		p.waits = append(p.waits, time.Since(began))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// stream counts the rows that come. Once it is open, or cannot be opened, opened has the error.
func (p *page) stream(ctx context.Context, opened chan<- error) error {
	resp, err := p.get(ctx, "/outcomes/stream")
	opened <- err
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		p.rows.Add(int64(strings.Count(lines.Text(), "<tr")))
	}
	if ctx.Err() == nil {
		return fmt.Errorf("the stream ended: %w", errors.Join(lines.Err(), io.ErrUnexpectedEOF))
	}
	return nil
}
