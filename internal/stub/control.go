package stub

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Stats counts what the help desks hold and received.
type Stats struct {
	// Open is how many calls are unanswered.
	Open int `json:"open"`
	// LateEffects is how many writes without an answer have yet to take effect.
	LateEffects int `json:"late_effects,omitempty"`
	// Holds counts contacts, customers, tickets and events by destination.
	Holds map[string]map[string]int `json:"holds"`
	// Calls counts calls by destination, op and status; those with status 0 are open, or
	// their connection was cut.
	Calls map[string]map[string]map[int]int `json:"calls"`
}

// Stats returns the present counts.
func (s *Server) Stats() Stats {
	st := Stats{Open: s.Open(), Holds: map[string]map[string]int{}, Calls: map[string]map[string]map[int]int{}}
	for _, d := range s.desks {
		st.LateEffects += d.LateEffects()
		st.Holds[d.Name()] = d.api.Stats()
		ops := map[string]map[int]int{}
		for _, c := range d.Received() {
			if ops[c.Op] == nil {
				ops[c.Op] = map[int]int{}
			}
			ops[c.Op][c.Status]++
		}
		st.Calls[d.Name()] = ops
	}
	return st
}

// control serves /_stub/:
//
//	GET  /_stub/received?destination=trengo   the calls as NDJSON, in order of arrival
//	GET  /_stub/tickets?destination=trengo    the tickets as NDJSON, in order of making
//	GET  /_stub/stats                         Stats
//	POST /_stub/reset                         Reset
//	POST /_stub/outage?destination=trengo&status=503&op=POST+/tickets
//	                                          SetOutage for one op, or for all without
//	                                          op; status 0 ends it
//	POST /_stub/outage?destination=trengo&gateway=404-page
//	                                          SetGateway, by a name of Gateways; none
//	                                          ends it
//	POST /_stub/quirks?destination=trengo&lost_answers=0.1&late_effects=10s
//	                                          SetQuirks, of those that are named: the
//	                                          others stay; see Quirks.set
//	GET  /_stub/webhooks?destination=trengo   the webhooks sent, as NDJSON, by attempt
//	POST /_stub/webhooks?destination=trengo&event=INBOUND&times=3
//	                                          sends an event to who is registered for it;
//	                                          the body is a JSON object with its content
func (s *Server) control() {
	s.mux.HandleFunc("GET /_stub/received", s.serveReceived)
	s.mux.HandleFunc("GET /_stub/tickets", s.serveTickets)
	s.mux.HandleFunc("GET /_stub/stats", s.serveStats)
	s.mux.HandleFunc("POST /_stub/reset", func(w http.ResponseWriter, _ *http.Request) {
		s.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	s.mux.HandleFunc("POST /_stub/outage", s.serveOutage)
	s.mux.HandleFunc("POST /_stub/quirks", s.serveQuirks)
	s.mux.HandleFunc("GET /_stub/webhooks", s.serveWebhooks)
	s.mux.HandleFunc("POST /_stub/webhooks", s.serveAnnounce)
}

func (s *Server) needsDestination() string {
	return "destination is none of " + strings.Join(s.names(), ", ")
}

func (s *Server) serveReceived(w http.ResponseWriter, r *http.Request) {
	destination := r.URL.Query().Get("destination")
	if destination != "" && s.Desk(destination) == nil {
		http.Error(w, s.needsDestination(), http.StatusBadRequest)
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
	desk := s.Desk(q.Get("destination"))
	if q.Has("gateway") {
		s.serveGateway(w, desk, q.Get("gateway"))
		return
	}
	status, err := strconv.Atoi(q.Get("status"))
	if desk == nil || err != nil || !outageStatus(status) {
		http.Error(w, "needs destination ("+strings.Join(s.names(), ", ")+") and status (400 to 599, -1 reset, -2 silence, -3 lost answer, -4 effect and silence, 0 end)",
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

func (s *Server) serveGateway(w http.ResponseWriter, desk *Desk, name string) {
	g, ok := gatewayNamed(name)
	switch {
	case desk == nil || !ok && name != "none":
		names := make([]string, 0, len(Gateways()))
		for _, g := range Gateways() {
			names = append(names, strings.ReplaceAll(g.Name, " ", "-"))
		}
		http.Error(w, "needs destination ("+strings.Join(s.names(), ", ")+") and gateway (none to end it, "+strings.Join(names, ", ")+")", http.StatusBadRequest)
		return
	case ok:
		desk.SetGateway(&g)
	default:
		desk.SetGateway(nil)
	}
	w.WriteHeader(http.StatusNoContent)
}

func outageStatus(status int) bool {
	return status >= HoldAnswer && status <= 0 || status >= 400 && status <= 599
}
