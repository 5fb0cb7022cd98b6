package stub

import (
	"net/http"
	"strings"
)

// The paths at which a Server serves its help desks: what base_url in a configuration
// ends with.
const (
	TrengoPath   = "/trengo/api/v2"
	KustomerPath = "/kustomer"
)

// The names of the help desks, as destinations have them as their type.
const (
	TrengoName   = "trengo"
	KustomerName = "kustomer"
)

// Server is both help desks behind one http.Handler, with what they received under
// /_stub/. It is safe for concurrent use.
type Server struct {
	// Trengo serves below TrengoPath. As a handler of its own its paths begin at /.
	Trengo *Desk
	// Kustomer serves below KustomerPath. As a handler of its own its paths begin at /v1.
	Kustomer *Desk

	cfg Config
	log *ledger
	mux *http.ServeMux
}

// New makes a Server. The configuration must be valid.
func New(cfg Config) *Server {
	cfg = cfg.withDefaults()
	log := &ledger{}
	s := &Server{cfg: cfg, log: log, mux: http.NewServeMux()}
	s.Trengo = newDesk(cfg, newTrengo(cfg.Channels), log)
	s.Kustomer = newDesk(cfg, newKustomer(), log)
	s.control()
	return s
}

// ServeHTTP answers a call of either API or of /_stub/. The APIs see their paths as
// sent: nothing is cleaned or redirected, as an escaped slash belongs to its segment.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, TrengoPath+"/"):
		http.StripPrefix(TrengoPath, s.Trengo).ServeHTTP(w, r)
	case strings.HasPrefix(r.URL.Path, KustomerPath+"/"):
		http.StripPrefix(KustomerPath, s.Kustomer).ServeHTTP(w, r)
	default:
		s.mux.ServeHTTP(w, r)
	}
}

// Received lists the calls of both help desks in the order of their arrival.
func (s *Server) Received() []Call { return s.log.list("") }

// Open is how many calls both help desks hold unanswered.
func (s *Server) Open() int { return s.Trengo.Open() + s.Kustomer.Open() }

// Reset forgets everything: calls, contacts, customers, spent limits, outages.
func (s *Server) Reset() {
	s.Trengo.reset()
	s.Kustomer.reset()
	s.log.reset()
}
