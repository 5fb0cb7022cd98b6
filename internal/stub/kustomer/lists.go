package kustomer

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/deskstream/deskstream/internal/stub"
)

// What the organization has. Nothing of it can be changed but the tags.
var (
	teams  = named("team", "Billing", "Support", "Returns")
	users  = []map[string]any{user("Mila Jansen", "user"), user("Noor de Vries", "user"), user("Stub", "machine")}
	queues = named("queue", "Payments", "Deliveries")
	klass  = []string{"order", "shipment"}
	// firstTags are those that are there at first.
	firstTags = []string{"billing", "refund", "urgent", "vip"}
)

// listEntry is an entry of a list, as it is shown. Its id is a hash of its name.
func listEntry(kind, name string, attributes map[string]any) map[string]any {
	attributes["name"] = name
	return map[string]any{"type": kind, "id": objectID(kind, name), "attributes": attributes}
}

func named(kind string, names ...string) (list []map[string]any) {
	for _, name := range names {
		list = append(list, listEntry(kind, name, map[string]any{"displayName": name}))
	}
	return list
}

func user(name, kind string) map[string]any {
	first, _, _ := strings.Cut(name, " ")
	return listEntry("user", name, map[string]any{
		"displayName": name, "email": strings.ToLower(first) + "@desk.example", "userType": kind,
	})
}

// listed answers with a list.
func listed(path string, most int, list []map[string]any) func(stub.Request) stub.Answer {
	return func(r stub.Request) stub.Answer { return paged(r, path, most, list) }
}

func showTeam(r stub.Request) stub.Answer {
	for _, t := range teams {
		if t["id"] == r.Params[0] {
			return stub.JSON(http.StatusOK, map[string]any{"data": t})
		}
	}
	return notFound("id")
}

// listUsers takes one filter at a time.
func listUsers(r stub.Request) stub.Answer {
	return paged(r, "/v1/users", maxPageWide, slices.DeleteFunc(slices.Clone(users), func(u map[string]any) bool {
		of, _ := u["attributes"].(map[string]any)
		for query, attribute := range map[string]string{"email": "email", "userType": "userType"} {
			if want := r.Query.Get(query); want != "" && want != of[attribute] {
				return true
			}
		}
		return r.Query.Get("deleted") == "true" || r.Query.Get("pending") == "true"
	}))
}

// listKlasses lists the klasses, which are all enabled.
func listKlasses(r stub.Request) stub.Answer {
	var list []map[string]any
	for _, name := range klass {
		if want := r.Query.Get("name"); want == "" || want == name {
			list = append(list, listEntry("klass", name, map[string]any{"displayName": name, "status": "enabled"}))
		}
	}
	return paged(r, "/v1/klasses", maxPage, list)
}

// tagList is the tags of the organization.
type tagList struct {
	mu    sync.Mutex
	names []string
}

func (t *tagList) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names = slices.Clone(firstTags)
}

// idOf is the id of a tag, which is named by name or id. create makes one that is not there; else
// its id is "".
func (t *tagList) idOf(tag string, create bool) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range t.names {
		if id := objectID("tag", name); tag == id || strings.EqualFold(tag, name) {
			return id
		}
	}
	if !create {
		return ""
	}
	t.names = append(t.names, tag)
	return objectID("tag", tag)
}

func (t *tagList) serve(r stub.Request) stub.Answer {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []map[string]any
	for _, name := range t.names {
		list = append(list, listEntry("tag", name, map[string]any{"deleted": false}))
	}
	if r.Query.Get("deleted") == "true" {
		list = nil
	}
	return paged(r, "/v1/tags", maxPage, list)
}

// known reports whether there is a klass of a name.
func known(name string) bool { return slices.Contains(klass, name) }

// refusedWrite answers a write that the records refused.
func (k *kustomer) refusedWrite(err error) stub.Answer {
	switch {
	case errors.Is(err, errTooManyCreates):
		return k.Refuse(http.StatusTooManyRequests)
	case errors.Is(err, errConflict): // which of 409 and 400 it is, is not said
		return longError(http.StatusConflict, "externalId is another object's", "")
	case errors.Is(err, errStale):
		return longError(http.StatusConflict, "the revision is stale", "")
	}
	return notFound("id")
}
