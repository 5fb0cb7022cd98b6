package stub

import (
	"net/url"
	"strings"
)

// request is one call as an API sees it.
type request struct {
	op     string
	method string
	// otherMethod is set for a path that has endpoints, but none for the method.
	otherMethod bool
	params      []string // the values of the template's braces, unescaped
	query       url.Values
	body        []byte
	// object is the body as a JSON object, nil with notObject if it is none.
	object    map[string]any
	notObject error
	// tooLarge is set for a body that is larger than the API takes.
	tooLarge bool
}

// answer is what an API says to a request.
type answer struct {
	status int
	body   []byte
	html   bool // the body is HTML and not JSON
	cut    bool // the connection is reset instead
}

// route is one endpoint. Its op is the method and the path's template, where {name}
// stands for the rest of a segment: "GET /v1/customers/email={email}".
type route struct {
	op     string
	handle func(request) answer

	method   string
	segments []string
}

func newRoute(op string, handle func(request) answer) route {
	method, path, _ := strings.Cut(op, " ")
	return route{op: op, handle: handle, method: method, segments: strings.Split(path, "/")}
}

// match returns the values of the template's braces if a path, in its escaped
// segments, is the route's.
func (r route) match(segments []string) ([]string, bool) {
	if len(segments) != len(r.segments) {
		return nil, false
	}
	var params []string
	for i, want := range r.segments {
		got, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, false
		}
		prefix, _, isParam := strings.Cut(want, "{")
		switch {
		case !isParam && got != want:
			return nil, false
		case isParam:
			value, found := strings.CutPrefix(got, prefix)
			if !found || value == "" {
				return nil, false
			}
			params = append(params, value)
		}
	}
	return params, true
}

// find returns the first route of a method and a path, with the values of its braces.
// Without one its op is "", and otherMethod reports whether the path has a route for
// another method.
func find(routes []route, method, escapedPath string) (found route, params []string, otherMethod bool) {
	segments := strings.Split(escapedPath, "/")
	for _, r := range routes {
		params, ok := r.match(segments)
		switch {
		case ok && r.method == method:
			return r, params, false
		case ok:
			otherMethod = true
		}
	}
	return route{}, nil, otherMethod
}
