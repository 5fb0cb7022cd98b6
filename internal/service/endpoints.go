package service

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// endpoint is one of the program's own HTTP servers.
type endpoint struct {
	listener net.Listener
	server   *http.Server
}

func newEndpoint(listener net.Listener, handler http.Handler, answerWithin time.Duration, log *slog.Logger) endpoint {
	return endpoint{listener: listener, server: &http.Server{
		Handler: handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: answerWithin, IdleTimeout: idleTimeout,
		ConnState: newConnectionLimit(maxConnections).observe,
		ErrorLog:  slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
}

func (e endpoint) serve() error {
	if err := e.server.Serve(e.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// close ends the server; a scrape that is under way does not keep the process.
func (e endpoint) close() { _ = e.server.Close() }

// publicHandler serves what monitoring asks for.
func (s *Service) publicHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{Registry: s.registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", s.ready)
	return mux
}

// adminHandler serves operators: holds, waiting lanes and profiles. It is for trusted hosts.
// A web page that is open in a browser there cannot use it: see guardAdmin.
func (s *Service) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /lanes", s.serveLanes)
	mux.HandleFunc("POST /destinations/{destination}/hold", s.serveHold)
	mux.HandleFunc("POST /destinations/{destination}/resume", s.serveResume)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return guardAdmin(s.cfg.HTTP.Admin, mux)
}

// Readiness is one pipeline's part of /readyz.
type Readiness struct {
	Joined     bool   `json:"joined"`
	Partitions int    `json:"partitions"`
	Open       int64  `json:"open"`
	Hold       string `json:"hold,omitempty"`
	HeldSince  string `json:"held_since,omitempty"`
	Paused     string `json:"paused,omitempty"`
	Trouble    string `json:"trouble,omitempty"`
}

// ready answers 200 once every pipeline has joined its group. A hold is shown, and does not
// make the process unready: a restart would not end it.
func (s *Service) ready(w http.ResponseWriter, _ *http.Request) {
	status, details := http.StatusOK, make(map[string]Readiness, len(s.pipelines))
	for _, p := range s.pipelines {
		f := p.Figures()
		r := Readiness{Joined: f.Joined, Partitions: f.Partitions, Open: f.Open, Paused: strings.Join(f.Paused, ","), Trouble: strings.Join(f.Trouble, ",")}
		if f.Hold.Active() {
			r.Hold, r.HeldSince = f.Hold.Reason, f.Hold.Since.UTC().Format(time.RFC3339)
		}
		if !f.Joined {
			status = http.StatusServiceUnavailable
		}
		details[p.Config.Name] = r
	}
	answer(w, status, map[string]any{"destinations": details})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the reader went away: nobody to tell
}
