package trengo

import (
	"errors"
	"net/url"
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// changesOverlap covers that the zone in which updated_at_gt is read is not known.
const changesOverlap = 3 * time.Hour

// lists implements desk.Kind's Lists. What is known of each call and of the pages stands in
// docs/export.md. Channels come on one page; ticket results cannot be asked for one by one, nor can
// channels. Queues and objects of the owner's classes do not exist.
func lists() []desk.List {
	all := []desk.List{
		{Entity: unified.Users, Op: "GET /users", Object: "GET /users/{id}", Inside: []desk.Inside{{Entity: unified.Roles, Of: rolesOf}}},
		{Entity: unified.Teams, Op: "GET /teams", Object: "GET /teams/{id}"},
		{Entity: unified.Labels, Op: "GET /labels", Object: "GET /labels/{id}"},
		{Entity: unified.Fields, Op: "GET /custom_fields", Object: "GET /custom_fields/{id}"},
		{Entity: unified.Channels, Op: "GET /channels"},
		{Entity: unified.Statuses, Op: "GET /ticket_results"},
		{Entity: unified.Groups, Op: "GET /contact_groups", Object: "GET /contact_groups/{id}"},
		{Entity: unified.Accounts, Op: "GET /profiles", Object: "GET /profiles/{id}"},
		{Entity: unified.Contacts, Op: "GET /contacts", Object: "GET /contacts/{id}"},
		{
			// By the date of the last message, the oldest first. That of a ticket without one is when
			// it was made. Notes, labels and states do not move a ticket.
			Entity: unified.Tickets, Op: "GET /tickets", Query: url.Values{"sort": {"date"}}, Rising: lastSpoken,
			Changed: &desk.Changed{Since: changedSince, Overlap: changesOverlap, Undocumented: true}, Object: "GET /tickets/{id}",
		},
		{
			Entity: unified.Comments, Op: "GET /tickets/{id}/messages", Below: unified.Tickets,
			Inside: []desk.Inside{{Entity: unified.Attachments, Of: attachmentsOf}},
		},
	}
	for i := range all {
		all[i].Read = readPage
	}
	return all
}

var errNoList = errors.New("the answer is no list")

// readPage reads a page of Laravel's paginators. The simple one has links and no total; the other
// one says how many pages there are; some lists have neither, and come on one page.
func readPage(answer mapping.Value) (desk.Page, error) {
	data := answer
	if data.Kind() == mapping.Object {
		data = answer.Get("data")
	}
	if data.Kind() != mapping.Array {
		return desk.Page{}, errNoList
	}
	p := desk.Page{Entries: unified.Elements(data)}
	meta := answer.Get("meta")
	if n := unified.Count(meta, "last_page"); n != nil {
		p.Pages = *n
	}
	if n := unified.Count(meta, "total"); n != nil {
		p.Total = *n
	}
	number := unified.Count(meta, "current_page")
	p.More = unified.Text(answer.Get("links"), "next") != "" || number != nil && *number < p.Pages
	return p, nil
}

// changedSince are the parameters for tickets that changed.
func changedSince(at time.Time) url.Values {
	if at.IsZero() {
		return nil
	}
	return url.Values{"updated_at_gt": {at.UTC().Format(time.DateTime)}}
}

func lastSpoken(o unified.Object) time.Time {
	t, ok := o.(*unified.Ticket)
	if !ok {
		return time.Time{}
	}
	return t.LastMessageAt.Moment()
}

func rolesOf(o unified.Object) []unified.Object {
	u, ok := o.(*unified.User)
	if !ok || u.Role == nil || u.Role.ID == "" {
		return nil
	}
	return []unified.Object{&unified.Role{Meta: inside(u.Meta, u.Role.ID), Name: u.Role.Name}}
}

func attachmentsOf(o unified.Object) (list []unified.Object) {
	c, ok := o.(*unified.Comment)
	if !ok {
		return nil
	}
	for _, a := range c.Attachments {
		if a.ID != "" {
			list = append(list, &a)
		}
	}
	return list
}

// inside is what an object that stands inside another one has in common with it.
func inside(of unified.Meta, id string) unified.Meta {
	return unified.Meta{Schema: of.Schema, Desk: of.Desk, Destination: of.Destination, ID: id}
}
