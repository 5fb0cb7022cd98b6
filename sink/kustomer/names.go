package kustomer

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/deskstream/deskstream/mapping"
	"github.com/deskstream/deskstream/mapping/rules"
	"github.com/deskstream/deskstream/sink"
)

// directory is a list of what the desk names.
type directory struct {
	what, path string
	query      string // of the first page
	// names returns what an entry is called by its attributes.
	names func(attributes mapping.Value) []string
	// byName says that calls name the entry by its name, and not by its id.
	byName bool
	// optional says that the event can do without the list.
	optional bool
}

// The lists. Vendor: GET /v1/teams without a query, /v1/users, /v1/tags and /v1/klasses; GET
// /v1/routing/queues was seen in use.
var (
	teams   = directory{what: "team", path: "/v1/teams", names: attributeNames("name", "displayName")}
	users   = directory{what: "user", path: "/v1/users", query: "deleted=false&page=1&pageSize=500", names: userNames}
	queues  = directory{what: "queue", path: "/v1/routing/queues", names: attributeNames("name", "displayName")}
	tags    = directory{what: "tag", path: "/v1/tags", query: "deleted=false&page=1&pageSize=100", names: attributeNames("name")}
	klasses = directory{what: "class", path: "/v1/klasses", query: "page=1&pageSize=100&status=enabled", names: attributeNames("name"), byName: true}
)

// directories are the lists of what rules name.
var directories = map[rules.Sort]directory{
	rules.TeamNames: teams, rules.UserNames: users, rules.QueueNames: queues, rules.LabelNames: tags, rules.ClassNames: klasses,
}

// Names reads the ids of all that Kustomer has of a sort, by name; "" for a name that several have.
// ok is false where Kustomer has no list of the sort. Errors: those of do.
func Names(ctx context.Context, do sink.Doer, sort rules.Sort) (ids map[string]string, ok bool, err error) {
	d, ok := directories[sort]
	if !ok {
		return nil, false, nil
	}
	w := &work{do: do}
	ids, err = w.read(ctx, d)
	maps.DeleteFunc(ids, func(name, _ string) bool { return strings.HasPrefix(name, "\x00") })
	return ids, true, err
}

// attributeNames are the attributes of an entry that name it.
func attributeNames(members ...string) func(mapping.Value) []string {
	return func(attributes mapping.Value) (list []string) {
		for _, m := range members {
			list = append(list, attributes.Get(m).Str())
		}
		return list
	}
}

// userNames are a user's e-mail address and names.
func userNames(u mapping.Value) []string {
	return []string{strings.ToLower(u.Get("email").Str()), u.Get("name").Str(), u.Get("displayName").Str()}
}

// objectID is the form of Kustomer's ids.
var objectID = regexp.MustCompile(`^[0-9a-f]{24}$`)

// find returns the id of what a directory has under a name, "" if it has none, or several. A name
// that has the form of an id is one. Error: unknown_name with strict, and those of the Doer.
func (w *work) find(ctx context.Context, d directory, name string) (string, error) {
	id, err := w.lookUpName(ctx, d, name)
	switch {
	case errors.Is(err, sink.ErrPlanned):
		return "<id of the " + d.what + ">", nil
	case err != nil || id != "":
		return id, err
	}
	return "", w.lacks(d, name, leftOut)
}

const leftOut = "it was left out"

// lookUpName is find that says nothing of a name that is missing. Error: sink.ErrPlanned.
func (w *work) lookUpName(ctx context.Context, d directory, name string) (string, error) {
	if objectID.MatchString(name) && !d.byName {
		there, err := w.has(ctx, d, name)
		if !there {
			name = ""
		}
		return name, err
	}
	if d.path == users.path && strings.Contains(name, "@") {
		name = strings.ToLower(name)
	}
	return w.ids.Named(ctx, w.do, d.path, name, func(ctx context.Context) (map[string]string, error) { return w.read(ctx, d) })
}

// has reports whether the desk has what has an id, as far as its list tells: one that is not shown
// to the key, or goes on after what was read, tells nothing.
func (w *work) has(ctx context.Context, d directory, id string) (bool, error) {
	for _, name := range []string{idName(id), partName} {
		found, err := w.ids.Named(ctx, w.do, d.path, name, func(ctx context.Context) (map[string]string, error) {
			d.optional = true
			return w.read(ctx, d)
		})
		switch {
		case isPlanned(err):
			return true, nil
		case err != nil || found != "":
			return true, err
		}
	}
	return false, nil
}

// idName is the name of an id in its list, and partName stands in a list that is not whole.
func idName(id string) string { return "\x00id\x00" + id }

const partName = "\x00part"

// lacks notes that the desk has not what a name names. Error: unknown_name with strict.
func (w *work) lacks(d directory, name, so string) error {
	if w.Decision.Strict {
		failure := sink.NotFound(sink.UnknownName, "the desk has no "+d.what+" of a name that the rule has")
		failure.Detail = quoted(name)
		return failure
	}
	w.warn("the desk has no " + d.what + " " + quoted(name) + ": " + so)
	return nil
}

// quoted is a name for people, not too long.
func quoted(name string) string {
	const most = 60
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "..."
	}
	return strconv.Quote(name)
}

// maxListPages bounds the pages of a list.
const maxListPages = 100

// read reads a directory: ids by name, "" for a name that several have.
func (w *work) read(ctx context.Context, d directory) (map[string]string, error) {
	ids := make(map[string]string)
	whole, err := w.pages(ctx, sink.Call{
		Op: "GET " + d.path, Path: d.path, Query: d.query, Shared: true, Optional: d.optional, Answers: []int{http.StatusNotFound},
	}, maxListPages, func(entry mapping.Value) {
		id := pathID(entry.Get("id"))
		ids[idName(id)] = id
		for _, name := range d.names(entry.Get("attributes")) {
			if name = mapping.OneLine(name); d.byName {
				id = name
			}
			if present, known := ids[name]; known && present != id {
				id = "" // of two that have the name
			}
			if name != "" {
				ids[name] = id
			}
		}
	})
	if errors.Is(err, errGone) { // there is no such list: that of queues is not in the vendor's schema
		ids[partName] = partName
		return ids, nil
	}
	if err == nil && !whole {
		ids[partName] = partName
		w.warn("the list of Kustomer at " + d.path + " has more pages than were read")
	}
	return ids, err
}

// pages reads a list to its end: what an answer names as its next page is asked for, as long as a
// page has something new. whole reports that nothing was left. Error: sink.ErrPlanned.
func (w *work) pages(ctx context.Context, call sink.Call, most int, take func(entry mapping.Value)) (whole bool, err error) {
	call.Method, call.Lookup, call.Accept = http.MethodGet, true, acceptList
	seen := make(map[string]bool)
	for range most {
		reply, err := w.do.Do(ctx, call)
		switch {
		case err != nil:
			return false, err
		case reply.Planned:
			return false, sink.ErrPlanned
		case !reply.OK():
			return false, errGone
		}
		fresh := false
		for _, m := range reply.JSON().Get("data").Members() {
			if id := pathID(m.Value.Get("id")); id != "" && !seen[id] {
				seen[id], fresh = true, true
				take(m.Value)
			}
		}
		if call.Query = NextPage(reply.JSON()); call.Query == "" || !fresh {
			return true, nil
		}
	}
	return false, nil
}

var errNoEntries = errors.New("its body holds no list")

// acceptList is a Call's Accept for a list.
func acceptList(r sink.Reply) error {
	if r.JSON().Get("data").Kind() != mapping.Array {
		return errNoEntries
	}
	return nil
}
