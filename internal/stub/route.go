package stub

import (
	"net/url"
	"strings"
)

// request is one call as an API sees it.
type request struct {
	op     string
	params []string // the values of the template's braces, unescaped
	query  url.Values
	body   []byte
	// object is the body as a JSON object, nil with notObject if it is none.
	object    map[string]any
	notObject error
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

// match gives the values of the template's braces if a path, in its escaped
// segments, is the route's.
func (r route) match(method string, segments []string) ([]string, bool) {
	if method != r.method || len(segments) != len(r.segments) {
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

// find is the first route of a path; its op is "" when there is none.
func find(routes []route, method, escapedPath string) (route, []string) {
	segments := strings.Split(escapedPath, "/")
	for _, r := range routes {
		if params, ok := r.match(method, segments); ok {
			return r, params
		}
	}
	return route{}, nil
}
