package endpoint

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The bounds of every server.
const (
	headerTimeout = 10 * time.Second
	// ReadTimeout bounds the reading of a request, its body included.
	ReadTimeout = 10 * time.Second
	// WriteTimeout is Config.AnswerWithin of an endpoint for monitoring.
	WriteTimeout = 30 * time.Second
	idleTimeout  = 30 * time.Second
	// maxConnections is how many connections a server keeps. Each is a file descriptor
	// that the calls to help desks may need.
	maxConnections = 16
)

// Endpoint is an HTTP server with its listener.
type Endpoint struct {
	Listener net.Listener
	Server   *http.Server
}

// Config is what an Endpoint has of its own.
type Config struct {
	Handler http.Handler
	// AnswerWithin bounds a request from its end to the end of the response.
	AnswerWithin time.Duration
	// Connections is how many are kept, 0 for 16. Beyond it the one that has been idle longest is
	// closed, or else the newest.
	Connections int
	// TLS encrypts the connections; nil: they are plain.
	TLS *tls.Config
	// ErrorLog takes the server's own messages; nil: Log, as warnings. They may quote a client.
	ErrorLog *log.Logger
	Log      *slog.Logger
}

// New makes an Endpoint that serves at a listener.
func New(listener net.Listener, c Config) Endpoint {
	if c.ErrorLog == nil {
		c.ErrorLog = slog.NewLogLogger(c.Log.Handler(), slog.LevelWarn)
	}
	if c.Connections == 0 {
		c.Connections = maxConnections
	}
	return Endpoint{Listener: listener, Server: &http.Server{
		Handler: c.Handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: ReadTimeout, WriteTimeout: c.AnswerWithin, IdleTimeout: idleTimeout,
		ConnState: newConnectionLimit(c.Connections).observe, ErrorLog: c.ErrorLog, TLSConfig: c.TLS,
	}}
}

// Serve serves until Close or Server.Shutdown.
func (e Endpoint) Serve() error {
	serve := e.Server.Serve
	if e.Server.TLSConfig != nil {
		serve = func(l net.Listener) error { return e.Server.ServeTLS(l, "", "") }
	}
	if err := serve(e.Listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close ends the server; a request that is under way does not keep the process.
func (e Endpoint) Close() { _ = e.Server.Close() }

// Monitoring is what monitoring asks for.
type Monitoring struct {
	Registry *prometheus.Registry
	Ready    http.HandlerFunc
	// Exemplars has /metrics offer the OpenMetrics format, the one text format with exemplars. In it
	// the label le of a histogram is 1.0 and not 1.
	Exemplars bool
}

// Handler serves /metrics, /healthz and /readyz.
func (m Monitoring) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{Registry: m.Registry, EnableOpenMetrics: m.Exemplars}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		Answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", m.Ready)
	return mux
}

// Answer writes a response with a JSON body.
func Answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the reader went away: nobody to tell
}
