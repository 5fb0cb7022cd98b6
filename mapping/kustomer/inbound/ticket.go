package inbound

import (
	"cmp"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// statuses are a conversation's.
var statuses = map[string]string{"open": unified.StatusOpen, "snoozed": unified.StatusPending, "done": unified.StatusClosed}

// priorities are a conversation's, 5 the highest (vendor documentation, conversations).
var priorities = map[string]string{
	"1": unified.PriorityLow, "2": unified.PriorityLow, "3": unified.PriorityNormal, "4": unified.PriorityHigh, "5": unified.PriorityUrgent,
}

func (r *Reader) ticket(v mapping.Value, meta unified.Meta) unified.Object {
	t := new(unified.Ticket)
	readTicket(t, v, meta)
	return t
}

func readTicket(t *unified.Ticket, v mapping.Value, meta unified.Meta) {
	a := v.Get("attributes")
	*t = unified.Ticket{
		Meta: meta, Subject: unified.Text(a, "name"), StatusRaw: unified.Text(a, "status"), SubStatus: unified.Text(a, "subStatus"),
		PendingUntil: unified.When(a.Get("snooze"), "time", utc), PriorityRaw: unified.Text(a, "priority"),
		Direction: unified.Direction(unified.Text(a, "direction")), ContactID: related(v, "customer"),
		UserIDs: unified.IDs(a, "assignedUsers"), TeamIDs: unified.IDs(a, "assignedTeams"), Labels: unified.Refs(a, "tags"),
		Fields: unified.ValuesOf(a.Get("custom")), ExternalID: unified.Text(a, "externalId"),
		LastMessageAt: unified.When(a, "lastMessageAt", utc), Messages: unified.Count(a, "messageCount"),
	}
	if t.StatusRaw != "" {
		t.Status = cmp.Or(statuses[t.StatusRaw], unified.UnknownWord)
	}
	if a.Get("spam").IsTrue() {
		t.Status = unified.StatusSpam
	}
	if t.PriorityRaw != "" {
		t.Priority = cmp.Or(priorities[t.PriorityRaw], unified.UnknownWord)
	}
	if channels := unified.Elements(a.Get("channels")); len(channels) > 0 {
		t.Channel = &unified.Ref{Type: channels[len(channels)-1].Str()}
	}
	if id := cmp.Or(related(v, "queue"), unified.Text(a.Get("queue"), "id")); id != "" {
		t.Queue = &unified.Ref{ID: id, Name: unified.Text(a.Get("queue"), "name")}
	}
}

// message reads a message. Its preview is the beginning of the text.
func (r *Reader) message(v mapping.Value, meta unified.Meta) unified.Object {
	a := v.Get("attributes")
	c := &unified.Comment{
		Meta: meta, Kind: unified.KindMessage, Direction: unified.Direction(unified.Text(a, "direction")),
		TicketID: related(v, "conversation"), ContactID: related(v, "customer"), Subject: unified.Text(a, "subject"),
		Body: unified.Text(a, "preview"), SentAt: unified.When(a, "sentAt", utc), ExternalID: unified.Text(a, "externalId"),
	}
	if channel := unified.Text(a, "channel"); channel != "" {
		c.Channel = &unified.Ref{Type: channel}
	}
	c.Author = actorOf(v, true)
	if c.Direction == unified.In && c.ContactID != "" {
		c.Author = &unified.Actor{Type: unified.ActorContact, ID: c.ContactID}
	}
	r.attach(c, a)
	return c
}

// comment reads an entry of the lists of messages and of notes.
func (r *Reader) comment(v mapping.Value, meta unified.Meta) unified.Object {
	if !strings.HasPrefix(unified.Text(v, "type"), "note") {
		return r.message(v, meta)
	}
	a := v.Get("attributes")
	c := &unified.Comment{
		Meta: meta, Kind: unified.KindNote, Private: true, Author: actorOf(v, true), TicketID: related(v, "conversation"),
		ContactID: related(v, "customer"), Body: unified.Text(a, "body"), ExternalID: unified.Text(a, "externalId"),
	}
	r.attach(c, a)
	return c
}

func (r *Reader) attach(c *unified.Comment, attributes mapping.Value) {
	for _, e := range unified.Elements(attributes.Get("attachments")) {
		c.Attachments = append(c.Attachments, unified.Attachment{
			Meta: r.metaOf(unified.Text(e, "id")), CommentID: c.ID, TicketID: c.TicketID, Name: unified.Text(e, "name"),
		})
	}
}
