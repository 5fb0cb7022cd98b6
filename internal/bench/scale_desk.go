package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// stuck is in an event to which the desk gives no answer.
const stuck = "event-without-an-answer"

// serveScaleDesk takes every event at once, but those that are stuck.
func serveScaleDesk(ctx context.Context, w io.Writer) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for the desk: %w", err)
	}
	if _, err := fmt.Fprintf(w, "http://%s\n", listener.Addr()); err != nil {
		return err
	}
	var held atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_desk" {
			_, _ = fmt.Fprintf(w, `{"Stuck":%d}`, held.Load()) // the reader is gone
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the sender is gone
		}
		if strings.Contains(string(body), stuck) {
			held.Add(1)
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, answer) // the reader is gone
	})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // nothing is left to answer
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the desk: %w", err)
	}
	return nil
}
