package config

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// The roles of people at the console.
const (
	Viewer   = "viewer"
	Operator = "operator"
)

// Console says who may see and do what in the web pages of http.console. Without users, tokens
// and a proxy the console takes no login and listens on loopback only.
type Console struct {
	Actions      bool         `yaml:"actions" default:"true" doc:"false: the pages only show, nobody can send, discard, hold or resume there."`
	Hosts        []string     `yaml:"hosts" doc:"Further names by which browsers reach the console, as console.example.com. IP addresses, localhost, the machine's name and the host of http.console are always taken."`
	UsersFile    string       `yaml:"users_file" doc:"File with a line NAME:HASH:ROLE for each user, the hash by bcrypt as htpasswd -nB makes it, the role viewer or operator. Read again when it changes."`
	Token        Secret       `yaml:"token" doc:"A bearer token that lets in with token_role; a person may log in with it too."`
	TokenRole    string       `yaml:"token_role" default:"viewer" enum:"viewer,operator" doc:"The role of who has the token."`
	Proxy        ConsoleProxy `yaml:"proxy" doc:"A proxy in front that has checked who somebody is."`
	PersonalData []string     `yaml:"personal_data" default:"operator" enum:"viewer,operator" doc:"The roles that may show personal data, which is masked until they ask for it. Empty: nobody."`
	TLS          ServerTLS    `yaml:"tls" doc:"Encryption of the pages; without it, a proxy in front has to do it."`
}

// ConsoleProxy is a proxy that names the user in a header.
type ConsoleProxy struct {
	Trusted   []string `yaml:"trusted" doc:"The addresses of the proxy, as 10.0.0.7 or 10.0.0.0/8: the header of any other sender counts for nothing. Empty: no proxy."`
	Header    string   `yaml:"header" default:"X-Forwarded-User" doc:"The header with the user's name."`
	Operators []string `yaml:"operators" doc:"The users that are operators; the others are viewers."`
}

// HasLogin reports whether somebody who is not known is refused.
func (c Console) HasLogin() bool {
	return c.UsersFile != "" || !c.Token.IsZero() || len(c.Proxy.Trusted) > 0
}

// Networks are the addresses of the proxy. An address that cannot be read, which a checked
// configuration has not, is left out.
func (p ConsoleProxy) Networks() []netip.Prefix {
	var list []netip.Prefix
	for _, text := range p.Trusted {
		if network, ok := networkOf(text); ok {
			list = append(list, network)
		}
	}
	return list
}

func networkOf(text string) (netip.Prefix, bool) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address, address.BitLen()), true
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err == nil
}

// CheckConsole returns why the console must not listen at an address, "" if it may: anyone who
// reaches it could read events and send letters.
func (c *Config) CheckConsole(address string) string {
	if address == "" || c.Console.HasLogin() || listensOnLoopback(address) {
		return ""
	}
	return "is no loopback address, and nobody would have to log in: set console.users_file, console.token or console.proxy.trusted, or listen on 127.0.0.1"
}

// listensOnLoopback reports whether only this machine reaches an address host:port.
func listensOnLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && isLoopback(host)
}

// checkConsole checks http.console and the block console.
func (c *Config) checkConsole(d *decoder) {
	at := c.HTTP.Console
	d.checkAddress("http.console", at)
	if at != "" && !strings.HasSuffix(at, ":0") && slices.Contains([]string{c.HTTP.Listen, c.HTTP.Admin, c.Inbound.Listen}, at) {
		d.refuse("http.console", "must not be the address of http.listen, http.admin or inbound.listen")
	}
	if why := c.CheckConsole(at); why != "" && d.sound("http.console") {
		d.refuse("http.console", "%s", why)
	}
	if (c.Console.TLS.CertFile == "") != (c.Console.TLS.KeyFile == "") {
		d.refuse("console.tls", "cert_file and key_file belong together")
	}
	for i, name := range c.Console.Hosts {
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(":/*", r) }) {
			d.refuse(indexed("console.hosts", i), "write a host name without scheme, port and wildcards, like console.example.com")
		}
	}
	c.Console.checkToken(d)
	c.Console.Proxy.check(d)
}

func (c Console) checkToken(d *decoder) {
	token := c.Token.Reveal()
	switch {
	case c.Token.IsZero():
		if d.given("console.token_role") && c.TokenRole != Viewer { // config show has the default too
			d.refuse("console.token_role", "is set, but there is no console.token")
		}
	case strings.ContainsFunc(token, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }):
		d.refuse("console.token", "must not have blanks or control characters, such as a line break")
	case len(token) < minConsoleToken:
		d.refuse("console.token", "must have at least %d characters: make one with openssl rand -hex 32", minConsoleToken)
	}
}

// minConsoleToken is how long the console's token must be, so that it cannot be guessed.
const minConsoleToken = 20

// defaultUserHeader is the default of console.proxy.header.
const defaultUserHeader = "X-Forwarded-User"

func (p ConsoleProxy) check(d *decoder) {
	for i, text := range p.Trusted {
		network, ok := networkOf(text)
		switch {
		case !ok:
			d.refuse(indexed("console.proxy.trusted", i), "write an address or a network, like 10.0.0.7 or 10.0.0.0/8")
		case network.Bits() == 0:
			d.refuse(indexed("console.proxy.trusted", i), "takes every address: whoever reaches the console could name any user")
		}
	}
	if strings.TrimSpace(p.Header) == "" || strings.ContainsFunc(p.Header, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
		d.refuse("console.proxy.header", "write the name of a header, like X-Forwarded-User")
	}
	if len(p.Trusted) == 0 && (len(p.Operators) > 0 || p.Header != defaultUserHeader) {
		d.refuse("console.proxy", "trusted is missing: without it the header of nobody counts")
	}
}
