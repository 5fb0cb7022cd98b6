package stub

import (
	"net/url"
	"strings"
)

// Route is one endpoint of an API.
type Route struct {
	op       string
	method   string
	segments []string
	handle   func(Request) Answer
}

// NewRoute returns the endpoint of an op, which is the method and the path's template. In
// it {name} is the rest of a segment: "GET /v1/customers/email={email}".
func NewRoute(op string, handle func(Request) Answer) Route {
	method, path, _ := strings.Cut(op, " ")
	return Route{op: op, handle: handle, method: method, segments: strings.Split(path, "/")}
}

// Around returns the endpoint with a function around its handler.
func (r Route) Around(around func(r Request, next func(Request) Answer) Answer) Route {
	next := r.handle
	r.handle = func(request Request) Answer { return around(request, next) }
	return r
}

// match returns the values of the template's braces if the route has the path, which is
// given in its escaped segments.
func (r Route) match(segments []string) ([]string, bool) {
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
// Without one its op is "", and otherMethod reports whether another method has a route with
// the path.
func find(routes []Route, method, escapedPath string) (found Route, params []string, otherMethod bool) {
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
	return Route{}, nil, otherMethod
}
