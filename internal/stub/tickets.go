package stub

import (
	"encoding/json"
	"net/http"
	"time"
)

// Ticket is a ticket that a help desk made, as its maker sent it, whatever answers show. Tests
// count duplicates by it: two tickets of one event.
type Ticket struct {
	// Destination is the name of the help desk.
	Destination string `json:"destination"`
	ID          string `json:"id"`
	Contact     string `json:"contact"` // id
	// Person is the identifier of the contact, as Call.User has it.
	Person  string `json:"person"`
	Channel string `json:"channel"`
	// Subject is "" if none was sent.
	Subject string `json:"subject"`
	// Maker is the user whose token made it; see Config.Users.
	Maker int64 `json:"maker"`
	// Assignee is the user who has it now, 0 for none.
	Assignee int64  `json:"assignee"`
	State    string `json:"state"`
	// Merged is set once it was merged into another: then the API says that it is not there.
	Merged bool `json:"merged,omitempty"`
	// At is when it was made, by the true clock.
	At time.Time `json:"at"`
	// Call is Seq of the call that made it, and Mark the mark of that call's event.
	Call int64  `json:"call"`
	Mark string `json:"mark,omitempty"`
}

// TicketKeeper is an API that has tickets.
type TicketKeeper interface {
	// Tickets returns all that were made since the last reset, in the order of their making,
	// without Destination.
	Tickets() []Ticket
}

// Tickets returns all tickets that were made at the help desk, in the order of their making;
// none for a desk without tickets.
func (d *Desk) Tickets() []Ticket {
	keeper, ok := d.api.(TicketKeeper)
	if !ok {
		return nil
	}
	tickets := keeper.Tickets()
	for i := range tickets {
		tickets[i].Destination = d.Name()
	}
	return tickets
}

func (s *Server) serveTickets(w http.ResponseWriter, r *http.Request) {
	desks := s.desks
	if name := r.URL.Query().Get("destination"); name != "" {
		desks = []*Desk{s.Desk(name)}
	}
	if len(desks) == 1 && desks[0] == nil {
		http.Error(w, s.needsDestination(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	for _, d := range desks {
		for _, t := range d.Tickets() {
			if enc.Encode(t) != nil {
				return // the client went away
			}
		}
	}
}
