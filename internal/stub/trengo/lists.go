package trengo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/deskstream/deskstream/internal/stub"
)

// What the account has. Nothing of it can be changed.
var (
	teams = []entry{{"id": 3001, "name": "Billing"}, {"id": 3002, "name": "Support"}}
	users = []entry{
		userEntry(owner, "Desk", "Stream"), userEntry(8, "Mila", "Jansen"), userEntry(9, "Noor", "de Vries"),
	}
	labels = []entry{
		labelEntry(4001, "billing", false), labelEntry(4002, "vip", true), labelEntry(4003, "urgent", false), labelEntry(4004, "vip", false),
	}
	customFields = []entry{
		fieldEntry(5001, "Plan", contactField), fieldEntry(5002, "Invoice", ticketField),
		fieldEntry(5003, "Plan", ticketField), fieldEntry(5004, "Region", "PROFILE"),
	}
	contactGroups = []entry{{"id": 7001, "name": "VIP"}, {"id": 7002, "name": "Wholesale"}}
	results       = []entry{{"id": 6001, "name": "Paid", "sort_order": 1}, {"id": 6002, "name": "Refunded", "sort_order": 2}}
)

// The types of custom fields that contacts and tickets have.
const (
	contactField = "CONTACT"
	ticketField  = "TICKET"
)

// entry is an entry of a list, as it is shown.
type entry map[string]any

func userEntry(id int, first, last string) entry {
	return entry{
		"id": id, "first_name": first, "last_name": last, "full_name": first + " " + last, "email": first + "@desk.example",
		"status": "ACTIVE", "role": entry{"id": 1, "name": "administrator"}, "timezone": "Europe/Amsterdam", "is_online": 1,
	}
}

func labelEntry(id int, name string, archived bool) entry {
	return entry{"id": id, "name": name, "slug": name, "color": "#ffcc00", "sort_order": id, "archived": archived}
}

func fieldEntry(id int, title, kind string) entry {
	return entry{
		"id": id, "title": title, "type": kind, "identifier": title, "field_type": "TEXT", "sort_order": id,
		"placeholder": nil, "items": []any{}, "channels": []any{}, "is_required": 0,
	}
}

// listed answers with a list that says how many pages it has.
func listed(path string, list []entry) func(stub.Request) stub.Answer {
	return func(r stub.Request) stub.Answer {
		p := pager{path: path, query: r.Query, size: listPage}
		part, more := pageOf(p, list)
		body := p.body(part, len(part), more)
		meta := body["meta"].(map[string]any)
		meta["last_page"], meta["total"] = max(1, (len(list)+listPage-1)/listPage), len(list)
		return stub.JSON(http.StatusOK, body)
	}
}

func listLabels(r stub.Request) stub.Answer {
	p := pager{path: "/labels", query: r.Query, size: listPage}
	part, more := pageOf(p, labels)
	body := p.body(part, len(part), more)
	delete(body, "meta")
	return stub.JSON(http.StatusOK, body)
}

// listChannels lists all channels on one page, without a name of their own.
func (t *trengo) listChannels(stub.Request) stub.Answer {
	list := []entry{}
	for _, id := range slices.SortedFunc(maps.Keys(t.channels), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	}) {
		c := channelOf(id, t.channels[id])
		list = append(list, entry{
			"id": json.Number(id), "type": c.Type, "title": c.Title, "name": nil, "display_name": c.Title, "status": "ACTIVE", "is_private": 0,
		})
	}
	return stub.JSON(http.StatusOK, entry{"data": list})
}

// entryOf answers with the entry of a list whose id the path has. A path with anything but a number
// is none of the API's: that was seen of /users/me.
func (t *trengo) entryOf(list []entry) func(stub.Request) stub.Answer {
	return func(r stub.Request) stub.Answer {
		e := withID(list, r.Params[0])
		if _, err := strconv.ParseInt(r.Params[0], 10, 64); err != nil {
			return t.Unrouted(r)
		}
		if e == nil {
			return t.Refuse(http.StatusNotFound)
		}
		return stub.JSON(http.StatusOK, e)
	}
}

// withID returns the entry of a list, nil for none.
func withID(list []entry, id string) entry {
	for _, e := range list {
		if fmt.Sprint(e["id"]) == id {
			return e
		}
	}
	return nil
}
