package stub

import (
	"net/http"
	"slices"
	"strings"
)

// loginPath is where the gateway "302 own host" redirects to, whichever API is called.
const loginPath = "/login"

// loginPage is what is found there.
const loginPage = `<!DOCTYPE html><html><head><title>Sign in</title></head><body><form action="/login" method="post"></form></body></html>`

// Gateway is an answer that is not an API's own: what an ingress, a proxy or a login
// portal in front of the API answers in its place.
type Gateway struct {
	// Name names the answer for people: "404 page".
	Name string
	// Imitates is set if the answer cannot be told from one of the API's own.
	Imitates bool

	status   int
	location string
	body     string
}

// Gateways returns the answers that Desk.SetGateway can be given.
func Gateways() []Gateway {
	page := func(text string) string { return "<!DOCTYPE html><html><body><h1>" + text + "</h1></body></html>" }
	return []Gateway{
		{Name: "302 other host", status: http.StatusFound, location: "https://login.invalid/?next=/"},
		{Name: "302 own host", status: http.StatusFound, location: loginPath},
		{Name: "404 page", status: http.StatusNotFound, body: page("default backend")},
		{Name: "404 empty", status: http.StatusNotFound},
		{Name: "403 page", status: http.StatusForbidden, body: page("Access denied")},
		{Name: "400 page", status: http.StatusBadRequest, body: page("The request header or cookie is too large")},
		{Name: "200 login page", status: http.StatusOK, body: loginPage},
		{Name: "404 JSON", status: http.StatusNotFound, body: `{"message":"no route matches"}`, Imitates: true},
	}
}

// gatewayNamed returns the gateway of a name, in which blanks may be dashes.
func gatewayNamed(name string) (Gateway, bool) {
	list := Gateways()
	i := slices.IndexFunc(list, func(g Gateway) bool { return g.Name == strings.ReplaceAll(name, "-", " ") })
	if i < 0 {
		return Gateway{}, false
	}
	return list[i], true
}

// answer returns what the gateway answers to a call of a path.
func (g Gateway) answer(path string) Answer {
	if path == loginPath {
		return HTML(http.StatusOK, loginPage)
	}
	return Answer{Status: g.status, location: g.location, HTML: !g.Imitates, Body: []byte(g.body)}
}

// ServeHTTP answers a call.
func (g Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { write(w, g.answer(r.URL.Path)) }

// SetGateway puts a gateway in front of the help desk: it answers every call, whatever
// the token, and none takes effect or is counted against a limit. nil removes it.
// Received has the calls with the fault Outage.
func (d *Desk) SetGateway(g *Gateway) { d.gateway.Store(g) }
