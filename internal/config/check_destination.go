package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/deskstream/deskstream/desk/all"
	"github.com/deskstream/deskstream/internal/certs"
	"github.com/deskstream/deskstream/sink"
)

// fillIn sets what a destination takes from elsewhere when its own key is missing.
func (c *Config) fillIn(d *decoder) {
	c.Kafka.Brokers = splitBrokers(c.Kafka.Brokers)
	for i := range c.Destinations {
		dest := &c.Destinations[i]
		if dest.Start.IsZero() {
			dest.Start = c.Source.Start
		}
		if !d.given(indexed("destinations", i) + ".delivery.rate_limit.requests") {
			kind, _ := all.Kind(dest.Type)
			dest.Delivery.RateLimit.Requests = kind.Requests
		}
	}
}

// destinationName is what a destination may be called: it is a part of group
// names, labels of metrics and headers.
var destinationName = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)

func checkDestination(d *decoder, i int, dest *Destination, names map[string]bool) {
	path := indexed("destinations", i)
	switch {
	case dest.Name == "":
		d.refuse(path+".name", "is missing")
	case !destinationName.MatchString(dest.Name):
		d.refuse(path+".name", "must be 1 to 64 of a-z, 0-9 and -")
	case names[dest.Name]:
		d.refuse(path+".name", "another destination has this name")
	}
	names[dest.Name] = true
	checkFilter(d, path+".event_filter", dest.EventFilter)
	if dest.Delivery.Retry.Initial > dest.Delivery.Retry.Max && d.sound(path+".delivery.retry.max") {
		d.refuse(path+".delivery.retry.initial", "must not be longer than max")
	}
	checkSettings(d, path, dest)
	checkCoalesce(d, path+".delivery.coalesce", dest)
	checkPriorities(d, path, dest)
	checkCallTLS(d, path+".delivery.tls", dest)
	checkRules(d, path, dest)
	checkCalls(d, path+".calls", dest)
	checkWebhooks(d, path+".webhooks", dest)
}

// checkCoalesce refuses to join events where the desk is told of each alone.
func checkCoalesce(d *decoder, path string, dest *Destination) {
	kind, ok := all.Kind(dest.Type)
	if !ok || !dest.Delivery.Coalesce || dest.Desk() == nil {
		return
	}
	if why := kind.CannotMerge(dest.Desk()); why != "" {
		d.refuse(path, "%s", why)
	}
}

func checkFilter(d *decoder, path string, filter EventFilter) {
	if len(filter.Allow) > 0 && len(filter.Deny) > 0 {
		d.refuse(path, "give allow or deny, not both")
	}
	for key, names := range map[string][]string{"allow": filter.Allow, "deny": filter.Deny} {
		for i, name := range names {
			if strings.TrimSpace(name) == "" {
				d.refuse(indexed(path+"."+key, i), "must not be blank")
			}
		}
	}
}

// checkCallTLS reads the certificates, so that errors in them are found before the first call.
func checkCallTLS(d *decoder, path string, dest *Destination) {
	t := &dest.Delivery.TLS
	switch {
	case *t == CallTLS{}:
	case (t.CertFile == "") != (t.KeyFile == ""):
		d.refuse(path, "cert_file and key_file go together")
	case dest.Desk() != nil && strings.HasPrefix(strings.ToLower(dest.BaseURL()), "http://"):
		d.refuse(path, "has no effect: calls go to %s, without TLS", dest.BaseURL())
	default:
		var err error
		if t.client, err = certs.Client(certs.Files{CA: t.CAFile, Cert: t.CertFile, Key: t.KeyFile, ServerName: t.ServerName}); err != nil {
			d.refuse(path, "%v", err)
		}
	}
}

// checkSettings compares the blocks of settings with the type, and checks what they hold.
func checkSettings(d *decoder, path string, dest *Destination) {
	if dest.Type == "" {
		d.refuse(path+".type", "is missing; it is one of %s", strings.ReplaceAll(ofDesks("{desks}"), ",", ", "))
		return
	}
	for _, k := range all.Kinds() {
		settings, given := dest.Settings[k.Name]
		at := path + "." + k.Name
		switch {
		case !d.sound(path + ".type"):
		case k.Name == dest.Type && !given:
			d.refuse(at, "the settings of a %s destination are missing", k.Name)
		case k.Name != dest.Type && given:
			d.refuse(at, "the type of this destination is %s", dest.Type)
		}
		if given {
			endpoint, credential := settings.Endpoint(), settings.Credential()
			if credential.Key != "" {
				checkCredential(d, at+"."+credential.Key, credential.Secret, endpoint.URL)
			}
			checkURL(d, at+"."+endpoint.Key, endpoint.URL, endpoint.AllowInsecure)
			checkDesk(d, at, settings.Validate())
		}
	}
}

// checkCredential refuses what cannot stand in an Authorization header, and what is too
// short to be a credential of a real help desk.
func checkCredential(d *decoder, path string, secret Secret, baseURL string) {
	text := secret.Reveal()
	switch {
	case !d.given(path):
		d.refuse(path, "is missing")
	case strings.TrimSpace(text) == "":
		d.refuse(path, "must not be blank")
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		d.refuse(path, "must be printable ASCII without blanks and line breaks")
	case len(text) < sink.MinCredential && !isOfLoopback(baseURL):
		d.refuse(path, "must have at least %d characters; only a stub on a loopback host may have fewer", sink.MinCredential)
	case len(text) < sink.SafeCredential:
		d.warn(path, "has fewer than %d characters: an answer of the API that contains it by chance is shown with [redacted]; use a longer one", sink.SafeCredential)
	}
}

func checkURL(d *decoder, path, text string, insecure bool) {
	u, err := url.Parse(text)
	switch {
	case text == "" && !d.given(path):
		d.refuse(path, "is missing")
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || strings.TrimSpace(text) != text:
		d.refuse(path, "write the full address, like https://api.example.com")
	case u.User != nil:
		d.refuse(path, "must not hold a user name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#"):
		d.refuse(path, "must not have a query or fragment")
	case u.Port() != "" && !isPort(u.Port(), 1) || strings.HasSuffix(u.Host, ":"):
		d.refuse(path, "the port must be a number from 1 to 65535")
	case u.Scheme == "http" && !insecure && !isLoopback(u.Hostname()):
		d.refuse(path, "must be https; plain http needs a loopback host or allow_insecure: true")
	}
}

// isOfLoopback reports whether the host of an address is this machine. One that is no
// address is refused for itself.
func isOfLoopback(address string) bool {
	u, err := url.Parse(address)
	return err != nil || u.Hostname() == "" || isLoopback(u.Hostname())
}

// isLoopback reports whether a host is this machine by name or address.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// splitBrokers takes lists apart that came in one element, as from ${KAFKA_BROKERS}.
func splitBrokers(elements []string) []string {
	var brokers []string
	for _, element := range elements {
		for broker := range strings.SplitSeq(element, ",") {
			brokers = append(brokers, strings.TrimSpace(broker))
		}
	}
	return brokers
}

// checkDesk reports what desk.Settings.Validate returned, each at its place in the file.
func checkDesk(d *decoder, path string, err error) {
	for _, err := range parts(err) {
		setting, message, ok := strings.Cut(err.Error(), ": ")
		if !ok {
			d.refuse(path, "%s", err)
			continue
		}
		d.refuse(path+"."+setting, "%s", message)
	}
}

// parts takes joined errors apart.
func parts(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, parts(e)...)
	}
	return all
}
