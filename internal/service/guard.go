package service

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
)

// guardAdmin refuses requests that a web page in an operator's browser can make.
// CrossOriginProtection compares Origin with Host, which are the same for a page that binds
// its own name to our address (DNS rebinding). So the Host must be one that only a client of
// this program uses.
func guardAdmin(listen string, next http.Handler) http.Handler {
	names := adminNames(listen)
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch site := r.Header.Get("Sec-Fetch-Site"); {
		case !names[hostOf(r.Host)] && !isAddress(hostOf(r.Host)):
			answer(w, http.StatusForbidden, HoldAnswer{Error: "the Host of the request is neither an IP address nor localhost nor the host of http.admin"})
		case site == "cross-site" || site == "same-site":
			answer(w, http.StatusForbidden, HoldAnswer{Error: "the request comes from a web page of another origin"})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// adminNames returns the hosts that a request to the admin listener may have: localhost, the
// configured host, and the machine's own name.
func adminNames(listen string) map[string]bool {
	names := map[string]bool{"localhost": true}
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" {
		names[strings.ToLower(host)] = true
	}
	if name, err := os.Hostname(); err == nil {
		names[strings.ToLower(name)] = true
	}
	return names
}

// hostOf returns the host of a Host header in lower case, without port, brackets and the
// dot that may end a full name.
func hostOf(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		header = host
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(header, "[]")), ".")
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
