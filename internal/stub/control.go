package stub

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Stats counts what the help desks hold and received.
type Stats struct {
	// Open is how many calls are unanswered.
	Open int `json:"open"`
	// Holds counts contacts, customers, tickets and events by destination.
	Holds map[string]map[string]int `json:"holds"`
	// Calls counts by destination, op and status; status 0 are calls whose connection
	// was cut or that are open.
	Calls map[string]map[string]map[int]int `json:"calls"`
}

// Stats counts what there is now.
func (s *Server) Stats() Stats {
	st := Stats{Open: s.Open(), Holds: map[string]map[string]int{}, Calls: map[string]map[string]map[int]int{}}
	for _, d := range []*Desk{s.Trengo, s.Kustomer} {
		st.Holds[d.api.name()] = d.api.stats()
		ops := map[string]map[int]int{}
		for _, c := range d.Received() {
			if ops[c.Op] == nil {
				ops[c.Op] = map[int]int{}
			}
			ops[c.Op][c.Status]++
		}
		st.Calls[d.api.name()] = ops
	}
	return st
}

// control serves /_stub/:
//
//	GET  /_stub/received?destination=trengo   the calls as NDJSON, in order of arrival
//	GET  /_stub/stats                         Stats
//	POST /_stub/reset                         Reset
//	POST /_stub/outage?destination=trengo&status=503&op=POST+/tickets
//	                                          SetOutage for one op, or for all without
//	                                          op; status 0 ends it
func (s *Server) control() {
	s.mux.HandleFunc("GET /_stub/received", s.serveReceived)
	s.mux.HandleFunc("GET /_stub/stats", s.serveStats)
	s.mux.HandleFunc("POST /_stub/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	s.mux.HandleFunc("POST /_stub/outage", s.serveOutage)
}

func (s *Server) serveReceived(w http.ResponseWriter, r *http.Request) {
	destination := r.URL.Query().Get("destination")
	if destination != "" && s.desk(destination) == nil {
		http.Error(w, "destination is neither trengo nor kustomer", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	for _, c := range s.log.list(destination) {
		if enc.Encode(c) != nil {
			return // the client went away
		}
	}
}

func (s *Server) serveStats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.Stats()) // the client went away
}

func (s *Server) serveOutage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	desk := s.desk(q.Get("destination"))
	status, err := strconv.Atoi(q.Get("status"))
	if desk == nil || err != nil || !outageStatus(status) {
		http.Error(w, "needs destination (trengo, kustomer) and status (400 to 599, -1 reset, -2 silence, 0 end)",
			http.StatusBadRequest)
		return
	}
	op := q.Get("op")
	desk.SetOutage(func(c Call) int {
		if op != "" && op != c.Op {
			return 0
		}
		return status
	})
	w.WriteHeader(http.StatusNoContent)
}

func outageStatus(status int) bool {
	return status >= NeverAnswer && status <= 0 || status >= 400 && status <= 599
}

func (s *Server) desk(name string) *Desk {
	switch name {
	case TrengoName:
		return s.Trengo
	case KustomerName:
		return s.Kustomer
	default:
		return nil
	}
}
