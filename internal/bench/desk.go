package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// answer is what the tracking API says to an event that it took.
const answer = `{"data":{"type":"tracking_identity","id":"5f0f8d0c1b7f4d0012a3b4c5","attributes":{"trackingId":"5f0f8d0c1b7f4d0012a3b4c6","status":"identified"}}}`

// desk is a help desk that takes every event after latency. It is lighter than the
// stub, whose checks would take the processor time that is to be measured.
type desk struct {
	latency time.Duration
	events  dataset

	mu       sync.Mutex
	taken    []int64 // when event i was first answered, Unix nanoseconds; 0 not yet
	last     []int   // the newest event of a user that arrived; -1 none
	open     []int   // calls of a user that are in flight
	received Received
}

// Received is what a desk saw.
type Received struct {
	Events     int   `json:"events"`     // of the data set
	Distinct   int   `json:"distinct"`   // events answered once or more
	Duplicates int   `json:"duplicates"` // calls beyond an event's first
	Disorder   int   `json:"disorder"`   // first arrivals behind a later one of their user, or during another
	Strange    int   `json:"strange"`    // calls without an event of the data set
	First      int64 `json:"first"`      // arrival of the first call, Unix nanoseconds
	Last       int64 `json:"last"`       // the newest first answer, Unix nanoseconds
}

func newDesk(latency time.Duration, events dataset) *desk {
	d := &desk{latency: latency, events: events, taken: make([]int64, len(events.of)), last: make([]int, users), open: make([]int, users)}
	for i := range d.last {
		d.last[i] = -1
	}
	d.received.Events = len(events.of)
	return d
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/_desk/received":
		d.mu.Lock()
		defer d.mu.Unlock()
		_ = json.NewEncoder(w).Encode(d.received) // the reader is gone
		return
	case "/_desk/taken":
		d.mu.Lock()
		defer d.mu.Unlock()
		_ = binary.Write(w, binary.LittleEndian, d.taken) // the reader is gone
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender is gone
	}
	i, ok := number(body)
	ok = ok && i < len(d.events.of)
	d.arrived(i, ok)
	time.Sleep(d.latency)
	d.answered(i, ok)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer) // the reader is gone
}

func (d *desk) arrived(i int, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.received.First == 0 {
		d.received.First = time.Now().UnixNano()
	}
	if !known {
		d.received.Strange++
		return
	}
	user := d.events.of[i]
	if i < d.last[user] && d.taken[i] == 0 || d.open[user] > 0 {
		d.received.Disorder++
	}
	d.last[user] = max(d.last[user], i)
	d.open[user]++
}

func (d *desk) answered(i int, known bool) {
	if !known {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[d.events.of[i]]--
	if d.taken[i] != 0 {
		d.received.Duplicates++
		return
	}
	d.received.Last = time.Now().UnixNano()
	d.taken[i] = d.received.Last
	d.received.Distinct++
}

// serveDesk serves until the process is ended, and writes where to w.
func serveDesk(ctx context.Context, w io.Writer, latency time.Duration, events dataset) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for the desk: %w", err)
	}
	if _, err := fmt.Fprintf(w, "http://%s\n", listener.Addr()); err != nil {
		return err
	}
	server := &http.Server{Handler: newDesk(latency, events), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // nothing is left to answer
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the desk: %w", err)
	}
	return nil
}
