package kustomer

import (
	"errors"
	"net/url"
	"time"

	"github.com/deskstream/deskstream/desk"
	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/unified"
)

// The largest pages (vendor documentation, pagination).
var (
	wide   = url.Values{"pageSize": {"500"}}
	narrow = url.Values{"pageSize": {"100"}}
)

// lists implements desk.Kind's Lists. What is known of each call stands in docs/export.md. No call is
// known that lists messages, service levels or the custom attributes in a documented form, or that
// asks for a company, user, tag or queue by its id.
func lists() []desk.List {
	classes := desk.List{Op: "GET /v1/klasses", Query: url.Values{"status": {"enabled"}, "pageSize": {"100"}}, Read: readPage}
	all := []desk.List{
		{Entity: unified.Users, Op: "GET /v1/users", Query: wide},
		{Entity: unified.Teams, Op: "GET /v1/teams", Query: wide, Object: "GET /v1/teams/{id}"},
		{Entity: unified.Labels, Op: "GET /v1/tags", Query: url.Values{"deleted": {"false"}, "pageSize": {"100"}}},
		{Entity: unified.Queues, Op: "GET /v1/routing/queues", Query: narrow},
		{Entity: unified.Accounts, Op: "GET /v1/companies", Query: narrow},
		{
			Entity: unified.Contacts, Op: "GET /v1/customers", Query: narrow, Object: "GET /v1/customers/{id}",
			Changed: &desk.Changed{Since: changedSince, Overlap: time.Minute, Ordered: true},
		},
		{Entity: unified.Objects, Op: "GET /v1/customers/{id}/klasses/{class}", Query: narrow, Below: unified.Contacts, Always: true, Classes: &classes},
		{Entity: unified.Tickets, Op: "GET /v1/conversations", Query: narrow, Object: "GET /v1/conversations/{id}"},
		{
			Entity: unified.Comments, Op: "GET /v1/conversations/{id}/notes", Query: narrow, Below: unified.Tickets,
			Inside: []desk.Inside{{Entity: unified.Attachments, Of: attachmentsOf}},
		},
	}
	for i := range all {
		all[i].Read = readPage
	}
	return all
}

var errNoList = errors.New("the answer is no list")

// readPage reads a page: another one follows while links.next says so; some lists count their pages.
func readPage(answer mapping.Value) (desk.Page, error) {
	data := answer.Get("data")
	if data.Kind() != mapping.Array {
		return desk.Page{}, errNoList
	}
	p := desk.Page{Entries: unified.Elements(data), More: unified.Text(answer.Get("links"), "next") != ""}
	if n := unified.Count(answer.Get("meta"), "totalPages"); n != nil {
		p.Pages = *n
	}
	if n := unified.Count(answer.Get("meta"), "total"); n != nil {
		p.Total = *n
	}
	return p, nil
}

// moment is how moments stand in filters.
const moment = "2006-01-02T15:04:05.000Z"

// changedSince are the parameters for customers by the time of their last change.
func changedSince(at time.Time) url.Values {
	q := url.Values{"sort": {"updatedAt"}}
	if !at.IsZero() {
		q.Set("filter[updatedAt][gte]", at.UTC().Format(moment))
	}
	return q
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
