package stub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Listening is a Server that serves at an address.
type Listening struct {
	// URL is the address, without a path.
	URL string
	// Failed gets the error that ended the serving.
	Failed <-chan error
	// Close ends the serving and closes the Server, and waits until both have ended.
	Close func()
}

// Listen serves s at an address, in a goroutine that Close ends.
func Listen(ctx context.Context, address string, s *Server) (Listening, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return Listening{}, fmt.Errorf("listening for the stub help desks: %w", err)
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	failed, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	return Listening{
		URL: "http://" + listener.Addr().String(), Failed: failed,
		Close: func() {
			_ = server.Close() // open calls are cancelled
			<-done
			s.Close()
		},
	}, nil
}
