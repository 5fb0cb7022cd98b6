package endpoint

import (
	"net"
	"net/netip"
	"os"
	"strings"
)

// Hosts are the names that the Host header of a request may have. A web page that binds a name of
// its own to our address (DNS rebinding) has the same origin as we do for the browser, so the Host
// must be one that only a client of this program uses: an IP address, localhost, the machine's own
// name, or a configured one.
type Hosts map[string]bool

// HostsOf returns the names for a listener's address, host:port, and further ones.
func HostsOf(listen string, more ...string) Hosts {
	h := Hosts{"localhost": true}
	if host, _, err := net.SplitHostPort(listen); err == nil && host != "" {
		h[strings.ToLower(host)] = true
	}
	if name, err := os.Hostname(); err == nil {
		h[strings.ToLower(name)] = true
	}
	for _, name := range more {
		h[strings.TrimSuffix(strings.ToLower(name), ".")] = true
	}
	return h
}

// Take reports whether a request with the Host header may be answered.
func (h Hosts) Take(header string) bool {
	host := hostOf(header)
	_, err := netip.ParseAddr(host)
	return err == nil || h[host]
}

// hostOf returns the host of a Host header in lower case, without port, brackets and the
// dot that may end a full name.
func hostOf(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		header = host
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(header, "[]")), ".")
}
