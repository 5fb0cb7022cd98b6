package call

import (
	"errors"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/mapping"
)

// methods are those that a call can have.
var methods = []string{methodGet, "POST", "PUT", "PATCH", "DELETE"}

// Entry is one method and path that calls may have.
type Entry struct {
	// Text is the entry as the owner wrote it, blanks aside: "GET /v1/customers/**".
	Text   string
	method string
	// pattern are the path's segments, decoded. one stands for a segment; rest, only at the end, for
	// one or more.
	pattern []string
}

const (
	methodGet = "GET"

	one  = "*"
	rest = "**"
)

// Parse reads an entry of an allow list: a method, a blank and a path below base_url, in which *
// stands for one segment and ** at the end for one or more. The error says what to write.
func Parse(text string) (Entry, error) {
	method, path, ok := strings.Cut(strings.TrimSpace(text), " ")
	path = strings.TrimSpace(path)
	if !ok || !slices.Contains(methods, method) {
		return Entry{}, errors.New("write a method (" + strings.Join(methods, ", ") + ") and a path, like GET /v1/teams")
	}
	pattern, err := segments(path)
	if err != nil {
		return Entry{}, errors.New("the " + strings.TrimPrefix(err.Error(), string(mapping.InvalidPath)+": "))
	}
	for i, segment := range pattern {
		switch {
		case segment == rest && i < len(pattern)-1:
			return Entry{}, errors.New("** stands at the end of a path only")
		case segment != one && segment != rest && strings.Contains(segment, one):
			return Entry{}, errors.New("* stands for a whole segment, not for a part of one")
		}
	}
	return Entry{Text: method + " " + path, method: method, pattern: pattern}, nil
}

// allows reports whether a call with the method and the decoded path may be made.
func (e Entry) allows(method string, path []string) bool {
	if method != e.method {
		return false
	}
	for i, segment := range e.pattern {
		if segment == rest {
			return len(path) > i
		}
		if i == len(path) || segment != one && segment != path[i] {
			return false
		}
	}
	return len(path) == len(e.pattern)
}

// allowed are the entries of one destination.
type allowed []Entry

// find is the first entry that allows a call.
func (a allowed) find(method string, path []string) (Entry, bool) {
	i := slices.IndexFunc(a, func(e Entry) bool { return e.allows(method, path) })
	if i < 0 {
		return Entry{}, false
	}
	return a[i], true
}
