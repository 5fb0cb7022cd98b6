package trengo

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"
	_ "time/tzdata" // The container image has no zones of its own.
)

// Trengo writes moments in two forms: with Z, and as YYYY-MM-DD HH:MM:SS without a zone.
// What the latter means depends on the field: Amsterdam's wall time in what is read of
// a ticket and its messages, UTC in the answer to a new message and in
// latest_message_at and latest_received_message_at of the list.

// withZ is how moments are written in the answer to a new ticket.
const withZ = "2006-01-02T15:04:05.000000Z"

var amsterdam = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		panic("stub: loading a zone that is compiled in: " + err.Error())
	}
	return zone
})

// zoneless is a moment without its zone, nil for none.
func zoneless(at time.Time, zone *time.Location) any {
	if at.IsZero() {
		return nil
	}
	return at.In(zone).Format(time.DateTime)
}

// common are the members that a ticket has in every answer, with its moments as
// wall time of a zone.
func (t *trengo) common(k ticket, zone *time.Location) map[string]any {
	return map[string]any{
		"id": k.id, "status": k.state, "subject": nullable(k.subject),
		"contact_id": json.Number(k.contact), "channel_id": json.Number(k.channel),
		"channel": channelOf(k.channel, t.channels[k.channel]),
		"user_id": idOrNull(k.user), "team_id": idOrNull(k.team),
		"created_at": zoneless(k.createdAt, zone), "updated_at": zoneless(k.updatedAt, zone),
		"assigned_at": zoneless(k.assignedAt, zone), "closed_at": zoneless(k.closedAt, zone),
	}
}

// made is a ticket in the answer that made it.
func (t *trengo) made(k ticket) map[string]any {
	m := t.common(k, amsterdam())
	m["created_at"], m["updated_at"] = k.createdAt.Format(withZ), k.updatedAt.Format(withZ)
	m["latest_message"] = zoneless(k.spoken(), amsterdam())
	m["agent"] = agent(k.user)
	return m
}

// whole is a ticket that was asked for by its id.
func (t *trengo) whole(k ticket) map[string]any {
	m := t.row(k)
	m["agent"], m["assignee"], m["team"], m["closed_by"] = agent(k.user), agent(k.user), team(k.team), nil
	m["custom_field_values"] = valuesOf(k.fields)
	for _, list := range []string{"results", "audits", "related_tickets"} {
		m[list] = []any{}
	}
	return m
}

// row is a ticket in the list.
func (t *trengo) row(k ticket) map[string]any {
	m := t.common(k, amsterdam())
	m["contact"], _ = t.contacts.get(k.contact)
	m["labels"], m["custom_data"], m["messages_count"] = labelsOf(k), dataOf(k.fields), len(k.messages)
	m["latest_message_at"] = zoneless(k.spoken(), time.UTC)
	m["latest_received_message_at"] = nil
	return m
}

// said is the last message of a ticket in the answer that made it: all of it, and of the
// ticket in it, is UTC.
func (t *trengo) said(k ticket) map[string]any {
	m := k.messages[len(k.messages)-1]
	said := k.content(m)
	said["contact_id"] = json.Number(k.contact)
	said["created_at"], said["created_at_time"] = zoneless(m.at, time.UTC), m.at.Unix()
	said["ticket"] = t.common(k, time.UTC)
	return said
}

// item is a message in the list of a ticket's messages.
func (t *trengo) item(k ticket, m message) map[string]any {
	item := k.content(m)
	item["contact"], _ = t.contacts.get(k.contact)
	item["agent"], item["mentions"], item["attachments"] = agent(m.user), []any{}, []any{}
	item["created_at"] = zoneless(m.at, amsterdam())
	return item
}

func (k ticket) content(m message) map[string]any {
	return map[string]any{
		"id": m.id, "ticket_id": k.id, "user_id": m.user, "message": m.text, "type": m.kind, "body_type": "TEXT",
	}
}

// agent is a user as tickets and messages show it, nil for none.
func agent(id int64) any {
	if id == 0 {
		return nil
	}
	return map[string]any{"id": id, "full_name": fmt.Sprintf("User %d", id)}
}

// team is a team as a ticket shows it, nil for none.
func team(id int64) any {
	if id == 0 {
		return nil
	}
	return map[string]any{"id": id, "name": fmt.Sprintf("Team %d", id)}
}

func idOrNull(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}
