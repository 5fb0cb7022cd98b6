package service

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/deskstream/deskstream/internal/endpoint"
	"github.com/deskstream/deskstream/sink/hold"
)

// HoldAnswer is the admin listener's response to a hold or resume.
type HoldAnswer struct {
	Destination string `json:"destination,omitempty"`
	// Hold is the present hold after a hold, and the one that ended after a resume.
	Hold      string `json:"hold,omitempty"`
	HeldSince string `json:"held_since,omitempty"`
	// Here says why a hold is this instance's only; "" where it is on record for all.
	Here  string `json:"here,omitempty"`
	Error string `json:"error,omitempty"`
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
	p, err := s.pipeline(r.PathValue("destination"))
	if err != nil {
		endpoint.Answer(w, http.StatusNotFound, HoldAnswer{Error: err.Error()})
		return nil, false
	}
	return p, true
}

// pipeline returns the one of a destination.
func (s *Service) pipeline(name string) (*runningPipeline, error) {
	names := make([]string, len(s.pipelines))
	for i, p := range s.pipelines {
		if p.Config.Name == name {
			return p, nil
		}
		names[i] = p.Config.Name
	}
	slices.Sort(names)
	return nil, errors.New("no destination of that name runs in this process; there are " + strings.Join(names, ", "))
}
