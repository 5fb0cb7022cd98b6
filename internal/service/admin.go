package service

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/deskstream/deskstream/sink/hold"
)

// HoldAnswer is the admin listener's response to a hold or resume.
type HoldAnswer struct {
	Destination string `json:"destination,omitempty"`
	// Hold is the present hold after a hold, and the one that ended after a resume.
	Hold      string `json:"hold,omitempty"`
	HeldSince string `json:"held_since,omitempty"`
	Error     string `json:"error,omitempty"`
}

// serveHold puts a destination of this process on hold.
func (s *Service) serveHold(w http.ResponseWriter, r *http.Request) {
	p, ok := s.named(w, r)
	if !ok {
		return
	}
	if err := p.Destination.Gate().Halt(); err != nil {
		answer(w, http.StatusConflict, held(p, p.Destination.Gate().Held(), err))
		return
	}
	answer(w, http.StatusOK, held(p, p.Destination.Gate().Held(), nil))
}

// serveResume ends the hold of a destination of this process.
func (s *Service) serveResume(w http.ResponseWriter, r *http.Request) {
	p, ok := s.named(w, r)
	if !ok {
		return
	}
	was, err := p.Destination.Gate().Resume()
	if errors.Is(err, hold.ErrNotHeld) {
		answer(w, http.StatusConflict, held(p, was, err))
		return
	}
	answer(w, http.StatusOK, held(p, was, nil))
}

func held(p *runningPipeline, h hold.State, err error) HoldAnswer {
	a := HoldAnswer{Destination: p.Config.Name}
	if h.Active() {
		a.Hold, a.HeldSince = h.Reason, h.Since.UTC().Format(time.RFC3339)
	}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}

// named returns the pipeline that the request's path names. If none has that name, it answers
// 404 with the names that exist.
func (s *Service) named(w http.ResponseWriter, r *http.Request) (*runningPipeline, bool) {
	name := r.PathValue("destination")
	names := make([]string, len(s.pipelines))
	for i, p := range s.pipelines {
		if p.Config.Name == name {
			return p, true
		}
		names[i] = p.Config.Name
	}
	slices.Sort(names)
	answer(w, http.StatusNotFound, HoldAnswer{Error: "no destination of that name runs in this process; there are " + strings.Join(names, ", ")})
	return nil, false
}
