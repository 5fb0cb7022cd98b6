package console

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/deskstream/deskstream/internal/config"
)

// Person is who looks at the console.
type Person struct {
	Name string
	Role string // config.Viewer or config.Operator
	// session reports whether the person has logged in here, and so can log out.
	session bool
}

// Operator reports whether the person may act.
func (p Person) Operator() bool { return p.Role == config.Operator }

// tokenName is the name of who comes with the token.
const tokenName = "token"

// personOf returns who sent a request. Without a login it is whoever reaches the console, which
// only this machine does.
func (c *Console) personOf(r *http.Request) (Person, bool) {
	if !c.settings.HasLogin() {
		return Person{Name: c.By, Role: config.Operator}, true
	}
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		if c.isToken(strings.TrimLeft(token, " ")) {
			return Person{Name: tokenName, Role: c.settings.TokenRole}, true
		}
		return Person{}, false
	}
	if p, ok := c.loggedIn(r); ok {
		return p, true
	}
	return c.namedByProxy(r)
}

func (c *Console) isToken(text string) bool {
	if c.settings.Token.IsZero() {
		return false
	}
	want, got := sha256.Sum256([]byte(c.settings.Token.Reveal())), sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// loggedIn returns the person of a session. Whoever is no longer in the file of users, or has
// another password there, is logged in no more.
func (c *Console) loggedIn(r *http.Request) (Person, bool) {
	s, ok := c.sessions.find(sessionValue(r))
	if !ok {
		return Person{}, false
	}
	if s.name == tokenName && s.proof == c.tokenProof() {
		return Person{Name: tokenName, Role: c.settings.TokenRole, session: true}, true
	}
	u, ok := c.users.named(s.name)
	if !ok || sha256.Sum256([]byte(u.hash)) != s.proof {
		return Person{}, false
	}
	return Person{Name: s.name, Role: u.role, session: true}, true
}

func (c *Console) tokenProof() [32]byte {
	return sha256.Sum256([]byte("token " + c.settings.Token.Reveal()))
}

// namedByProxy returns the person that a trusted proxy names. More than one name is none: somebody
// may have added a header that the proxy let pass.
func (c *Console) namedByProxy(r *http.Request) (Person, bool) {
	if !c.fromProxy(r) {
		return Person{}, false
	}
	names := r.Header.Values(c.settings.Proxy.Header)
	if len(names) != 1 || strings.TrimSpace(names[0]) == "" || len(names[0]) > 4*maxName {
		return Person{}, false
	}
	p := Person{Name: strings.TrimSpace(names[0]), Role: config.Viewer}
	if slices.Contains(c.settings.Proxy.Operators, p.Name) {
		p.Role = config.Operator
	}
	return p, true
}

func (c *Console) fromProxy(r *http.Request) bool {
	address, err := netip.ParseAddr(senderOf(r))
	return err == nil && slices.ContainsFunc(c.settings.Proxy.Networks(), func(n netip.Prefix) bool { return n.Contains(address.Unmap()) })
}

// senderOf is the address from which a request came.
func senderOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// isSecure reports whether the browser's connection is encrypted, as far as we or the proxy know.
func (c *Console) isSecure(r *http.Request) bool {
	return r.TLS != nil || c.fromProxy(r) && r.Header.Get("X-Forwarded-Proto") == "https"
}
