package service

import (
	"net/http"

	"github.com/deskstream/deskstream/internal/endpoint"
)

// guardAdmin refuses requests that a web page in an operator's browser can make.
// CrossOriginProtection compares Origin with Host, which are the same for a page that binds
// its own name to our address: see endpoint.Hosts.
func guardAdmin(listen string, next http.Handler) http.Handler {
	hosts := endpoint.HostsOf(listen)
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch site := r.Header.Get("Sec-Fetch-Site"); {
		case !hosts.Take(r.Host):
			endpoint.Answer(w, http.StatusForbidden, HoldAnswer{Error: "the Host of the request is neither an IP address nor localhost nor the host of http.admin"})
		case site == "cross-site" || site == "same-site":
			endpoint.Answer(w, http.StatusForbidden, HoldAnswer{Error: "the request comes from a web page of another origin"})
		default:
			next.ServeHTTP(w, r)
		}
	})
}
