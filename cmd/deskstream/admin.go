package main

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/deskstream/deskstream/sink"
)

// holdAnswer is what the admin listener says to a hold or resume.
type holdAnswer struct {
	Destination string `json:"destination,omitempty"`
	// Hold is the present hold after a hold, and the one that ended after a resume.
	Hold      string `json:"hold,omitempty"`
	HeldSince string `json:"held_since,omitempty"`
	Error     string `json:"error,omitempty"`
}

// serveHold puts a destination of this process on hold.
func (s *service) serveHold(w http.ResponseWriter, r *http.Request) {
	p, ok := s.named(w, r)
	if !ok {
		return
	}
	if err := p.dest.Gate().Halt(); err != nil {
		answer(w, http.StatusConflict, held(p, p.dest.Gate().Held(), err))
		return
	}
	answer(w, http.StatusOK, held(p, p.dest.Gate().Held(), nil))
}

// serveResume ends the hold of a destination of this process.
func (s *service) serveResume(w http.ResponseWriter, r *http.Request) {
	p, ok := s.named(w, r)
	if !ok {
		return
	}
	was, err := p.dest.Gate().Resume()
	if errors.Is(err, sink.ErrNotHeld) {
		answer(w, http.StatusConflict, held(p, was, err))
		return
	}
	answer(w, http.StatusOK, held(p, was, nil))
}

func held(p *runningPipeline, h sink.Hold, err error) holdAnswer {
	a := holdAnswer{Destination: p.config.Name}
	if h.Active() {
		a.Hold, a.HeldSince = h.Reason, h.Since.UTC().Format(time.RFC3339)
	}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

// named is the pipeline that the request's path names. Without one it answers 404 with
// those that there are.
func (s *service) named(w http.ResponseWriter, r *http.Request) (*runningPipeline, bool) {
	name := r.PathValue("destination")
	names := make([]string, len(s.pipelines))
	for i, p := range s.pipelines {
		if p.config.Name == name {
			return p, true
		}
		names[i] = p.config.Name
	}
	slices.Sort(names)
	answer(w, http.StatusNotFound, holdAnswer{Error: "no destination of that name runs in this process; there are " + strings.Join(names, ", ")})
	return nil, false
}
