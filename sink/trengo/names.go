package trengo

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/sink"
)

// directory is a list of what the desk names.
type directory struct {
	what string // for people
	path string
	// names returns what an entry is called, nil for an entry that may not be used.
	names func(entry mapping.Value) []string
}

// The lists. Vendor: GET /teams, /users, /labels, /ticket_results, /contact_groups, /channels (not documented by
// the vendor, but used) and /custom_fields, where a title is unique for each type only.
var (
	teams         = directory{"team", "/teams", named("name")}
	users         = directory{"user", "/users", userNames}
	labels        = directory{"label", "/labels", labelNames}
	results       = directory{"ticket result", "/ticket_results", named("name")}
	channels      = directory{"channel", "/channels", named("title", "display_name")}
	groups        = directory{"contact group", "/contact_groups", named("name")}
	contactFields = directory{"field of contacts", customFields, fieldTitles}
	ticketFields  = directory{"field of tickets", customFields, fieldTitles}
)

const customFields = "/custom_fields"

// named are the members of an entry that name it.
func named(members ...string) func(mapping.Value) []string {
	return func(entry mapping.Value) (list []string) {
		for _, m := range members {
			list = append(list, entry.Get(m).Str())
		}
		return list
	}
}

// userNames are a user's e-mail address and name.
func userNames(u mapping.Value) []string {
	return []string{
		strings.ToLower(u.Get("email").Str()), u.Get("full_name").Str(),
		strings.TrimSpace(u.Get("first_name").Str() + " " + u.Get("last_name").Str()),
	}
}

// labelNames are the name of a label that is not archived.
func labelNames(l mapping.Value) []string {
	if archived := l.Get("archived"); archived.IsTrue() || archived.Kind() == mapping.Number && !archived.IsZeroNumber() {
		return nil
	}
	return []string{l.Get("name").Str()}
}

// fieldTitles are the type and title of a custom field, joined as fieldName does.
func fieldTitles(f mapping.Value) []string {
	title := f.Get("title").Str()
	if title == "" {
		return nil
	}
	return []string{fieldName(f.Get("type").Str(), title)}
}

// fieldName is the name of a custom field in its list.
func fieldName(of, title string) string { return of + ":" + title }

// The types of custom fields.
const (
	contactField = "CONTACT"
	ticketField  = "TICKET"
)

// in is the name as the list has it.
func (d directory) in(name string) string {
	switch {
	case d.path == customFields && d.what == contactFields.what:
		return fieldName(contactField, name)
	case d.path == customFields:
		return fieldName(ticketField, name)
	case d.path == users.path && strings.Contains(name, "@"):
		return strings.ToLower(name)
	}
	return name
}

// find returns the id of what a directory has under a name, "" if it has none, or several. A name
// that is all digits is an id. Error: unknown_name with strict, and those of the Doer.
func (w *work) find(ctx context.Context, d directory, name string) (string, error) {
	if strings.Trim(name, "0123456789") == "" {
		return name, nil
	}
	id, err := w.ids.Named(ctx, w.do, d.path, d.in(name), func(ctx context.Context) (map[string]string, error) { return w.read(ctx, d) })
	switch {
	case errors.Is(err, sink.ErrPlanned):
		return "<id of the " + d.what + ">", nil
	case err != nil || id != "":
		return id, err
	case w.Decision.Strict:
		failure := sink.NotFound(sink.UnknownName, "the desk has no "+d.what+" of a name that the rule has")
		failure.Detail = quoted(name)
		return "", failure
	}
	w.warn("the desk has no " + d.what + " " + quoted(name) + ": it was left out")
	return "", nil
}

// quoted is a name for people, not too long.
func quoted(name string) string {
	const most = 60
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "..."
	}
	return strconv.Quote(name)
}

// maxListPages bounds the pages of a list: 25 entries stand on one, or more.
const maxListPages = 100

// read reads a directory: ids by name, "" for a name that several have.
func (w *work) read(ctx context.Context, d directory) (map[string]string, error) {
	ids, seen := make(map[string]string), make(map[string]bool)
	for page := 1; page <= maxListPages; page++ {
		reply, err := w.do.Do(ctx, sink.Call{
			Op: "GET " + d.path, Method: http.MethodGet, Path: d.path, Query: "page=" + strconv.Itoa(page),
			Lookup: true, Shared: true, Accept: acceptList,
		})
		if err != nil {
			return nil, err
		}
		if reply.Planned {
			return nil, sink.ErrPlanned
		}
		body, fresh := reply.JSON(), false
		for _, m := range entries(body) {
			id := contactID(m.Value)
			if id == "" || seen[id] {
				continue
			}
			seen[id], fresh = true, true
			for _, name := range d.names(m.Value) {
				enter(ids, mapping.OneLine(name), id)
			}
		}
		if !fresh || !followed(body) {
			return ids, nil
		}
	}
	w.warn("the list of Trengo at " + d.path + " has more pages than were read")
	return ids, nil
}

// enter gives a name an id, none if it has another.
func enter(ids map[string]string, name, id string) {
	if name == "" {
		return
	}
	if present, known := ids[name]; known && present != id {
		id = ""
	}
	ids[name] = id
}

// followed reports whether a page of a list has another one after it. Of short lists the vendor
// tells the last page; where nothing is told the next page is asked for, until one has nothing new.
func followed(body mapping.Value) bool {
	links, meta := body.Get("links"), body.Get("meta")
	if links.Get("next").Str() != "" {
		return true
	}
	current, _ := strconv.Atoi(scalar(meta.Get("current_page")))
	last, err := strconv.Atoi(scalar(meta.Get("last_page")))
	if err == nil {
		return current > 0 && current < last
	}
	return !links.Exists() && !meta.Exists()
}

// entries are those of a list, which may be the whole body.
func entries(body mapping.Value) []mapping.Member {
	if body.Kind() == mapping.Array {
		return body.Members()
	}
	return body.Get("data").Members()
}

var errNoEntries = errors.New("its body holds no list")

// acceptList is a Call's Accept for a list.
func acceptList(r sink.Reply) error {
	if body := r.JSON(); body.Kind() != mapping.Array && body.Get("data").Kind() != mapping.Array {
		return errNoEntries
	}
	return nil
}
