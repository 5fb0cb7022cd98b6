package trengo

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/deskstream/deskstream/internal/stub"
)

// profilesBegin is what ids of profiles begin above.
const profilesBegin = 900_000

// profiles are the profiles of one account.
type profiles struct {
	mu   sync.RWMutex
	ids  sequence
	byID map[string]string // names
}

func newProfiles() *profiles {
	p := &profiles{ids: sequence{last: profilesBegin}}
	p.clear()
	return p
}

func (p *profiles) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byID = make(map[string]string)
}

// make makes a profile. There may be one of the name already: each call makes another.
func (p *profiles) make(name string) entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := strconv.FormatInt(p.ids.next(), 10)
	p.byID[id] = name
	return profileEntry(id, name)
}

// get returns the profile of an id, nil for none.
func (p *profiles) get(id string) entry {
	p.mu.RLock()
	defer p.mu.RUnlock()
	name, ok := p.byID[id]
	if !ok {
		return nil
	}
	return profileEntry(id, name)
}

// search finds profiles by part of their names, the oldest first.
func (p *profiles) search(term string) []entry {
	p.mu.RLock()
	defer p.mu.RUnlock()
	found := []entry{}
	for id, name := range p.byID {
		if strings.Contains(strings.ToLower(name), strings.ToLower(term)) {
			found = append(found, profileEntry(id, name))
		}
	}
	slices.SortFunc(found, func(a, b entry) int { return cmp.Compare(a["id"].(int64), b["id"].(int64)) })
	return found
}

func profileEntry(id, name string) entry {
	n, _ := strconv.ParseInt(id, 10, 64)
	return entry{"id": n, "name": name, "agency_id": 1, "created_by": owner, "color": "#ffcc00"}
}

func (t *trengo) listProfiles(r stub.Request) stub.Answer {
	p := pager{path: "/profiles", query: r.Query, size: listPage}
	part, more := pageOf(p, t.profiles.search(r.Query.Get("term")))
	return p.answer(part, len(part), more)
}

func (t *trengo) showProfile(r stub.Request) stub.Answer {
	profile := t.profiles.get(r.Params[0])
	if profile == nil {
		return t.Refuse(http.StatusNotFound)
	}
	return stub.JSON(http.StatusOK, profile)
}

func (t *trengo) makeProfile(r stub.Request) stub.Answer {
	name, ok := laravelString(r.Object, "name")
	if !ok || strings.TrimSpace(name) == "" {
		return invalid("name", "The name field is required.")
	}
	return stub.JSON(http.StatusCreated, t.profiles.make(name))
}

// joinProfile makes a contact one of a profile. The type is that of a channel of the contact.
func (t *trengo) joinProfile(r stub.Request) stub.Answer {
	profile := t.profiles.get(r.Params[0])
	if profile == nil {
		return t.Refuse(http.StatusNotFound)
	}
	id, kind := stub.ScalarText(r.Object["contact_id"]), stub.ScalarText(r.Object["type"])
	joins, ok := t.contacts.get(id)
	switch {
	case !ok:
		return invalid("contact_id", "The selected contact id is invalid.")
	case !slices.ContainsFunc(joins.Channels, func(c channel) bool { return c.Type == kind }):
		return invalid("type", "The selected type is invalid.")
	}
	t.contacts.change(id, func(c *contact) {
		if !slices.ContainsFunc(c.Profile, func(e any) bool { return e.(entry)["id"] == profile["id"] }) {
			c.Profile = append(slices.Clip(c.Profile), profile)
		}
	})
	return stub.JSON(http.StatusOK, profile)
}

// groupsOf are the groups of ids, or what is wrong with them.
func groupsOf(v any) (groups []any, problem string) {
	list, ok := v.([]any)
	if !ok {
		return nil, "The contact group ids must be an array."
	}
	groups = []any{}
	for _, id := range list {
		group := withID(contactGroups, stub.ScalarText(id))
		if group == nil {
			return nil, "The selected contact group ids is invalid."
		}
		groups = append(groups, group)
	}
	return groups, ""
}
