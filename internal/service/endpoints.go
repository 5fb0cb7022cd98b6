package service

import (
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/internal/version"
)

// profileTimeout bounds an answer of the admin listener: a profile takes as many
// seconds as its reader asks for.
const profileTimeout = 5 * time.Minute

// publicHandler serves what monitoring asks for.
func (s *Service) publicHandler() http.Handler {
	return endpoint.Monitoring{Registry: s.registry, Ready: s.ready, Exemplars: s.traces != nil}.Handler()
}

// adminHandler serves operators: holds, waiting lanes and profiles. It is for trusted hosts.
// A web page that is open in a browser there cannot use it: see guardAdmin.
func (s *Service) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /lanes", s.serveLanes)
	mux.HandleFunc("GET /status", s.serveStatus)
	mux.HandleFunc("POST /destinations/{destination}/hold", s.serveHold)
	mux.HandleFunc("POST /destinations/{destination}/resume", s.serveResume)
	mux.HandleFunc("POST /reload", s.serveReload)
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
	// OldestSeconds is the age of the oldest open event, 0 without one.
	OldestSeconds float64 `json:"oldest_seconds"`
	// LastError is the code of the latest call that was not accepted, and LastErrorAt when it was.
	LastError   string `json:"last_error,omitempty"`
	LastErrorAt string `json:"last_error_at,omitempty"`
	// Message says for people what the hold means and what to do.
	Message string `json:"message,omitempty"`
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
			cause, next := p.Destination.HoldText(f.Hold.Reason)
			r.Message = "calls are stopped and events wait, none is lost: " + cause + "; " + next
		}
		r.OldestSeconds = f.Oldest.Truncate(time.Millisecond).Seconds()
		if code, at := p.Destination.LastFailure(); code != "" {
			r.LastError, r.LastErrorAt = string(code), at.UTC().Format(time.RFC3339)
		}
		if !f.Joined {
			status = http.StatusServiceUnavailable
		}
		details[p.Config.Name] = r
	}
	endpoint.Answer(w, status, map[string]any{"version": version.Release(), "destinations": details})
}
