package inbound

import (
	"time"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// Trengo writes moments with a Z, or without a zone. What the latter means depends on the field,
// whatever the user's own zone: most are wall time in Amsterdam, those in utcFields are UTC.
// Clients disagree about a ticket's and a message's created_at; a logged answer and a client that
// compares with its own clock show Amsterdam. `trengo.time_zone` overrides both.

// utcFields are the members of list entries that are UTC without saying so.
var utcFields = map[string]bool{"latest_message_at": true, "latest_received_message_at": true}

// when is the moment in a member.
func (r *Reader) when(v mapping.Value, name string) unified.Time {
	zone := r.zone
	if utcFields[name] && !r.fixed {
		zone = time.UTC
	}
	return unified.When(v, name, zone)
}
