package stub

import (
	"net/http"
	"strings"
)

// Server is some help desks behind one http.Handler, with what they received under
// /_stub/. It is safe for concurrent use.
type Server struct {
	desks []*Desk
	log   *ledger
	mux   *http.ServeMux
}

// New returns a Server of the desks of some APIs. The configuration must be valid.
func New(cfg Config, apis ...API) *Server {
	cfg = cfg.withDefaults()
	s := &Server{log: &ledger{}, mux: http.NewServeMux()}
	for _, api := range apis {
		s.desks = append(s.desks, newDesk(cfg, api, s.log))
	}
	s.control()
	s.mux.Handle("GET "+loginPath, Gateway{})
	return s
}

// Desks returns the help desks in the order in which New was given them.
func (s *Server) Desks() []*Desk { return s.desks }

// Desk returns the help desk of a name, nil if there is none. The Server serves it below
// its Path; as a handler of its own its paths begin after that.
func (s *Server) Desk(name string) *Desk {
	for _, d := range s.desks {
		if d.Name() == name {
			return d
		}
	}
	return nil
}

// ServeHTTP answers a call of an API or of /_stub/. The APIs see their paths as sent:
// nothing is cleaned or redirected, because an escaped slash belongs to its segment.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, d := range s.desks {
		if strings.HasPrefix(r.URL.Path, d.Path()+"/") {
			http.StripPrefix(d.Path(), d).ServeHTTP(w, r)
			return
		}
	}
	s.mux.ServeHTTP(w, r)
}

// Received returns the calls of all help desks in the order of their arrival.
func (s *Server) Received() []Call { return s.log.list("") }

// Open returns how many calls the help desks hold unanswered.
func (s *Server) Open() int {
	open := 0
	for _, d := range s.desks {
		open += d.Open()
	}
	return open
}

// Reset forgets everything: calls, contacts, customers, spent limits, outages,
// quirks that were set. Writes that have yet to take effect never do.
func (s *Server) Reset() {
	for _, d := range s.desks {
		d.reset()
	}
	s.log.reset()
}

// Close drops the writes that have yet to take effect, and webhooks, and waits until none does any more. A
// Server without Quirks.LateEffects and webhooks need not be closed. Calls are still answered.
func (s *Server) Close() {
	for _, d := range s.desks {
		d.later.cancel(true)
		if hooked := d.hooked(); hooked != nil {
			hooked.Hooks().Close()
		}
	}
}

// names returns the names of the help desks.
func (s *Server) names() []string {
	names := make([]string, len(s.desks))
	for i, d := range s.desks {
		names[i] = d.Name()
	}
	return names
}
